package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
)

// schema is one JSON Schema (2020-12), its members in the order they are written.
type schema struct {
	Schema        string          `json:"$schema,omitempty"`
	ID            string          `json:"$id,omitempty"`
	Title         string          `json:"title,omitempty"`
	Description   string          `json:"description,omitempty"`
	Type          string          `json:"type"`
	Enum          []string        `json:"enum,omitempty"`
	Pattern       string          `json:"pattern,omitempty"`
	MinLength     int             `json:"minLength,omitempty"`
	Minimum       *int64          `json:"minimum,omitempty"`
	Maximum       *int64          `json:"maximum,omitempty"`
	Default       json.RawMessage `json:"default,omitempty"`
	Items         *schema         `json:"items,omitempty"`
	PropertyNames *schema         `json:"propertyNames,omitempty"`
	Required      []string        `json:"required,omitempty"`
	Properties    properties      `json:"properties,omitempty"`
	Additional    any             `json:"additionalProperties,omitempty"`
}

// properties are named schemas in order.
type properties []property

type property struct {
	name string
	*schema
}

// JSONSchema describes the documents that [Decode] accepts into the struct that
// of points to, for editors and other languages; the values in it are given as
// defaults. It is indented, in the order of declaration. Decode alone refuses
// what a schema cannot see: odd spellings of numbers, duplicates and aliases,
// texts that fit a pattern and still mean nothing, and what Validate reports.
func JSONSchema(of any, title, id string) []byte {
	s, v := rootOf(of)
	root := s.schema(v)
	root.Schema, root.ID, root.Title = "https://json-schema.org/draft/2020-12/schema", id, title
	var out bytes.Buffer
	if err := json.Indent(&out, encodeJSON(root), "", "  "); err != nil {
		panic(fmt.Sprintf("strict: cannot write the schema of %v: %v", s.typ, err))
	}
	return out.Bytes()
}

// schema describes the shape; v holds the defaults, and is invalid for none.
func (s *shape) schema(v reflect.Value) *schema {
	out := &schema{Type: "string"}
	if s.kind == section {
		if s.pointer && (!v.IsValid() || v.IsNil()) || !v.IsValid() {
			v = s.fresh()
		}
		out.section(s, reflect.Indirect(v))
		return out
	}
	if v.IsValid() && !v.IsZero() && !s.sensitive {
		out.Default = s.defaults(v)
	}
	switch s.kind {
	case boolean:
		out.Type = "boolean"
	case integer:
		out.Type = "integer"
		out.Minimum, out.Maximum = bounds(s.typ)
	case float:
		out.Type = "number"
	case duration:
		out.Pattern = durationPattern
	case secret:
		out.Pattern = secretPattern
	case parsed:
		if out.Enum = s.allowed(); out.Enum != nil {
			break
		}
		if p, ok := reflect.New(s.typ).Interface().(interface{ Pattern() string }); ok {
			out.Pattern = p.Pattern()
		} else {
			out.MinLength = 1
		}
	case list:
		out.Type, out.Items = "array", s.elem.schema(reflect.Value{})
	case mapping:
		out.Type, out.Additional = "object", s.elem.schema(reflect.Value{})
		if s.key.kind == parsed {
			out.PropertyNames = s.key.schema(reflect.Value{})
		}
	}
	return out
}

func (out *schema) section(s *shape, v reflect.Value) {
	out.Type, out.Additional = "object", false
	for _, f := range s.fields {
		p := property{f.name, f.schema(v.Field(f.index))}
		p.Description = f.doc
		out.Properties = append(out.Properties, p)
		if f.mandatory() {
			out.Required = append(out.Required, f.name)
		}
	}
}

func (s *shape) defaults(v reflect.Value) json.RawMessage {
	var plain any
	if n := s.encode(v); n == nil || n.Decode(&plain) != nil {
		return nil
	}
	return encodeJSON(plain)
}

// bounds are those of an integer type, but for the 64-bit ones that JSON readers
// cannot hold.
func bounds(t reflect.Type) (least, most *int64) {
	bits := t.Bits()
	if t.Kind() >= reflect.Uint {
		least = new(int64(0))
		if bits < 64 {
			most = new(int64(1)<<bits - 1)
		}
	} else if bits < 64 {
		least, most = new(int64(math.MinInt64)>>(64-bits)), new(int64(math.MaxInt64)>>(64-bits))
	}
	return least, most
}

func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range p {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(encodeJSON(one.name))
		b.WriteByte(':')
		b.Write(encodeJSON(one.schema))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encodeJSON writes < and > as they are; a failure leaves it empty, and the
// whole not valid.
func encodeJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}
