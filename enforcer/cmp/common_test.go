package cmp

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"sekisho/schemas"
)

// said writes what a Choices says in one line: `explicit gpc +C0001 -C0002
// ~C0003`, where ~ is silence, and * at the end is exhaustive.
func said(c *Choices) string {
	var words []string
	if c.Explicit {
		words = append(words, "explicit")
	}
	if c.GPC {
		words = append(words, "gpc")
	}
	for category, answer := range c.Each {
		words = append(words, [...]string{"~", "-", "+"}[answer]+category)
	}
	if c.Exhaustive {
		words = append(words, "*")
	}
	return strings.Join(words, " ")
}

type decoder func(c *Choices, value string) error

// checkSaid returns a check that a value says what is wanted, whether the
// Choices is new or was used before.
func checkSaid(t *testing.T, decode decoder) func(value, want string) {
	used := dirty(t)
	return func(value, want string) {
		t.Helper()
		var fresh Choices
		for name, c := range map[string]*Choices{"fresh": &fresh, "used": used} {
			if err := decode(c, value); err != nil || said(c) != want {
				t.Errorf("%s: %s\n got %s, %v\nwant %s", name, value, said(c), err, want)
			}
		}
	}
}

// checkRefused returns a check that a value is an error and leaves nothing.
func checkRefused(t *testing.T, decode decoder) func(value string, want error) {
	return func(value string, want error) {
		t.Helper()
		c := dirty(t)
		err := decode(c, value)
		if !errors.Is(err, want) {
			t.Errorf("%.200q: %v, want %v", value, err, want)
		}
		if err != nil && (said(c) != "" || c.TC != "" || c.AC != "") {
			t.Errorf("%.200q is refused but says %s", value, said(c))
		}
	}
}

// dirty is a Choices full of an earlier value's grants.
func dirty(t testing.TB) *Choices {
	c := new(Choices)
	if err := c.DecodeOneTrust("isGpcEnabled=1&interactionCount=1&groups=C0001%3A1%2CC0004%3A1%2Cmarketing%3A1", ""); err != nil {
		t.Fatal(err)
	}
	c.Exhaustive, c.TC, c.AC = true, "earlier", "earlier"
	return c
}

// checkMutations decodes every value that differs from this one in one byte,
// and fails if one grants what this does not, unless entitled says that the
// mutated value really does grant that category.
func checkMutations(t *testing.T, decode decoder, value string, entitled func(mutated, category string) bool) {
	t.Helper()
	var before, now Choices
	if err := decode(&before, value); err != nil {
		t.Fatal(err)
	}
	decoded := 0
	mutated := []byte(value)
	for i := range mutated {
		for b := range 256 {
			mutated[i] = byte(b)
			if decode(&now, string(mutated)) != nil {
				continue
			}
			decoded++
			for category, answer := range now.Each {
				if answer == schemas.Granted && before.Answer(category) != schemas.Granted && !entitled(string(mutated), category) {
					t.Errorf("%q grants %q", mutated, category)
				}
			}
		}
		mutated[i] = value[i]
	}
	if decoded <= len(value) { // each byte unchanged, at least
		t.Errorf("only %d mutations decode: nothing was tested", decoded)
	}
}

// fuzz decodes the value and checks what holds of every value.
func fuzz(t *testing.T, decode decoder, value string) *Choices {
	t.Helper()
	c := new(Choices)
	err := decode(c, value)
	used := dirty(t)
	if again := decode(used, value); again != err || said(used) != said(c) || used.TC != c.TC || used.AC != c.AC {
		t.Fatalf("what was decoded before shows: %s, %v; then %s, %v", said(c), err, said(used), again)
	}
	if _, ok := err.(Error); err != nil && (!ok || said(c) != "") {
		t.Fatalf("refused with %v but says %s", err, said(c))
	}
	for category, answer := range c.Each {
		if !utf8.ValidString(category) || category == "" || len(category) > maxCategory {
			t.Fatalf("category %q", category)
		}
		if answer == schemas.Granted && !c.Explicit {
			t.Fatalf("%q is granted by default", category)
		}
		if c.Answer(category) != answer {
			t.Fatalf("%q is named twice", category)
		}
	}
	if cap(c.scratch) > 4*MaxValue {
		t.Fatalf("scratch of %d bytes for a value of %d", cap(c.scratch), len(value))
	}
	return c
}

// checkAllocations fails if decoding into a used Choices allocates.
func checkAllocations(t *testing.T, decode decoder, values ...string) {
	t.Helper()
	c := new(Choices)
	for _, value := range values {
		_ = decode(c, value)
		granted := 0
		n := testing.AllocsPerRun(100, func() {
			_ = decode(c, value)
			for _, answer := range c.Each {
				if answer == schemas.Granted {
					granted++
				}
			}
		})
		if n != 0 {
			t.Errorf("%.60q allocates %v times", value, n)
		}
	}
}

func benchmark(b *testing.B, decode decoder, value string) {
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	var c Choices
	for b.Loop() {
		if err := decode(&c, value); err != nil {
			b.Fatal(err)
		}
	}
}
