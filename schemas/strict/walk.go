package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// walk visits the value at path and all below it, the innermost first and maps
// in the order of their keys. It passes over nil pointers.
func walk(s *shape, v reflect.Value, path string, visit func(*shape, reflect.Value, string)) {
	if s.pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch s.kind {
	case list:
		for i := range v.Len() {
			walk(s.elem, v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case mapping:
		for _, k := range s.keys(v) {
			elem := reflect.New(s.typ.Elem()).Elem() // what a map holds has no address
			elem.Set(v.MapIndex(k.value))
			walk(s.elem, elem, Join(path, k.text), visit)
		}
	case section:
		for _, f := range s.fields {
			walk(f.shape, v.Field(f.index), Join(path, f.name), visit)
		}
	}
	visit(s, v, path)
}

// mapKey is a key of a map, and as a document has it.
type mapKey struct {
	text  string
	value reflect.Value
}

// keys lists the keys of a map in order.
func (s *shape) keys(v reflect.Value) []mapKey {
	var out []mapKey
	for _, k := range v.MapKeys() {
		out = append(out, mapKey{s.key.format(k), k})
	}
	slices.SortFunc(out, func(a, b mapKey) int { return strings.Compare(a.text, b.text) })
	return out
}
