package tcf

import "testing"

// The rules for restrictions, for each basis that was registered, flexible or
// not. The user agreed to everything.
func TestPermitsUnderRestrictions(t *testing.T) {
	const (
		no = iota
		byConsent
		byInterest
	)
	check := func(p Purpose, v Vendor, kinds []uint64, want int) {
		t.Helper()
		granted := func(change func(*content)) bool {
			var c Consent
			s := valid().with(func(c *content) {
				for _, kind := range kinds {
					c.restrictions = append(c.restrictions, testRestriction{uint64(p), kind, []span{newSpan(3, 3), newSpan(700, 800)}})
				}
				change(c)
			})
			if err := Decode(&c, s.String()); err != nil {
				t.Fatal(err)
			}
			if err := c.Usable(today); err != nil {
				t.Fatal(err)
			}
			return c.Permits(&v, p)
		}
		// Each bit alone decides if its basis counts.
		if got := granted(func(*content) {}); got != (want != no) {
			t.Errorf("purpose %d, %+v, restrictions %v: permitted is %t", p, v, kinds, got)
		}
		if got := granted(func(c *content) { c.consent = 0 }); got != (want == byInterest) {
			t.Errorf("purpose %d, %+v, restrictions %v: permitted without consent is %t", p, v, kinds, got)
		}
		if got := granted(func(c *content) { c.vendorConsent = of() }); got != (want == byInterest) {
			t.Errorf("purpose %d, %+v, restrictions %v: permitted without vendor consent is %t", p, v, kinds, got)
		}
		if got := granted(func(c *content) { c.interest = 0 }); got != (want == byConsent) {
			t.Errorf("purpose %d, %+v, restrictions %v: permitted after objection is %t", p, v, kinds, got)
		}
		if got := granted(func(c *content) { c.vendorInterest = of() }); got != (want == byConsent) {
			t.Errorf("purpose %d, %+v, restrictions %v: permitted after vendor objection is %t", p, v, kinds, got)
		}
		if granted(func(c *content) { c.disclosed = in(1, 754, 756, 900) }) {
			t.Errorf("purpose %d, %+v: permitted though not disclosed", p, v)
		}
	}
	types := func(t ...uint64) []uint64 { return t }
	all := PurposeSet(1<<MaxPurpose - 1)
	consent := Vendor{ID: 755, Consent: all}
	interest := Vendor{ID: 755, LegitimateInterest: all}
	flexibleConsent := Vendor{ID: 755, Consent: all, Flexible: all}
	flexibleInterest := Vendor{ID: 755, LegitimateInterest: all, Flexible: all}
	neither := Vendor{ID: 755, Flexible: all}
	both := Vendor{ID: 755, Consent: all, LegitimateInterest: all}

	for _, p := range []Purpose{2, 7, 8, 9, 10, 11} {
		check(p, consent, nil, byConsent)
		check(p, interest, nil, byInterest)
		check(p, flexibleConsent, nil, byConsent)
		check(p, flexibleInterest, nil, byInterest)
		check(p, both, nil, byConsent)
		check(p, consent, types(1), byConsent)
		check(p, interest, types(1), no)
		check(p, flexibleConsent, types(1), byConsent)
		check(p, flexibleInterest, types(1), byConsent)
		check(p, consent, types(2), no)
		check(p, interest, types(2), byInterest)
		check(p, flexibleConsent, types(2), byInterest)
		check(p, flexibleInterest, types(2), byInterest)
		check(p, consent, types(1, 1), byConsent) // said twice
	}
	for _, p := range []Purpose{3, 4, 5, 6} { // never on legitimate interest
		check(p, consent, nil, byConsent)
		check(p, interest, nil, no)
		check(p, flexibleConsent, types(2), no)
		check(p, flexibleInterest, types(1), byConsent)
		check(p, flexibleInterest, types(2), no)
	}
	check(1, consent, nil, byConsent) // never flexible either
	check(1, interest, nil, no)
	check(1, consent, types(1), byConsent)
	check(1, flexibleConsent, types(2), no)
	check(1, flexibleInterest, types(1), no)
	for p := Purpose(1); p <= MaxPurpose; p++ {
		check(p, neither, nil, no)
		check(p, neither, types(1), no)
		for _, v := range []Vendor{consent, interest, flexibleConsent, flexibleInterest, both} {
			check(p, v, types(0), no)
			check(p, v, types(3), no) // of no known kind
			check(p, v, types(1, 2), no)
			check(p, v, types(2, 1), no)
			check(p, v, types(1, 0), no)
			check(p, v, types(0, 2), no)
			check(p, v, types(3, 1), no)
		}
	}
}

func TestPermitsNoPurposeNoVendor(t *testing.T) {
	var c Consent
	s := valid().with(func(c *content) {
		c.consent, c.interest = 0xffffff, 0xffffff
		c.segments, c.created, c.updated = nil, 0, 0
		c.vendorConsent, c.vendorInterest = in(1, 65535), in(1, 65535)
	})
	if err := Decode(&c, s.String()); err != nil {
		t.Fatal(err)
	}
	if err := c.Usable(today); err != nil {
		t.Fatal(err)
	}
	check := func(id uint16, p Purpose, want bool) {
		t.Helper()
		v := Vendor{ID: id, Consent: 1<<32 - 1, LegitimateInterest: 1<<32 - 1, Flexible: 1<<32 - 1}
		if c.Permits(&v, p) != want {
			t.Errorf("vendor %d, purpose %d: %t", id, p, !want)
		}
	}
	check(1, 1, true)
	check(65535, 24, true)
	check(0, 1, false)
	check(1, 0, false)
	check(1, 25, false)
	check(1, 32, false)
	check(1, 33, false)
	check(1, 255, false)
}

// Purpose 1 was not asked: not even a consent bit is a grant.
func TestPermitsPurposeOneTreatment(t *testing.T) {
	check := func(one, consent uint64, p Purpose, want bool) {
		t.Helper()
		var c Consent
		s := valid().with(func(c *content) { c.oneTreatment, c.consent = one, consent })
		if err := Decode(&c, s.String()); err != nil {
			t.Fatal(err)
		}
		if err := c.Usable(today); err != nil {
			t.Fatal(err)
		}
		v := Vendor{ID: 755, Consent: Purposes(1, 2)}
		if c.Permits(&v, p) != want || c.PurposeConsent(p) != want {
			t.Errorf("one treatment %d, consent %x, purpose %d: %t", one, consent, p, !want)
		}
	}
	check(0, 0xc00000, 1, true)
	check(0, 0x400000, 1, false)
	check(1, 0x400000, 1, false)
	check(1, 0xc00000, 1, false)
	check(1, 0xc00000, 2, true)
}

func TestPurposes(t *testing.T) {
	check := func(got, want PurposeSet) {
		t.Helper()
		if got != want {
			t.Errorf("%b, want %b", got, want)
		}
	}
	check(Purposes(), 0)
	check(Purposes(1, 3, 4, 5, 6), consentOnly)
	check(Purposes(1), 1<<23)
	check(Purposes(24), 1)
	check(Purposes(0, 25, 33, 255), 0)
}
