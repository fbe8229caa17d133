package strict

import (
	"fmt"
	"testing"
	"time"
)

// inner and outer note the order in which they are validated.
type inner struct {
	A     int8 `yaml:"a"`
	B     int  `yaml:"b"`
	calls *[]string
}

func (in *inner) Validate(check *Check) {
	if in.calls != nil {
		*in.calls = append(*in.calls, "inner")
	}
	if in.A > 1 {
		check.Problem("", nil, "is too much of a section")
	}
}

type outer struct {
	Inner inner            `yaml:"inner"`
	List  []inner          `yaml:"list"`
	Map   map[string]inner `yaml:"map"`
	Wait  time.Duration    `yaml:"wait"`
	calls []string
}

func (o *outer) Validate(check *Check) {
	o.calls = append(o.calls, "outer")
	if o.Wait == time.Second {
		check.Problem("list[1].b", 7, "want less")
		check.Problem("inner.a", "text", "want what was left out")
		check.Problem("wait", o.Wait, fmt.Sprint("given ", check.Given("wait"), check.Given("map")))
		check.Conflict("wait", "map", "")
		check.Conflict("map", "wait", "")
		check.Problem(Join(Join("map", "a.b"), "b"), nil, "want more")
	}
}

func TestValidate(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		got := "accepted"
		if err := Decode([]byte(in), &outer{}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", in, got, want)
		}
	}
	check("inner: {a: 1}", "accepted")
	check("inner: {a: 2}\nlist: [{a: 0}, {a: 2}]\nmap:\n  x y:\n    a: 2\n", `inner (line 1): is too much of a section
list[1] (line 2): is too much of a section
map["x y"] (line 4): is too much of a section`)
	check("map:\n  a.b: {b: 1}\n  a.c:\n    b: 2\nlist: [{}, {}]\nwait: 1s\ninner: {a: 0}", `map (line 1): cannot be combined with wait (line 6)
map["a.b"].b (line 2): want more
list[1].b (line 5): 7: want less
wait (line 6): 1s: given true true
wait (line 6): cannot be combined with map (line 1)
inner.a (line 7): "text": want what was left out`)
	check("inner: {b: 1}\nlist:\n - b: 6\n - b: 7\nwait: 1s", `map: cannot be combined with wait (line 5)
map["a.b"].b: want more
inner.a (line 1): "text": want what was left out
list[1].b (line 4): 7: want less
wait (line 5): 1s: given true false
wait (line 5): cannot be combined with map`)
	// What is around a refused value is not validated, what is beside it is.
	check("inner: {a: 300}\nlist: [{a: 2}]\nwait: 1s", `inner.a (line 1): 300: want a whole number from -128 to 127
list[0] (line 2): is too much of a section`)
}

func TestValidateInnermostFirst(t *testing.T) {
	o := &outer{}
	o.Inner.calls = &o.calls
	if err := Decode(nil, o); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(o.calls); got != "[inner outer]" {
		t.Errorf("called %s", got)
	}
}

func TestSchemaBounds(t *testing.T) {
	valid := compile(t, &outer{})
	check := func(in string, good bool) {
		t.Helper()
		if decodes, validates := Decode([]byte(in), &outer{}), valid([]byte(in)); (decodes == nil) != good || (validates == nil) != good {
			t.Errorf("%s: %v, %v", in, decodes, validates)
		}
	}
	check("inner: {a: -128}", true)
	check("list: [{a: -129}]", false)
	check("inner: {a: 128}", false)
	check("inner: {b: 128}", true)
}
