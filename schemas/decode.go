package schemas

import (
	"errors"
	"strings"
)

// MaxBatch is the most events in one request.
const MaxBatch = 1000

// Errors that concern a body as a whole.
var (
	ErrNotUTF8    = errors.New("the body is not UTF-8")
	ErrNotJSON    = errors.New("the body is not JSON")
	ErrTooDeep    = errors.New("the body is nested too deeply")
	ErrTooComplex = errors.New("the body has too many values")
	ErrNotEvents  = errors.New("the body must be an event or an array of events")
	ErrTooMany    = errors.New("the array has more than 1000 events")
	ErrEmptyBatch = errors.New("the array has no events")
)

// Decoder reads events from their JSON form, as POST /v1/events takes them.
// The zero value is ready; it serves one goroutine and is best reused.
type Decoder struct {
	tape   tape
	events []int // their places
}

// Parse reads a body of one event or an array of events and returns how many
// there are. The body must stay unchanged while its events are in use.
func (d *Decoder) Parse(body []byte) (int, error) {
	t := &d.tape
	d.events = d.events[:0]
	if err := t.scan(body, maxValues); err != nil {
		return 0, err
	}
	switch t.kind(0) {
	case isObject:
		d.events = append(d.events, 0)
	case isArray:
		for at, end := t.inside(0); at < end; at = t.after(at) {
			if len(d.events) == MaxBatch {
				d.events = d.events[:0]
				return 0, ErrTooMany
			}
			d.events = append(d.events, at)
		}
		if len(d.events) == 0 {
			return 0, ErrEmptyBatch
		}
	default:
		return 0, ErrNotEvents
	}
	return len(d.events), nil
}

// Event decodes the event at index i into e, which it resets first. The
// event's texts are valid until the next Parse. On error e is half filled;
// its site and type are set where they were understood.
func (d *Decoder) Event(i int, e *Event) *Invalid {
	e.Reset()
	t, object := &d.tape, d.events[i]
	if t.kind(object) != isObject {
		return &Invalid{Path: "", Problem: "an event must be an object"}
	}
	var problem *Invalid
	sawProperties := false
	for at, end := t.inside(object); at < end; at = t.after(at + 1) {
		key := t.name(at)
		f, known := fieldNamed(key)
		switch {
		case known:
			if e.Fields.Has(f) {
				problem = first(problem, invalid(f, "appears twice"))
				continue
			}
			text, bad := t.field(f, at+1)
			switch {
			case bad != nil:
			case f == Time:
				e.Time, bad = checkTime(f, text)
			default:
				bad = check(f, text, t.known(at+1))
			}
			if bad != nil {
				problem = first(problem, bad)
				continue
			}
			e.Set(f, text)
		case key == "properties":
			if sawProperties {
				problem = first(problem, &Invalid{Path: "properties", Problem: "appears twice"})
				continue
			}
			sawProperties = true
			problem = first(problem, t.properties(at+1, e))
		case key == "consent":
			t.consent(at+1, &e.Consent)
		default:
			problem = first(problem, unknownKey("", key))
		}
	}
	if e.Fields.Has(Type) {
		_ = e.Type.UnmarshalText([]byte(e.text[Type])) // checked with the field
	}
	if problem != nil {
		return problem
	}
	return complete(e)
}

// complete checks what only a whole event shows.
func complete(e *Event) *Invalid {
	if !e.Fields.Has(Site) {
		return invalid(Site, "is required")
	}
	if !e.Fields.Has(Type) {
		return invalid(Type, "is required")
	}
	if missing := requiredBy[e.Type] &^ e.Fields; missing != 0 {
		for f := range missing.Each {
			return invalid(f, "is required for "+e.Type.String())
		}
	}
	return nil
}

var requiredBy = func() (sets [NumEventTypes]FieldSet) {
	for t := range sets {
		sets[t] = SetOf(EventType(t).Requires()...)
	}
	return sets
}()

// field returns the field's value as text when it has the right JSON type.
func (t *tape) field(f Field, at int) (string, *Invalid) {
	if kind := f.Definition().Kind; kind.Numeric() {
		if t.kind(at) != isNumeric {
			return "", invalid(f, "must be a number")
		}
		text := t.number(at)
		if kind == KindInteger && !isDigits(text) {
			text = wholeNumber(text)
		}
		return text, nil
	}
	text, ok := t.text(at)
	if !ok {
		return "", invalid(f, "must be a string")
	}
	return text, nil
}

func (t *tape) properties(at int, e *Event) (problem *Invalid) {
	if t.kind(at) != isObject {
		return &Invalid{Path: "properties", Problem: "must be an object"}
	}
	if t.hasMore(at, MaxProperties) {
		return &Invalid{Path: "properties", Problem: "must have at most 64 members"}
	}
	for at, end := t.inside(at); at < end; at = t.after(at + 1) {
		key := t.name(at)
		if !isName(key) || len(key) > 64 {
			problem = first(problem, unknownKey("properties.", key))
			continue
		}
		property, bad := t.property(key, at+1)
		if bad != "" {
			problem = first(problem, &Invalid{Path: "properties." + property.Name, Problem: bad})
		}
		if property.Kind == PropertyText {
			problem = first(problem, checkProperty(property.Name, property.Text, t.known(at+1)))
		}
		for i := range e.Properties {
			if e.Properties[i].Name == property.Name {
				problem = first(problem, &Invalid{Path: "properties." + property.Name, Problem: "appears twice"})
			}
		}
		e.Properties = append(e.Properties, property)
	}
	return problem
}

// property reads a property's value. It says what is wrong when that is not a
// scalar, or a number that cannot be kept as it is.
func (t *tape) property(name string, at int) (p Property, problem string) {
	p.Name = name
	switch t.kind(at) {
	case isPlain, isUnicode, isEscaped:
		p.Text, _ = t.text(at)
	case isNumeric:
		p.Kind, p.Text = PropertyNumber, t.number(at)
		if _, ok := parseNumber(p.Text); !ok {
			problem = "must be a number that a float64 can hold, of at most 32 bytes"
		}
	case isTrue:
		p.Kind, p.Text = PropertyBool, "true"
	case isFalse:
		p.Kind, p.Text = PropertyBool, "false"
	default:
		problem = "must be a string, a number or a boolean"
	}
	return p, problem
}

// unknownKey names an unknown key only when it is a plain name: a client's
// free text never reaches an answer or a log.
func unknownKey(prefix, key string) *Invalid {
	if len(key) > 64 || !isName(key) {
		return &Invalid{Path: prefix + "?", Problem: `has a key that is not a name (at most 64 letters, digits and "_.-")`}
	}
	return &Invalid{Path: prefix + strings.Clone(key), Problem: "is not a field of the schema"}
}

func first(have, next *Invalid) *Invalid {
	if have != nil {
		return have
	}
	return next
}
