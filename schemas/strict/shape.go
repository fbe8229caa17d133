package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// kind is how a value is written and checked.
type kind uint8

const (
	boolean kind = iota
	integer
	float
	text
	duration
	parsed // by the type's own UnmarshalText
	secret
	list
	mapping
	section
)

// shape is what a Go type accepts; every function of this package walks it.
type shape struct {
	kind      kind
	typ       reflect.Type // without the pointer
	pointer   bool
	sensitive bool // holds a Secret somewhere: what stands in its place is never shown
	key, elem *shape
	fields    []field
}

// field is one key of a section.
type field struct {
	name, doc string
	required  bool
	index     int
	*shape
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	parsedType   = reflect.TypeFor[encoding.TextUnmarshaler]()
	keyName      = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// rootOf returns the shape of the struct that pointer points to, and the struct.
func rootOf(pointer any) (*shape, reflect.Value) {
	v := reflect.ValueOf(pointer)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("strict: want a pointer to a struct, not %T", pointer))
	}
	return shapeOf(v.Elem().Type()), v.Elem()
}

func shapeOf(t reflect.Type, within ...reflect.Type) *shape {
	s := &shape{typ: t}
	if t.Kind() == reflect.Pointer {
		s.pointer, s.typ, t = true, t.Elem(), t.Elem()
	}
	if slices.Contains(within, t) {
		panic(fmt.Sprintf("strict: %v contains itself", t))
	}
	within = append(within, t)
	switch k := t.Kind(); {
	case t == secretType:
		s.kind, s.sensitive = secret, true
	case t == durationType:
		s.kind = duration
	case reflect.PointerTo(t).Implements(parsedType):
		s.kind = parsed
	case k == reflect.Bool:
		s.kind = boolean
	case k >= reflect.Int && k <= reflect.Uint64:
		s.kind = integer
	case k == reflect.Float64:
		s.kind = float
	case k == reflect.String:
		s.kind = text
	case k == reflect.Slice:
		s.kind, s.elem = list, shapeOf(t.Elem(), within...)
		s.sensitive = s.elem.sensitive
	case k == reflect.Map:
		s.kind, s.key, s.elem = mapping, shapeOf(t.Key(), within...), shapeOf(t.Elem(), within...)
		s.sensitive = s.elem.sensitive
		if s.key.pointer || s.key.kind != text && s.key.kind != parsed {
			panic(fmt.Sprintf("strict: the keys of %v are not texts", t))
		}
	case k == reflect.Struct:
		s.kind = section
		for i := range t.NumField() {
			s.addField(t.Field(i), i, within)
		}
	default:
		panic(fmt.Sprintf("strict: %v is not a supported type", t))
	}
	return s
}

func (s *shape) addField(f reflect.StructField, index int, within []reflect.Type) {
	name := f.Tag.Get("yaml")
	if !f.IsExported() || name == "-" {
		return
	}
	if !keyName.MatchString(name) || slices.Contains(s.names(), name) {
		panic(fmt.Sprintf("strict: %v.%s needs a snake_case yaml name of its own, not %q", s.typ, f.Name, name))
	}
	inner := shapeOf(f.Type, within...)
	s.sensitive = s.sensitive || inner.sensitive
	s.fields = append(s.fields, field{name, f.Tag.Get("doc"), f.Tag.Get("required") == "true", index, inner})
}

// names lists the keys of a section as declared.
func (s *shape) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

// mandatory tells whether a document cannot do without the field: it is
// required, or it is a section that always exists and needs a key itself.
func (f field) mandatory() bool {
	return f.required || f.kind == section && !f.pointer && slices.ContainsFunc(f.fields, field.mandatory)
}

// fresh makes a value of the shape with its own defaults.
func (s *shape) fresh() reflect.Value {
	p := reflect.New(s.typ)
	if d, ok := p.Interface().(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
	return p.Elem()
}

// settle follows the pointer in v, if the shape has one, pointing it somewhere first.
func (s *shape) settle(v reflect.Value) reflect.Value {
	if !s.pointer {
		return v
	}
	if v.IsNil() {
		v.Set(s.fresh().Addr())
	}
	return v.Elem()
}

// allowed lists the values of an enumeration, else nothing.
func (s *shape) allowed() []string {
	if e, ok := reflect.New(s.typ).Interface().(interface{ Allowed() []string }); ok && s.kind == parsed {
		return e.Allowed()
	}
	return nil
}

// String names the shape for messages and documentation.
func (s *shape) String() string {
	switch s.kind {
	case boolean:
		return "true or false"
	case integer:
		return "whole number"
	case float:
		return "number"
	case text:
		return "text"
	case duration:
		return "duration"
	case secret:
		return "secret"
	case list:
		return "list of " + s.elem.String()
	case mapping:
		return "map of " + s.elem.String()
	case section:
		return "section"
	}
	if names := s.allowed(); names != nil {
		return strings.Join(names, " | ")
	}
	return strings.ToLower(s.typ.Name())
}
