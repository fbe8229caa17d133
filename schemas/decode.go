package schemas

import (
	"errors"
	"unicode/utf8"
	"unsafe"

	"github.com/valyala/fastjson"
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
	parser   fastjson.Parser
	events   []*fastjson.Value
	single   [1]*fastjson.Value
	scratch  []byte // texts of numbers
	repaired []byte // the body, when it had to be mended
}

// Parse reads a body of one event or an array of events and returns how many
// there are. The body must stay unchanged while its events are in use.
func (d *Decoder) Parse(body []byte) (int, error) {
	d.events, d.scratch = nil, d.scratch[:0]
	if !utf8.Valid(body) {
		return 0, ErrNotUTF8
	}
	body, err := d.scan(body)
	if err != nil {
		return 0, err
	}
	root, err := d.parser.ParseBytes(body)
	if err != nil {
		return 0, ErrNotJSON // not reached; the error would quote the body
	}
	switch root.Type() {
	case fastjson.TypeObject:
		d.single[0] = root
		d.events = d.single[:]
	case fastjson.TypeArray:
		d.events, _ = root.Array()
		if len(d.events) == 0 {
			return 0, ErrEmptyBatch
		}
		if len(d.events) > MaxBatch {
			d.events = nil
			return 0, ErrTooMany
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
	object, err := d.events[i].Object()
	if err != nil {
		return &Invalid{Path: "", Problem: "an event must be an object"}
	}
	var problem *Invalid
	sawType, sawProperties := false, false
	object.Visit(func(key []byte, v *fastjson.Value) {
		f, known := FieldNamed(key)
		switch {
		case known:
			if e.Fields.Has(f) {
				problem = first(problem, invalid(f, "appears twice"))
				return
			}
			text, bad := d.fieldText(f, v)
			if bad == nil {
				bad = Check(f, text)
			}
			if bad != nil {
				problem = first(problem, bad)
				return
			}
			e.Set(f, text)
			sawType = sawType || f == Type
		case string(key) == "properties":
			if sawProperties {
				problem = first(problem, &Invalid{Path: "properties", Problem: "appears twice"})
				return
			}
			sawProperties = true
			problem = first(problem, d.decodeProperties(v, e))
		case string(key) == "consent":
			decodeConsent(v, &e.Consent)
		default:
			problem = first(problem, unknownKey("", key))
		}
	})
	if sawType {
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
	if e.Fields.Has(Time) {
		e.Time, _ = ParseTime(e.text[Time]) // checked with the field
	}
	return nil
}

var requiredBy = func() (sets [NumEventTypes]FieldSet) {
	for t := range sets {
		sets[t] = SetOf(EventType(t).Requires()...)
	}
	return sets
}()

// fieldText returns the field's value as text when it has the right JSON type.
func (d *Decoder) fieldText(f Field, v *fastjson.Value) (string, *Invalid) {
	var text string
	if f.Definition().Kind.Numeric() {
		if v.Type() != fastjson.TypeNumber {
			return "", invalid(f, "must be a number")
		}
		text = d.numberText(v)
		if f.Definition().Kind == KindInteger && !isDigits(text) {
			text = wholeNumber(text)
		}
	} else {
		raw, err := v.StringBytes()
		if err != nil {
			return "", invalid(f, "must be a string")
		}
		text = share(raw)
	}
	return text, nil
}

func (d *Decoder) decodeProperties(v *fastjson.Value, e *Event) (problem *Invalid) {
	object, err := v.Object()
	if err != nil {
		return &Invalid{Path: "properties", Problem: "must be an object"}
	}
	if object.Len() > MaxProperties {
		return &Invalid{Path: "properties", Problem: "must have at most 64 members"}
	}
	object.Visit(func(key []byte, v *fastjson.Value) {
		if !isName(share(key)) || len(key) > 64 {
			problem = first(problem, unknownKey("properties.", key))
			return
		}
		property, bad := d.property(share(key), v)
		if bad != "" {
			problem = first(problem, &Invalid{Path: "properties." + property.Name, Problem: bad})
		}
		if property.Kind == PropertyText {
			problem = first(problem, CheckProperty(property.Name, property.Text))
		}
		for i := range e.Properties {
			if e.Properties[i].Name == property.Name {
				problem = first(problem, &Invalid{Path: "properties." + property.Name, Problem: "appears twice"})
			}
		}
		e.Properties = append(e.Properties, property)
	})
	return problem
}

// property reads a property's value. It says what is wrong when that is not a
// scalar, or a number that cannot be kept as it is.
func (d *Decoder) property(name string, v *fastjson.Value) (p Property, problem string) {
	p.Name = name
	switch v.Type() {
	case fastjson.TypeString:
		raw, _ := v.StringBytes()
		p.Text = share(raw)
	case fastjson.TypeNumber:
		p.Kind, p.Text = PropertyNumber, d.numberText(v)
		if _, ok := parseNumber(p.Text); !ok {
			problem = "must be a number that a float64 can hold, of at most 32 bytes"
		}
	case fastjson.TypeTrue:
		p.Kind, p.Text = PropertyBool, "true"
	case fastjson.TypeFalse:
		p.Kind, p.Text = PropertyBool, "false"
	default:
		problem = "must be a string, a number or a boolean"
	}
	return p, problem
}

// unknownKey names an unknown key only when it is a plain name: a client's
// free text never reaches an answer or a log.
func unknownKey(prefix string, key []byte) *Invalid {
	if len(key) > 64 || !isName(share(key)) {
		return &Invalid{Path: prefix + "?", Problem: `has a key that is not a name (at most 64 letters, digits and "_.-")`}
	}
	return &Invalid{Path: prefix + string(key), Problem: "is not a field of the schema"}
}

// numberText returns a number as it was written.
func (d *Decoder) numberText(v *fastjson.Value) string {
	start := len(d.scratch)
	d.scratch = v.MarshalTo(d.scratch)
	return share(d.scratch[start:])
}

func first(have, next *Invalid) *Invalid {
	if have != nil {
		return have
	}
	return next
}

// share views the bytes as a string, without a copy.
func share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
