package gpp

import (
	"strings"
	"testing"
)

func set(ids ...uint32) (s SectionSet) {
	for _, id := range ids {
		s |= setOf(id)
	}
	return s
}

func TestParseSectionIDs(t *testing.T) {
	check := func(in string, want SectionSet) {
		t.Helper()
		if got, err := ParseSectionIDs(in); err != nil || got != want {
			t.Errorf("%q: got %b, %v; want %b", in, got, err, want)
		}
	}
	check("", 0)
	check("0", 0)
	check("-1", NoneInForce)
	check("7", set(7))
	check("2,6", set(2, 6))
	check("2_6", set(2, 6))
	check("8,8,007", set(7, 8))
	check("62", set(62))
	check("63", set(63))
	check("64", set(63))
	check("4294967303", set(63)) // not 7
	check("99999999999999999999999999", set(63))
}

func TestParseSectionIDsRefused(t *testing.T) {
	check := func(in string) {
		t.Helper()
		if got, err := ParseSectionIDs(in); err != ErrSectionIDs || got != 0 {
			t.Errorf("%q: got %b, %v", in, got, err)
		}
	}
	for _, in := range []string{",", "7,", ",7", "7,,8", "7 ,8", " 7", "-1,7", "7,-1", "-2", "--1", "0,7", "7,0", "+7", "7;8", "usnat", "7\x00", "{7}",
		strings.Repeat("7,", 200) + "7"} {
		check(in)
	}
}

func TestSectionSetHas(t *testing.T) {
	s := set(7, 62)
	if !s.Has(7) || !s.Has(62) || s.Has(8) || s.Has(0) || s.Has(63) || s.Has(200) || NoneInForce.Has(0) {
		t.Error("a set has what it should not, or has not what it should")
	}
}

func TestApplicable(t *testing.T) {
	const (
		silent = "CAAAAAAAAACA"
		sold   = "CVVaAAAAAACA"
	)
	check := func(text string, sids SectionSet, here, missing SectionSet, optedOut bool) {
		t.Helper()
		g := decode(t, text)
		gotHere, gotMissing := g.Applicable(sids)
		if got := g.OptedOut(sids); gotHere != here || gotMissing != missing || got != optedOut {
			t.Errorf("%q, %b: got %b, %b, %v", text, sids, gotHere, gotMissing, got)
		}
	}
	check("DBAA", 0, 0, 0, false)
	check("DBAA", NoneInForce, 0, 0, false)
	check("DBAA", set(7), 0, set(7), true)
	national := encodeString(USNat, sold)
	check(national, 0, set(7), 0, true)
	check(national, set(7), set(7), 0, true)
	check(national, NoneInForce, 0, 0, false)
	check(national, set(8), 0, set(8), true)
	check(national, set(7, 8), set(7), set(8), true)
	both := encodeHeader(6, 7) + "~1YYN~" + silent
	check(both, 0, set(6, 7), 0, true)
	check(both, set(7), set(7), 0, false)
	check(both, set(6), set(6), 0, true)
	// An unknown section is skipped, but not if it is the one in force.
	unknown := encodeHeader(7, 60, 100) + "~" + silent + "~x~y"
	check(unknown, 0, set(7), 0, false)
	check(unknown, set(7), set(7), 0, false)
	check(unknown, set(60), 0, set(60), true)
	check(unknown, set(100), 0, set(63), true)
	check(unknown, set(7, 60), set(7), set(60), true)
}
