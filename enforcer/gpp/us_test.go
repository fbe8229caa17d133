package gpp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func section(t testing.TB, id ID, text string) *Section {
	t.Helper()
	s := decode(t, encodeString(id, text)).Section(id)
	if s == nil {
		t.Fatalf("no section %v", id)
	}
	return s
}

func TestUSNational(t *testing.T) {
	check := func(text string, version uint8, sensitive15, child0, child2, covered Value, optedOut bool) {
		t.Helper()
		s := section(t, USNat, text)
		if s.Malformed != 0 || s.Version != version || s.SensitiveDataProcessing[15] != sensitive15 || s.MSPACoveredTransaction != covered ||
			s.KnownChildSensitiveDataConsents[0] != child0 || s.KnownChildSensitiveDataConsents[2] != child2 || s.OptedOut() != optedOut {
			t.Errorf("%s: %+v", text, s)
		}
	}
	check("CVVqAAAAAACA", 2, 0, 0, 0, No, false)
	check("CVVqAAAAAACAAAA", 2, 0, 0, 0, No, false)
	check("CVVqGGGGGBlY.QA", 2, 0, 0, 2, Yes, true)
	v1 := "000001" + "010101010101" + "101010" + strings.Repeat("00", 12)
	check(encodeBits(v1+"1010"+"00 10 0000"), 1, 0, Consent, 0, No, false)              // 10 characters
	check(encodeBits(v1+"1010"+"00 10 0000 000000"), 1, 0, Consent, 0, No, false)       // 11, as the library pads
	check(encodeBits(v1+"1010"+"00 10 0000 000000000000"), 1, 0, Consent, 0, No, false) // 12
	check(encodeBits(v1+"0110"+"00 10 0000"), 1, 0, NoConsent, 0, No, true)
	// Version 1 in the layout of version 2, by library 3.1.5 and 3.1.7.
	check("BAAoAAAApQBA.QA", 1, NoConsent, 0, 0, Yes, false)
	check("BVVqAAAAAACA.QA", 1, 0, 0, 0, No, false)
	check(encodeBits(v1+"00000000"+"000001"+"00 10 0000"), 1, 0, 0, NoConsent, No, true)
}

func TestMalformedSections(t *testing.T) {
	check := func(id ID, text string, want Error) {
		t.Helper()
		s := section(t, id, text)
		if s.Malformed != want || !s.OptedOut() {
			t.Errorf("%v %q: got %v, want %v", id, text, s.Malformed, want)
		}
		for f := saleOptOut; f <= additionalDataProcessingConsent; f++ {
			if *s.value(f, 0) != OptedOut {
				t.Errorf("%v %q: %s is %d", id, text, fieldNames[f], *s.value(f, 0))
			}
		}
		if s.Raw != text || s.HasSubsection {
			t.Errorf("%v %q: raw %q, sub-section %v", id, text, s.Raw, s.HasSubsection)
		}
	}
	check(USNat, "CVVqAAAAAAC", ErrTruncated)
	check(USNat, "C", ErrTruncated)
	check(USNat, "CVVqAAAAAACB", ErrPadding)
	check(USNat, "CVVqAAAAAACAAAAAA", ErrPadding)
	check(USNat, "AVVqAAAAAACA", ErrSectionVersion)
	check(USNat, "DVVqAAAAAACA", ErrSectionVersion)
	check(USNat, "CVV AAAAAACA", ErrCharacter)
	check(USNat, " ", ErrCharacter)
	check(USNat, "CVVqAAAAAACA=", ErrCharacter)
	check(USNat, ".", ErrSectionVersion)
	check(USNat, ".YA", ErrSectionVersion)
	check(USNat, "CVVqAAAAAACA.", ErrSubsection)
	check(USNat, "CVVqAAAAAACA.A", ErrSubsection)
	check(USNat, "CVVqAAAAAACA.gA", ErrSubsection)
	check(USNat, "CVVqAAAAAACA.wA", ErrSubsection)
	check(USNat, "CVVqAAAAAACA.QB", ErrPadding)
	check(USNat, "CVVqAAAAAACA.QAAAA", ErrPadding)
	check(USNat, "CVVqAAAAAACA.QA.QA", ErrCharacter)
	check(USNat, "CVVqAAAAAACA.Q!", ErrCharacter)
	check(USNat, "BVVqAAAAA", ErrTruncated)
	check(USNat, "BVVqAAAAAAAA", ErrAmbiguous) // nobody says whether it is covered
	check(USCA, "CVoAAACA", ErrSectionVersion)
	check(USCA, "BVoAAAC", ErrTruncated)
	check(USVA, "BAAAABA.QA", ErrSubsection) // has no GPC
	check(USVA, "BAAAABA.", ErrSubsection)
	check(USIN, "BQAA.QA", ErrTruncated)
	check(USIN, "BQAA.AAM", ErrReservedValue)
	check(USIN, "BQAA.AAAA.QA", ErrCharacter)
	check(USPv1, "1YNN.QA", ErrUSPrivacy)
	check(USPv1, "1ynn", ErrUSPrivacy)
	check(USPv1, "2YNN", ErrUSPrivacy)
	// The section header that the specifications of 24 to 27 want, and the
	// library does not write.
	check(USMD, "YBABY.BhVQ.QA", ErrSectionVersion)
	check(USMD, "YBAA.BhVQ", ErrSectionVersion)
	check(USIN, "ZBAA.BhWQ", ErrSectionVersion)
	check(USRI, "bBABY.BhWQ.AAA", ErrSectionVersion)
}

// The reserved value makes a section malformed in whatever field it is.
func TestReservedValues(t *testing.T) {
	for id := USNat; id <= maxID; id++ {
		l := &layouts[id]
		version := 1
		if id == USNat {
			version = 2
		}
		for i, slot := range l.slots {
			for j := range slot.count {
				bits := fmt.Sprintf("%06b", version)
				for k, other := range l.slots {
					for m := range other.count {
						if k == i && m == j {
							bits += "11"
						} else {
							bits += "10"
						}
					}
				}
				if s := section(t, id, encodeBits(bits)); s.Malformed != ErrReservedValue || !s.OptedOut() {
					t.Errorf("%v: reserved %s: %v", id, fieldNames[slot.field], s.Malformed)
				}
			}
		}
	}
}

// Each field that opts out does so alone, in every section that has it.
func TestOptedOut(t *testing.T) {
	optsOut := map[field]bool{saleOptOut: true, sharingOptOut: true, targetedAdvertisingOptOut: true, knownChildSensitiveDataConsents: true}
	for id := USNat; id <= maxID; id++ {
		l := &layouts[id]
		s := Section{ID: id, Version: 1}
		if id == USNat {
			s.Version = 2
		}
		for _, slot := range l.slots {
			for i := range slot.count {
				*s.value(slot.field, i) = 2
			}
		}
		check := func(what string, want bool) {
			t.Helper()
			got := section(t, id, encodeUS(&s, l.slots))
			if got.Malformed != 0 || got.OptedOut() != want {
				t.Errorf("%v: %s: opted out %v, %v", id, what, got.OptedOut(), got.Malformed)
			}
		}
		check("nothing", false)
		for _, slot := range l.slots {
			for i := range slot.count {
				v := s.value(slot.field, i)
				*v = 1
				check(fieldNames[slot.field], optsOut[slot.field])
				*v = 2
			}
		}
		s.HasSubsection = l.subsection != noSubsection
		check("sub-section", false)
		if s.GPC = l.subsection == gpcSubsection; s.GPC {
			check("GPC", true)
		}
	}
}

func TestUSPrivacySection(t *testing.T) {
	check := func(text string, want Value, optedOut bool) {
		t.Helper()
		if s := section(t, USPv1, text); s.Malformed != 0 || s.SaleOptOut != want || s.OptedOut() != optedOut {
			t.Errorf("%s: %+v", text, s)
		}
	}
	check("1YNN", DidNotOptOut, false)
	check("1YYN", OptedOut, true)
	check("1yyn", OptedOut, true)
	check("1---", NotApplicable, false)
}

// Random values in every section come out as they went in.
func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		id := USNat + ID(random.IntN(int(maxID-USNat)+1))
		l := &layouts[id]
		slots := l.slots
		want := Section{ID: id, Version: 1}
		if id == USNat {
			want.Version = uint8(1 + random.IntN(2))
			if want.Version == 1 && random.IntN(2) == 0 {
				slots = nationalV1
			}
		}
		fill := func(slot slot) {
			for i := range slot.count {
				*want.value(slot.field, i) = Value(random.IntN(3))
			}
		}
		for _, slot := range slots {
			fill(slot)
		}
		want.MSPACoveredTransaction = Value(1 + random.IntN(2))
		if random.IntN(2) == 0 {
			switch l.subsection {
			case gpcSubsection:
				want.HasSubsection, want.GPC = true, random.IntN(2) == 0
			case sensitiveSubsection:
				want.HasSubsection = true
				fill(slot{sensitiveDataProcessing, 8})
			}
		}
		want.Raw = encodeUS(&want, slots)
		if got := section(t, id, want.Raw); *got != want {
			t.Fatalf("%v %s:\n got %+v\nwant %+v", id, want.Raw, *got, want)
		}
	}
}
