package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the longest document that is read. The depth needs no limit of
// its own: nothing is followed deeper than the struct goes, and the YAML parser
// stops at 10,000 levels.
const MaxBytes = 1 << 20

// Decode reads one YAML document into the struct that into points to, checks
// that no required key is missing, and runs the Validate methods. An empty
// document leaves the defaults. The error is an [Errors]; after one the struct
// is half filled and not to be used.
func Decode(data []byte, into any) error {
	return load(data, into, nil)
}

// Load is [Decode] and then [Environment] over the same struct, with one check
// of the result, so that a variable can supply a required key or settle a
// conflict.
func Load(data []byte, into any, prefix string, environ []string, ignore ...string) error {
	return load(data, into, &variables{prefix: prefix, environ: environ, ignore: slices.Clip(ignore)})
}

func load(data []byte, into any, vars *variables) error {
	s, v := rootOf(into)
	d := &decoder{places: map[string]place{}}
	if d.document(data, s, v, "") {
		if vars != nil {
			d.environment(s, v, vars)
		}
		if len(d.errors) <= maxErrors {
			d.validate(s, v)
		}
	}
	return d.errors.sorted()
}

// decoder gathers the errors of one document and the places of its keys.
type decoder struct {
	errors   Errors
	places   map[string]place // by path, of what was given
	variable string           // that holds the document, else it is the file
}

// document decodes data and tells whether it holds keys or nothing, so that it
// makes sense to look at the whole.
func (d *decoder) document(data []byte, s *shape, v reflect.Value, path string) bool {
	if len(data) > MaxBytes {
		d.fail(path, "", fmt.Sprintf("%d bytes, at most %d are read", len(data), MaxBytes))
		return false
	}
	var doc, next yaml.Node
	source := yaml.NewDecoder(bytes.NewReader(data))
	err := source.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return true
	}
	if err == nil {
		if err = source.Decode(&next); err == nil {
			d.failAt(d.placeOf(&next), path, "", "a second document, only one is allowed")
			return false
		}
	}
	if !errors.Is(err, io.EOF) {
		d.syntax(err, path)
		return false
	}
	root := doc.Content[0]
	if root.Tag == "!!null" && root.Value == "" {
		return true
	}
	d.value(s, root, v, path)
	return root.Kind == yaml.MappingNode
}

var syntaxLine = regexp.MustCompile(`^line ([0-9]+): `)

func (d *decoder) syntax(err error, path string) {
	at := place{variable: d.variable}
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := syntaxLine.FindStringSubmatch(problem); m != nil {
		at.line, _ = strconv.Atoi(m[1])
		problem = problem[len(m[0]):]
		if strings.HasPrefix(problem, "did not find expected") {
			at.line++ // the library counts from 0 in these
		}
	}
	if strings.Contains(problem, "anchor") { // its text quotes the document
		problem = "an alias of nothing; quote a text that begins with *"
	}
	d.failAt(at, path, "", "not valid YAML: "+problem)
}

// value decodes a node that stands at path.
func (d *decoder) value(s *shape, n *yaml.Node, v reflect.Value, path string) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.fail(path, "", "anchors and aliases are not allowed; write the value out")
		return
	case n.Style&yaml.TaggedStyle != 0:
		d.fail(path, "", "tags are not allowed; write the value alone")
		return
	case n.Tag == "!!null":
		d.fail(path, "", errNoValue.Error())
		return
	}
	v = s.settle(v)
	switch {
	case n.Kind == yaml.ScalarNode:
		err := s.assign(v, n.Value)
		if err == nil {
			err = s.quoting(n)
		}
		if err != nil {
			d.fail(path, s.show(n), err.Error())
		}
	case n.Kind == yaml.SequenceNode && s.kind == list:
		d.list(s, n, v, path)
	case n.Kind == yaml.MappingNode && s.kind == mapping:
		d.mapping(s, n, v, path)
	case n.Kind == yaml.MappingNode && s.kind == section:
		d.section(s, n, v, path)
	case n.Kind == yaml.SequenceNode:
		d.fail(path, "", fmt.Sprintf("a list, want: %v", s))
	default:
		d.fail(path, "", fmt.Sprintf("a section, want: %v", s))
	}
}

func (d *decoder) list(s *shape, n *yaml.Node, v reflect.Value, path string) {
	out := reflect.MakeSlice(s.typ, len(n.Content), len(n.Content))
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.places[at] = d.placeOf(item)
		if !s.elem.pointer {
			out.Index(i).Set(s.elem.fresh())
		}
		d.value(s.elem, item, out.Index(i), at)
	}
	v.Set(out)
}

func (d *decoder) mapping(s *shape, n *yaml.Node, v reflect.Value, path string) {
	out := reflect.MakeMapWithSize(s.typ, len(n.Content)/2)
	for _, e := range d.entries(n, path) {
		key, elem := s.key.fresh(), reflect.New(s.typ.Elem()).Elem()
		if err := s.key.assign(key, e.key); err != nil {
			d.fail(e.path, "", err.Error())
			continue
		}
		if !s.elem.pointer {
			elem.Set(s.elem.fresh())
		}
		d.value(s.elem, e.value, elem, e.path)
		out.SetMapIndex(key, elem)
	}
	v.Set(out)
}

func (d *decoder) section(s *shape, n *yaml.Node, v reflect.Value, path string) {
next:
	for _, e := range d.entries(n, path) {
		for _, f := range s.fields {
			if f.name == e.key {
				d.value(f.shape, e.value, v.Field(f.index), e.path)
				continue next
			}
		}
		names := s.names()
		d.fail(e.path, "", fmt.Sprintf("unknown key, %sallowed: %s", didYouMean(e.key, names), strings.Join(names, ", ")))
	}
}

// entry is one key of a mapping with its value.
type entry struct {
	key, path string
	value     *yaml.Node
}

// entries lists a mapping's keys that are texts and given once, and notes where
// they stand.
func (d *decoder) entries(n *yaml.Node, path string) []entry {
	var out []entry
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		at, here := Join(path, k.Value), d.placeOf(k)
		first, twice := d.places[at]
		switch {
		case k.Tag == "!!merge":
			d.failAt(here, path, "", "merge keys are not allowed; write the keys out")
		case !isText(k) || k.Anchor != "":
			d.failAt(here, at, "", "a key must be a text: put it in quotes")
		case twice && first.variable == here.variable:
			d.failAt(here, at, "", fmt.Sprintf("given twice, first on line %d", first.line))
		default:
			d.places[at] = here
			out = append(out, entry{k.Value, at, n.Content[i+1]})
		}
	}
	return out
}
