package consentmode

import (
	"errors"
	"testing"
)

func TestDecodeGCS(t *testing.T) {
	check := func(in string, ads, analytics Value) {
		t.Helper()
		s, err := DecodeGCS(in)
		want := State{AdStorage: {Value: ads}, AnalyticsStorage: {Value: analytics}}
		if err != nil || s != want {
			t.Errorf("DecodeGCS(%q) = %v, %v", in, s, err)
		}
		if inUse := ads != NotSet || analytics != NotSet; s.InUse() != inUse {
			t.Errorf("DecodeGCS(%q): in use is %t", in, s.InUse())
		}
	}
	check("", NotSet, NotSet)
	check("G1--", NotSet, NotSet)
	check("G100", Denied, Denied)
	check("G101", Denied, Granted)
	check("G110", Granted, Denied)
	check("G111", Granted, Granted)
	check("G1-1", NotSet, Granted)
	check("G10-", Denied, NotSet)
}

func TestDecodeGCSRefuses(t *testing.T) {
	check := func(in string, want error) {
		t.Helper()
		s, err := DecodeGCS(in)
		if !errors.Is(err, want) || s != (State{}) {
			t.Errorf("DecodeGCS(%q) = %v, %v; want %v", in, s, err, want)
		}
	}
	check("G", ErrForm)
	check("G11", ErrForm)
	check("G1111", ErrForm)
	check("G211", ErrForm)
	check("g111", ErrForm)
	check("111", ErrForm)
	check(" G111", ErrForm)
	check("G1 1", ErrState)
	check("G112", ErrState)
	check("G12-", ErrState)
	check("G1\x0011", ErrForm)
	check("G1\x001", ErrState)
	check("G1é", ErrState)
}

func TestMutatedGCSGrantsNothingByAccident(t *testing.T) {
	for _, in := range []string{"G100", "G101", "G110", "G1--", "G10-", "G1-0"} {
		before, _ := DecodeGCS(in)
		mutate(in, func(mutated string) {
			now, err := DecodeGCS(mutated)
			if err == nil && newGrants(before, now) && renderGCS(now) != mutated {
				t.Errorf("%q from %q grants %v", mutated, in, now)
			}
		})
	}
}

func TestDecodeGCSAllocatesNothing(t *testing.T) {
	for _, in := range []string{"G101", "G1xx", "nonsense"} {
		allocationFree(t, in, func() { _, _ = DecodeGCS(in) })
	}
}

func FuzzDecodeGCS(f *testing.F) {
	f.Add("G111")
	f.Fuzz(func(t *testing.T, in string) {
		s, err := DecodeGCS(in)
		if err != nil && s != (State{}) {
			t.Errorf("%q is refused but says %v", in, s)
		}
		if err == nil && in != "" && renderGCS(s) != in {
			t.Errorf("%q is taken for %q", in, renderGCS(s))
		}
	})
}

func BenchmarkDecodeGCS(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeGCS("G101"); err != nil {
			b.Fatal(err)
		}
	}
}
