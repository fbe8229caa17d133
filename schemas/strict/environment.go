package strict

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Environment sets the keys of the struct that into points to from variables
// ("NAME=value", as of os.Environ), on top of what it holds, and checks the
// result like [Decode] does; with a file as well, use [Load]. The variable of a
// key is its path after the prefix, in upper case: kafka.brokers is
// SEKISHO_KAFKA_BROKERS under the prefix SEKISHO.
//
// A scalar is written as in YAML but unquoted; a list of scalars is separated by
// commas, the empty text being the empty list; a [Secret] is given itself, or as a
// reference to it; any other list, and a map, is inline YAML, of which JSON is a
// part. A variable with the prefix that is no key's is an error, unless ignore
// names it (patterns of [path.Match]) or a Secret refers to it.
func Environment(into any, prefix string, environ []string, ignore ...string) error {
	return Load(nil, into, prefix, environ, ignore...)
}

// variables are the environment to read from.
type variables struct {
	prefix  string
	environ []string
	ignore  []string
	values  map[string]string
}

func (d *decoder) environment(s *shape, v reflect.Value, vars *variables) {
	vars.values = map[string]string{}
	for _, pair := range vars.environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, vars.prefix+"_") {
			vars.values[name] = value
		}
	}
	d.apply(s, v, "", vars.prefix, vars)
	d.variable = ""

	var known []string
	for _, k := range keysOf(s, v, vars.prefix) {
		if k.Env != "" {
			known = append(known, k.Env)
		}
	}
	secrets(s, v, "", func(_ string, s Secret) {
		if name, ok := strings.CutPrefix(s.reference(), "env:"); ok {
			vars.ignore = append(vars.ignore, name)
		}
	})
	for name := range vars.values {
		if !slices.Contains(known, name) && !vars.ignored(name) {
			problem := "no key has this environment variable"
			if near := didYouMean(name, known); near != "" {
				problem += "; " + strings.TrimSpace(near)
			}
			d.failAt(place{variable: cut(name, maxPath)}, "", "", problem)
		}
	}
}

func (vars *variables) ignored(name string) bool {
	return slices.ContainsFunc(vars.ignore, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok || err != nil && pattern == name
	})
}

// apply sets what stands at path from the variable called name, or, in a
// section, from those that begin with it, and tells whether there was one.
func (d *decoder) apply(s *shape, v reflect.Value, path, name string, vars *variables) (found bool) {
	if s.kind == section {
		target := v
		if s.pointer { // only comes to be if a variable sets something in it
			if target = s.fresh(); !v.IsNil() {
				target = v.Elem()
			}
		}
		for _, f := range s.fields {
			if d.apply(f.shape, target.Field(f.index), Join(path, f.name), name+"_"+strings.ToUpper(f.name), vars) {
				found = true
			}
		}
		if found && s.pointer {
			v.Set(target.Addr())
		}
		if found && !d.given(path) {
			d.places[path] = place{}
		}
		return found
	}
	in, found := vars.values[name]
	if !found {
		return false
	}
	d.override(path, name)
	v = s.settle(v)
	switch {
	case s.kind == secret:
		if in == "" {
			d.fail(path, "", "is empty")
			return true
		}
		if secretReference.MatchString(in) {
			// Taken for the secret itself, a path would be a guessable one.
			_ = v.Addr().Interface().(*Secret).refer(in) // it has the form
			return true
		}
		v.Set(reflect.ValueOf(NewSecret(in)))
	case s.inline() && strings.TrimSpace(in) == "":
		d.fail(path, "", fmt.Sprintf("is empty, want: %v as inline YAML", s))
	case s.inline():
		d.document([]byte(in), s, v, path)
	case s.kind == list:
		out := reflect.MakeSlice(s.typ, 0, 0)
		for i, item := range strings.Split(in, ",") {
			elem, at := s.elem.fresh(), fmt.Sprintf("%s[%d]", path, i)
			if item = strings.TrimSpace(item); item != "" {
				d.scalar(s.elem, elem, item, at)
			} else if in != "" {
				d.fail(at, "", "is empty, which a list between commas cannot hold")
			} else {
				break
			}
			out = reflect.Append(out, elem)
		}
		v.Set(out)
	default:
		d.scalar(s, v, in, path)
	}
	return true
}

// inline tells whether a variable holds YAML for the shape, as a comma would
// not do.
func (s *shape) inline() bool {
	return s.kind == mapping || s.kind == list && (s.elem.pointer || s.elem.kind >= secret)
}

// override notes that a variable gives the value at path, and forgets what the
// file had there and below.
func (d *decoder) override(path, name string) {
	for p := range d.places {
		if within(p, path) {
			delete(d.places, p)
		}
	}
	d.variable = name
	d.places[path] = place{variable: name}
}

func (d *decoder) scalar(s *shape, v reflect.Value, in, path string) {
	if err := s.assign(v, in); err != nil {
		d.fail(path, strconv.Quote(cut(in, maxShown)), err.Error())
	}
}
