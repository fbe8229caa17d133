package cases

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sekisho/schemas"
	"sekisho/schemas/strict"
)

// Case is an event as a client would send it, and what is expected of it.
type Case struct {
	// Name tells the case from others; Detail says more of a generated one.
	Name   string `yaml:"-"`
	Detail string `yaml:"-"`
	// Event is its JSON form; in the file it is the key `event`.
	Event   []byte            `yaml:"-"`
	Headers map[string]string `yaml:"headers" doc:"Headers of the request, such as Cookie, Sec-GPC, DNT or Origin."`
	Place   string            `yaml:"place" doc:"Country (JP) or region (US-CA) that the edge states."`
	Now     time.Time         `yaml:"now" doc:"When the request is received, RFC 3339. Default: the real time."`
	Resets  map[string]string `yaml:"resets" doc:"Identifiers that have been reset, by field."`
	Expect  Expect            `yaml:"expect" required:"true" doc:"What is expected. What is left out is not looked at."`
}

// Expect is the verdict that is expected.
type Expect struct {
	Outcome      *schemas.Outcome           `yaml:"outcome" required:"true" doc:"Outcome of the event."`
	Reason       *schemas.Reason            `yaml:"reason" doc:"Why."`
	Jurisdiction *string                    `yaml:"jurisdiction" doc:"Whose rules hold."`
	Recipients   map[string]ExpectRecipient `yaml:"recipients" doc:"By recipient."`
}

// ExpectRecipient is the verdict that is expected for a recipient.
type ExpectRecipient struct {
	Outcome  *schemas.Outcome `yaml:"outcome" doc:"Outcome for the recipient."`
	Reason   *schemas.Reason  `yaml:"reason" doc:"Why."`
	Stripped *[]string        `yaml:"stripped" doc:"Fields (properties.NAME for properties) that it is not given of an event that it has, in any order."`
}

// Validate reports what the types alone do not show.
func (c *Case) Validate(check *strict.Check) {
	for name := range c.Resets {
		if f, ok := schemas.FieldNamed([]byte(name)); !ok || !schemas.Identifiers.Has(f) {
			check.Problem(strict.Join("resets", name), nil, "must be a field that holds an identifier, such as visitor_id")
		}
	}
}

// PolicyFile is the file of a directory that is no case but the policy that its
// cases are for.
const PolicyFile = "policy.yaml"

// Load reads the cases of a directory: its files *.yaml, *.yml and *.json, one
// case each, but for [PolicyFile]. The error names every file that is wrong.
func Load(dir string) ([]Case, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the cases: %w", err)
	}
	var list []Case
	var bad []error
	for _, entry := range entries {
		name, extension := entry.Name(), filepath.Ext(entry.Name())
		if entry.IsDir() || name == PolicyFile || !slices.Contains([]string{".yaml", ".yml", ".json"}, extension) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			bad = append(bad, fmt.Errorf("cannot read a case: %w", err))
			continue
		}
		c, err := Parse(text)
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", filepath.Join(dir, name), err))
			continue
		}
		c.Name = strings.TrimSuffix(name, extension)
		list = append(list, c)
	}
	if len(list) == 0 && bad == nil {
		bad = append(bad, fmt.Errorf("cannot find a case in %s: a case is a .yaml or .json file", dir))
	}
	return list, errors.Join(bad...)
}

// Parse reads a case. All but the event is read strictly; whether the event
// fits the schema is for the verdict to say.
func Parse(text []byte) (c Case, err error) {
	var document, next yaml.Node
	source := yaml.NewDecoder(bytes.NewReader(text))
	if err := source.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("the case is not valid: %w", err)
	}
	if source.Decode(&next) == nil {
		return c, errors.New("the case is not valid: a second document, only one is allowed: a file is one case")
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return c, errors.New("the case is not valid: must have the keys event and expect")
	}
	root := document.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "event" {
			if c.Event, err = appendJSON(nil, root.Content[i+1]); err != nil {
				return c, fmt.Errorf("the case is not valid: event: %w", err)
			}
			root.Content = slices.Delete(root.Content, i, i+2)
			break
		}
	}
	if c.Event == nil {
		return c, errors.New("the case is not valid: event: is required")
	}
	rest, err := yaml.Marshal(root)
	if err != nil {
		return c, fmt.Errorf("the case is not valid: %w", err)
	}
	if err := strict.Decode(rest, &c); err != nil {
		return c, fmt.Errorf("the case is not valid:\n%w", withoutLines(err))
	}
	return c, nil
}

// withoutLines leaves out line numbers, which are not those of the file once
// the event is taken out.
func withoutLines(err error) error {
	var all strict.Errors
	if errors.As(err, &all) {
		for _, e := range all {
			e.Line, e.Column = 0, 0
		}
		return all
	}
	return err
}
