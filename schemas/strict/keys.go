package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Key is one key of a configuration, for its reference documentation.
type Key struct {
	Path     string // sites.<name>.origins; [] stands for each element of a list
	Env      string // its environment variable; empty for what is inside a list or a map
	Type     string
	Default  string // as a document would have it, empty for none
	Required bool   // within its section
	Doc      string
}

// Keys lists the keys of the struct that of points to, as declared, the values
// in it being the defaults. Sections are not listed, but lists and maps are,
// before the keys of their elements.
func Keys(of any, prefix string) []Key {
	s, v := rootOf(of)
	return keysOf(s, v, prefix)
}

func keysOf(s *shape, v reflect.Value, prefix string) []Key {
	var keys []Key
	s.list(v, "", prefix, func(k Key) {
		if k.Env != "" && slices.ContainsFunc(keys, func(other Key) bool { return other.Env == k.Env }) {
			panic(fmt.Sprintf("strict: two keys of %v have the variable %s", s.typ, k.Env))
		}
		keys = append(keys, k)
	})
	return keys
}

// list tells visit of the keys within a section.
func (s *shape) list(v reflect.Value, path, env string, visit func(Key)) {
	for _, f := range s.fields {
		k := Key{Join(path, f.name), "", f.String(), "", f.required, f.doc}
		if env != "" {
			k.Env = env + "_" + strings.ToUpper(f.name)
		}
		f.describe(v.Field(f.index), k, visit)
	}
}

// describe tells visit of the key k, which has the shape, and of those inside it.
func (s *shape) describe(v reflect.Value, k Key, visit func(Key)) {
	switch n := s.encode(v); {
	case s.kind == section:
		if s.pointer && v.IsNil() {
			v = s.fresh()
		}
		s.list(reflect.Indirect(v), k.Path, k.Env, visit)
		return
	case n != nil && s.kind < list:
		k.Default = n.Value
	case n != nil && s.kind == list && s.elem.kind < list:
		var items []string
		for _, item := range n.Content {
			items = append(items, item.Value)
		}
		k.Default = strings.Join(items, ", ")
	}
	visit(k)
	path, inner := k.Path, s
	for ; inner.elem != nil; inner = inner.elem {
		if path += "[]"; inner.kind == mapping {
			path = strings.TrimSuffix(path, "[]") + ".<name>"
		}
	}
	if inner.kind == section {
		inner.list(inner.fresh(), path, "", visit)
	}
}
