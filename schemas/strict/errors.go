package strict

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxErrors  = 20  // of a document that are told
	maxShown   = 40  // runes of a value
	maxPath    = 200 // runes of a path
	maxProblem = 500 // runes of what is wrong, which may come from a type outside
)

// Error is one thing wrong with a document or an environment variable.
type Error struct {
	Path         string // of the key, such as sites["shop.example"].origins[0]; empty for the document
	Line, Column int    // where the key stands in the file, from 1; 0 if it does not
	Variable     string // the environment variable that gave the value, else empty
	Value        string // as written, cut short; empty where it may hold a secret
	Problem      string // what is wrong or what is allowed
}

// Error is `path (line L): value: problem`, with the variable in place of the
// line where the value came from one.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(cut(e.Path, maxPath))
	switch {
	case e.Variable != "" && e.Path != "":
		fmt.Fprintf(&b, " (from %s)", e.Variable)
	case e.Variable != "":
		b.WriteString(e.Variable)
	case e.Line > 0 && e.Path != "":
		fmt.Fprintf(&b, " (line %d)", e.Line)
	case e.Line > 0:
		fmt.Fprintf(&b, "line %d", e.Line)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if said := strings.HasPrefix(e.Value, `"`) && strings.Contains(e.Problem, e.Value); e.Value != "" && !said {
		b.WriteString(e.Value + ": ")
	}
	b.WriteString(e.Problem)
	return b.String()
}

// Errors is everything wrong with a document, first of the file by position, then
// of the variables by name: at most 20 entries, and a last one that counts the rest.
type Errors []*Error

// Error has one line for each entry.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted is the error to return, nil when there is none.
func (e Errors) sorted() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Variable, b.Variable), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	if more := len(e) - maxErrors; more > 0 {
		e = append(e[:maxErrors:maxErrors], &Error{Problem: fmt.Sprintf("and %d more", more)})
	}
	return e
}

// place is where a value was given.
type place struct {
	line, column int
	variable     string
}

func (d *decoder) placeOf(n *yaml.Node) place {
	return place{n.Line, n.Column, d.variable}
}

// fail reports a problem at a path; the place is that of the path or else of
// the nearest section around it that was given.
func (d *decoder) fail(path, value, problem string) {
	around := path
	for around != "" && d.places[around] == (place{}) {
		around = around[:max(0, strings.LastIndexAny(around, ".["))]
	}
	at := d.places[around]
	at.variable = cmp.Or(at.variable, d.variable)
	d.failAt(at, path, value, problem)
}

func (d *decoder) failAt(at place, path, value, problem string) {
	e := &Error{Path: path, Value: value, Problem: cut(problem, maxProblem), Variable: at.variable}
	if at.variable == "" {
		e.Line, e.Column = at.line, at.column
	}
	d.errors = append(d.errors, e)
}

// within tells whether a path is around or something below it.
func within(path, around string) bool {
	rest, under := strings.CutPrefix(path, around)
	return under && (around == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// failedWithin tells whether something at the path or below it was refused.
func (d *decoder) failedWithin(path string) bool {
	return slices.ContainsFunc(d.errors, func(e *Error) bool { return within(e.Path, path) })
}

// refusedAround tells whether a section that holds the path was refused itself,
// so that nothing inside it is known.
func (d *decoder) refusedAround(path string) bool {
	return slices.ContainsFunc(d.errors, func(e *Error) bool { return e.Path != "" && within(path, e.Path) })
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Join appends a key to a path, in brackets and quotes where it is not a plain
// word. A Validate method that looks into a map needs it: a key may have a dot.
func Join(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// show is the scalar in n for an error, or nothing where a secret was expected:
// what stands there may be one, written in the wrong way.
func (s *shape) show(n *yaml.Node) string {
	switch {
	case s.sensitive:
		return ""
	case isText(n):
		return strconv.Quote(cut(n.Value, maxShown))
	}
	return cut(n.Value, maxShown)
}

// display is the value that a Validate method objects to. Of an address it leaves out
// who is named before the host, with a password maybe.
func display(value any) string {
	switch x := value.(type) {
	case string:
		if scheme, end := strings.Index(x, "://"), strings.LastIndexByte(x, '@'); scheme >= 0 && end > scheme {
			x = x[:scheme+len("://")] + "…" + x[end:]
		}
		return strconv.Quote(cut(x, maxShown))
	case time.Duration:
		return durationString(x)
	}
	return cut(fmt.Sprint(value), maxShown)
}

// cut shortens a text to at most limit runes.
func cut(in string, limit int) string {
	if utf8.RuneCountInString(in) <= limit {
		return in
	}
	return string([]rune(in)[:limit]) + "…"
}
