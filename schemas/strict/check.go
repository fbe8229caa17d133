package strict

import (
	"fmt"
	"reflect"
)

// Check is what a Validate method reports to. The method is called on a pointer
// after everything is decoded, on the inner sections first, and not at all where
// something inside was refused already. It must not change its receiver and
// not keep the Check.
type Check struct {
	d    *decoder
	path string
}

// Problem reports the key called field of this section, which may go deeper
// ("tls.cert", "brokers[0]") or be empty for the section itself. The value, if
// not nil, is shown, so it must never be a revealed [Secret]; allowed says what
// would be right.
func (c *Check) Problem(field string, value any, allowed string) {
	shown := ""
	if value != nil {
		shown = display(value)
	}
	c.d.fail(c.at(field), shown, allowed)
}

// Conflict reports two keys that exclude each other, at the first; hint says
// what to do, and may be empty.
func (c *Check) Conflict(field, other, hint string) {
	problem := "cannot be combined with " + c.at(other)
	if p, ok := c.d.places[c.at(other)]; ok && p.variable != "" {
		problem += fmt.Sprintf(" (from %s)", p.variable)
	} else if ok {
		problem += fmt.Sprintf(" (line %d)", p.line)
	}
	if hint != "" {
		problem += ": " + hint
	}
	c.d.fail(c.at(field), "", problem)
}

// Given tells whether a document or a variable set the key, as opposed to a default.
func (c *Check) Given(field string) bool {
	return c.d.given(c.at(field))
}

func (c *Check) at(field string) string {
	if c.path == "" || field == "" || field[0] == '[' {
		return c.path + field
	}
	return c.path + "." + field
}

// given tells whether the path, or something below it, was set.
func (d *decoder) given(path string) bool {
	_, ok := d.places[path]
	return ok
}

// validate looks for missing keys and calls the Validate methods.
func (d *decoder) validate(s *shape, v reflect.Value) {
	walk(s, v, "", func(s *shape, v reflect.Value, path string) {
		for _, f := range s.fields {
			if at := Join(path, f.name); f.required && !d.given(at) && !d.refusedAround(path) {
				d.fail(at, "", "is required")
			}
		}
		if c, ok := v.Addr().Interface().(interface{ Validate(*Check) }); ok && !d.failedWithin(path) {
			c.Validate(&Check{d, path})
		}
	})
}
