package usprivacy

import (
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	check := func(in string, want String, optedOut bool) {
		t.Helper()
		got, err := Decode(in)
		if err != nil || got != want || got.OptedOut() != optedOut {
			t.Errorf("%q: got %v, opted out %v, %v; want %v, %v", in, got, got.OptedOut(), err, want, optedOut)
		}
	}
	check("1YNN", String{Yes, No, No}, false)
	check("1YYN", String{Yes, Yes, No}, true)
	check("1NYY", String{No, Yes, Yes}, true)
	check("1NNN", String{No, No, No}, false)
	check("1---", String{NotApplicable, NotApplicable, NotApplicable}, false)
	check("1-Y-", String{NotApplicable, Yes, NotApplicable}, true)
	check("1-N-", String{NotApplicable, No, NotApplicable}, false)
	check("1YN-", String{Yes, No, NotApplicable}, false)
	// Lower case opts out, and does nothing else.
	check("1yyn", String{Yes, Yes, No}, true)
	check("1YyN", String{Yes, Yes, No}, true)
	check("1yYN", String{Yes, Yes, No}, true)
	check("1-y-", String{NotApplicable, Yes, NotApplicable}, true)
}

func TestRefused(t *testing.T) {
	check := func(in string, want Error) {
		t.Helper()
		got, err := Decode(in)
		if err != want || got != (String{}) || !got.OptedOut() {
			t.Errorf("%q: got %v, opted out %v, %v; want %v", in, got, got.OptedOut(), err, want)
		}
	}
	check("", ErrLength)
	check("1YN", ErrLength)
	check("1YNNN", ErrLength)
	check("1YNN ", ErrLength)
	check("2YNN", ErrVersion)
	check("-YNN", ErrVersion)
	check("1XXX", ErrLetter)
	check("1YXN", ErrLetter)
	check("1Y\x00N", ErrLetter)
	check("1Y\u00d1", ErrLetter)
	check("1ynn", ErrLowerCase)
	check("1yNN", ErrLowerCase)
	check("1YnN", ErrLowerCase)
	check("1YNn", ErrLowerCase)
	check("1n--", ErrLowerCase)
	check("1Y-N", ErrOptOut)
	check("1--N", ErrOptOut)
	check("1Y--", ErrOptOut)
}

// Every string of the alphabet, and every byte in the place of the opt-out:
// only a plain N, or 1---, is not opted out.
func TestOnlyNoIsNotOptedOut(t *testing.T) {
	const alphabet = "YNyn-"
	for _, a := range alphabet {
		for c := range 256 {
			for _, b := range alphabet {
				s := "1" + string(a) + string([]byte{byte(c)}) + string(b)
				d, err := Decode(s)
				plain := s == "1---" || c == 'N' && !strings.ContainsAny(s, "yn")
				if d.OptedOut() == plain {
					t.Errorf("%q: opted out %v, %v", s, d.OptedOut(), err)
				}
			}
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for e := Error(1); e < numErrors; e++ {
		if e.Error() == "" {
			t.Errorf("error %d has no text", e)
		}
	}
	if got := Error(numErrors).Error(); got != "unknown(6)" {
		t.Errorf("got %q", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "1YNN", "1YYN", "1---", "1ynn", "1yYn", "1-N-", "2YNN", "1Y-N", "1XXX"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Decode(s)
		if err != nil {
			if d != (String{}) || !d.OptedOut() {
				t.Fatalf("%q: %v, but %v", s, err, d)
			}
			return
		}
		again := "1" + d.Notice.String() + d.OptOutSale.String() + d.LSPACovered.String()
		if again != strings.ToUpper(s) || again != s && !d.OptedOut() {
			t.Fatalf("%q was read as %q", s, again)
		}
	})
}
