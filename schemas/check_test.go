package schemas

import (
	"encoding/json"
	"strings"
	"testing"
)

// A text need not come out of JSON: the pixel's comes out of a query. What
// passes must be fit for a record all the same.
func TestCheckTextFromElsewhere(t *testing.T) {
	for _, text := range []string{
		"", "+5", ".5", "5.", "0x1p4", "0x10", "1_000", "007", "-", "1e", "1e+", "e1", "inf", "Infinity", "NaN", "nan", " 5", "5 ", "5\n", "٣", "１",
	} {
		for _, f := range []Field{Price, Scroll} {
			if Check(f, text) == nil {
				t.Errorf("%s takes %q, which is no number in JSON", f, text)
			}
		}
	}
	if Check(Scroll, "1e1") == nil {
		t.Error("a whole number must be digits before it is checked")
	}
	for _, text := range []string{"\xff", "a\xc2", "\xed\xa0\x80", "本\xe6\x9c", "\xc2\x80", "a\x00"} {
		for f := Field(0); f < NumFields; f++ {
			if Check(f, text) == nil {
				t.Errorf("%s takes %q", f, text)
			}
		}
		if CheckProperty("p", text) == nil {
			t.Errorf("a property takes %q", text)
		}
	}
}

// isNumber and encoding/json agree about what a number is.
func TestIsNumber(t *testing.T) {
	alphabet := "-+.eE019"
	var try func(text string, more int)
	tried := 0
	try = func(text string, more int) {
		if want := json.Valid([]byte(text)); isNumber(text) != want {
			t.Errorf("%q: got %v", text, !want)
		}
		tried++
		for i := 0; more > 0 && i < len(alphabet); i++ {
			try(text+alphabet[i:i+1], more-1)
		}
	}
	try("", 6)
	if tried < 1<<18 {
		t.Errorf("tried only %d texts", tried)
	}
}

// TestCheckLimits puts each field at its limit and one beyond.
func TestCheckLimits(t *testing.T) {
	for f := Field(0); f < NumFields; f++ {
		d := f.Definition()
		if d.Kind.Numeric() || d.Max == 0 {
			continue
		}
		prefix := ""
		if d.Kind == KindURI {
			prefix = "https://"
		}
		text := prefix + strings.Repeat("a", int(d.Max)-len(prefix))
		if bad := Check(f, text); bad != nil {
			t.Errorf("at its limit: %v", bad)
		}
		if Check(f, text+"a") == nil {
			t.Errorf("%s passes beyond its limit", f)
		}
	}
}
