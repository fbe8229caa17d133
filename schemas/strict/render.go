package strict

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Render writes the struct that from points to as YAML, keys in the order of
// the fields, every secret as [secret]. What is not set (a nil pointer, an unset
// secret, a value whose text is empty by its own MarshalText) is left out. What
// is written decodes to the same values, but for the secrets.
func Render(from any) ([]byte, error) {
	s, v := rootOf(from)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(s.encode(v)); err != nil {
		return nil, fmt.Errorf("cannot render %v: %w", s.typ, err)
	}
	return out.Bytes(), e.Close()
}

// encode is the YAML of a value, nil if there is nothing to write.
func (s *shape) encode(v reflect.Value) *yaml.Node {
	if s.pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key string, value *yaml.Node) {
		if value != nil {
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
		}
	}
	switch s.kind {
	case list:
		n.Kind = yaml.SequenceNode
		for i := range v.Len() {
			if item := s.elem.encode(v.Index(i)); item != nil {
				n.Content = append(n.Content, item)
			}
		}
	case mapping:
		for _, k := range s.keys(v) {
			add(k.text, s.elem.encode(v.MapIndex(k.value)))
		}
	case section:
		for _, f := range s.fields {
			add(f.name, f.encode(v.Field(f.index)))
		}
	default:
		n = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s.format(v)}
		if s.kind <= float {
			n.Tag = ""
		} else if n.Value == "" && s.kind != text {
			return nil
		}
	}
	return n
}

// format is the text of a scalar, which assign would take again.
func (s *shape) format(v reflect.Value) string {
	switch s.kind {
	case float:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case duration:
		return durationString(time.Duration(v.Int()))
	case secret:
		if !v.Interface().(Secret).IsSet() {
			return ""
		}
	case parsed:
		if m, ok := v.Interface().(encoding.TextMarshaler); ok {
			out, _ := m.MarshalText() // an error is a value that has no text
			return string(out)
		}
	}
	return fmt.Sprint(v.Interface())
}
