package cmp

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// valid reports whether the reader takes the text for JSON.
func valid(s string) bool {
	var c Choices
	r := c.read(s)
	r.skip()
	return r.end() == 0
}

func TestJSON(t *testing.T) {
	check := func(in string, want bool) {
		t.Helper()
		if got := valid(in); got != want {
			t.Errorf("%q: %t", in, got)
		}
		if standard := json.Valid([]byte(in)); want && !standard {
			t.Errorf("%q is not JSON", in)
		}
	}
	check(`0`, true)
	check(`-0`, true)
	check(`-0.50e-07`, true)
	check(`12E+3`, true)
	check(`null`, true)
	check(`[]`, true)
	check(`[[],{},"",1,true,false,null]`, true)
	check(`{"a":[1,{"b":"c"}],"d":{}}`, true)
	check(` [ 1 , 2 ] `, true)
	check(`00`, false)
	check(`01`, false)
	check(`+1`, false)
	check(`.5`, false)
	check(`1.`, false)
	check(`1e`, false)
	check(`-`, false)
	check(`1 2`, false)
	check(`nul`, false)
	check(`nan`, false)
	check(`[1,]`, false)
	check(`[1 2]`, false)
	check(`[1}`, false)
	check(`[`, false)
	check(`]`, false)
	check(`{"a"}`, false)
	check(`{1:2}`, false)
	check(`"a`, false)
	check(`"\u12"`, false)
	check("\"\\n\x01\"", false)
	check(strings.Repeat("[", maxDepth)+strings.Repeat("]", maxDepth), true)
	check(strings.Repeat("[", maxDepth+1)+strings.Repeat("]", maxDepth+1), false)
	check(strings.Repeat("[", MaxValue), false)
}

// The reader takes what is JSON, except what it does not want: deep nesting,
// broken UTF-8 and halves of surrogate pairs.
func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c\u00e9"}],"d":-1.5e+3}`)
	f.Fuzz(func(t *testing.T, in string) {
		got, want := valid(in), json.Valid([]byte(in))
		if got && !want {
			t.Fatalf("%q is taken for JSON", in)
		}
		unwanted := !utf8.ValidString(in) || strings.Contains(in, `\u`) || strings.Count(in, "[")+strings.Count(in, "{") > maxDepth || len(in) > MaxValue
		if !got && want && !unwanted {
			t.Fatalf("%q is JSON", in)
		}
	})
}
