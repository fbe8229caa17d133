package consentmode

import (
	"errors"
	"strings"
	"testing"
)

func TestDecodeGCD(t *testing.T) {
	check := func(in string, ads, analytics, userData, personalization Value) {
		t.Helper()
		s, err := DecodeGCD(in)
		got := [NumTypes]Value{}
		for i := range s {
			got[i] = s[i].Value
		}
		want := [NumTypes]Value{ads, analytics, userData, personalization}
		if err != nil || got != want {
			t.Errorf("DecodeGCD(%q) = %v, %v", in, got, err)
		}
		if inUse := want != [NumTypes]Value{}; s.InUse() != inUse {
			t.Errorf("DecodeGCD(%q): in use is %t", in, s.InUse())
		}
	}
	check("", NotSet, NotSet, NotSet, NotSet)
	check("13l3l3l3l1l1", NotSet, NotSet, NotSet, NotSet) // never configured
	check("13l3l3l2l1l1", NotSet, NotSet, NotSet, NotSet) // with npa=1
	check("11p1p1p1p5", Denied, Denied, Denied, Denied)
	check("11t1t1t1t5", Granted, Granted, Granted, Granted)
	check("13r3q3p3v5l1", Granted, Denied, Denied, Granted)
	check("13m3n3u3l1", Denied, Granted, Denied, NotSet)
	check("12n3m1l2t1l1", Granted, Denied, NotSet, Granted)
}

// Every letter of the standard's table.
func TestDecodeGCDLetters(t *testing.T) {
	check := func(letter string, def, update, value Value) {
		t.Helper()
		s, err := DecodeGCD("11" + letter + "2l3l1l1")
		want := State{
			AdStorage:        {Value: value, Default: def, Update: update},
			AnalyticsStorage: {Implicit: Denied},
			AdUserData:       {Implicit: Granted},
		}
		if err != nil || s != want {
			t.Errorf("letter %s: %+v, %v", letter, s, err)
		}
	}
	check("l", NotSet, NotSet, NotSet)
	check("m", NotSet, Denied, Denied)
	check("n", NotSet, Granted, Granted)
	check("p", Denied, NotSet, Denied)
	check("q", Denied, Denied, Denied)
	check("r", Denied, Granted, Granted)
	check("t", Granted, NotSet, Granted)
	check("u", Granted, Denied, Denied)
	check("v", Granted, Granted, Granted)
}

func TestDecodeGCDRefuses(t *testing.T) {
	check := func(in string, want error) {
		t.Helper()
		s, err := DecodeGCD(in)
		if !errors.Is(err, want) || s != (State{}) {
			t.Errorf("DecodeGCD(%q) = %v, %v; want %v", in, s, err, want)
		}
	}
	check("1", ErrForm)
	check("11t1t1t1t", ErrForm) // no tail
	check("11t1t1t", ErrForm)
	check("21t1t1t1t5", ErrForm)
	check("G111", ErrForm)
	check("11t1t1t1t5 ", ErrForm)
	check("11t1t1t1t%", ErrForm)
	check("11t1t1t1t"+strings.Repeat("1", maxGCDTail+1), ErrForm)
	check("11t1t1t1o5", ErrState)
	check("11t1t1t1w5", ErrState)
	check("11t1t1t1k5", ErrState)
	check("11t1t1t1z5", ErrState)
	check("11t1t1t1T5", ErrState)
	check("11t1t1t1\xff5", ErrState)
	check("10t1t1t1t5", ErrState)
	check("14t1t1t1t5", ErrState)
	check("1t1t1t1t15", ErrState)
	check("1-t1t1t1t5", ErrState)
}

func TestMutatedGCDGrantsNothingByAccident(t *testing.T) {
	for _, in := range []string{"11p1p1p1p5", "13q3q3q3q1l1", "13u3m3p3q5l1", "13l3l3l2l1l1", "13r3q3p3v5l1"} {
		before, err := DecodeGCD(in)
		if err != nil {
			t.Fatal(err)
		}
		mutate(in, func(mutated string) {
			now, err := DecodeGCD(mutated)
			if err == nil && newGrants(before, now) && renderGCD(now) != mutated[:gcdTail] {
				t.Errorf("%q from %q grants %v", mutated, in, now)
			}
		})
	}
}

func TestDecodeGCDAllocatesNothing(t *testing.T) {
	for _, in := range []string{"13r3q3p3v5l1", "13r3q3p3o5l1", "nonsense"} {
		allocationFree(t, in, func() { _, _ = DecodeGCD(in) })
	}
}

func FuzzDecodeGCD(f *testing.F) {
	f.Add("13r3q3p3v5l1")
	f.Fuzz(func(t *testing.T, in string) {
		s, err := DecodeGCD(in)
		if err != nil && s != (State{}) {
			t.Errorf("%q is refused but says %v", in, s)
		}
		if err == nil && in != "" && renderGCD(s) != in[:gcdTail] {
			t.Errorf("%q is taken for %q", in, renderGCD(s))
		}
	})
}

func BenchmarkDecodeGCD(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeGCD("13r3q3p3v5l1"); err != nil {
			b.Fatal(err)
		}
	}
}
