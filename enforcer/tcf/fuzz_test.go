package tcf

import (
	"reflect"
	"testing"
	"time"
)

// stands checks what must hold of any bytes at all.
func stands(t *testing.T, s string) {
	t.Helper()
	var c, again Consent
	// Something to forget.
	if err := Decode(&again, "CQitFIAQitFIAEsACBENB5FsAP_gAEPgAAYgH0P__ffe_-9-_5__17_vAAAAA.IF5wAQF5gAAA"); err == nil {
		t.Fatal("cut short, but decoded")
	}
	err := Decode(&c, s)
	if err2 := Decode(&again, s); err != err2 || !reflect.DeepEqual(c.Describe(), again.Describe()) {
		t.Fatalf("%q: decoded twice, %v and %v", s, err, err2)
	}
	if err != nil {
		if e, ok := err.(Error); !ok || e == 0 || e >= ErrGlobalScope {
			t.Fatalf("%q: %#v", s, err)
		}
		if !reflect.DeepEqual(c.Describe(), new(Consent).Describe()) || grantsAnything(&c) {
			t.Fatalf("%q is refused but says something", s)
		}
		return
	}
	if grantsAnything(&c) {
		t.Fatalf("%q grants before it is known to be usable", s)
	}
	saysWhatItIs(t, s, &c)
	for _, now := range []time.Time{today, time.Unix(0, 0), time.Unix(1<<40, 0)} {
		if c.Usable(now) != nil && grantsAnything(&c) {
			t.Fatalf("%q is not usable but grants", s)
		}
	}
	if c.Usable(today) == nil {
		grantsAreSaid(t, s, &c)
	}
}

// saysWhatItIs writes what was decoded and compares: nothing of the string may
// have been passed over, and nothing may have been made up.
func saysWhatItIs(t *testing.T, s string, c *Consent) {
	t.Helper()
	written := contentOf(c)
	if canonical(written.String()) == canonical(s) {
		return
	}
	// A single id may be written as a range: the same, in another way.
	var single bool
	for i := range c.spans {
		single = single || c.spans[i].first() == c.spans[i].last()
	}
	var back Consent
	if err := Decode(&back, written.String()); err != nil || !single || !reflect.DeepEqual(contentOf(&back), written) {
		t.Fatalf("%q was read as\n%q: %v", s, written, err)
	}
}

// grantsAreSaid checks that each grant can be read off the description.
func grantsAreSaid(t *testing.T, s string, c *Consent) {
	t.Helper()
	d := c.Describe()
	in := func(list [][2]uint16, id uint16) bool {
		for _, r := range list {
			if r[0] <= id && id <= r[1] {
				return true
			}
		}
		return false
	}
	has := func(list []int, n int) bool {
		for _, x := range list {
			if x == n {
				return true
			}
		}
		return false
	}
	for _, id := range []uint16{1, 2, 3, 8, 755} {
		for _, v := range greedy(id) {
			for p := Purpose(0); p <= MaxPurpose+1; p++ {
				if !c.Permits(&v, p) {
					continue
				}
				byConsent := has(d.PurposeConsents, int(p)) && in(d.VendorConsents.Ranges, id)
				byInterest := has(d.PurposeLegitimateInterests, int(p)) && in(d.VendorLegitimateInterests.Ranges, id) && p != 1 && (p < 3 || p > 6)
				shown := d.DisclosedVendors == nil || in(d.DisclosedVendors.Ranges, id)
				if !shown || !byConsent && !byInterest {
					t.Fatalf("%q: vendor %d may process for purpose %d", s, id, p)
				}
				for _, r := range d.PublisherRestrictions {
					if r.PurposeID == int(p) && r.RestrictionType == 0 && in(r.Vendors, id) {
						t.Fatalf("%q: vendor %d may process for purpose %d, which is forbidden", s, id, p)
					}
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	file := vectors(f)
	for _, v := range file.Vectors {
		f.Add(v.TCString)
	}
	for _, v := range file.Malformed {
		f.Add(v.TCString)
	}
	f.Add(valid().with(func(c *content) {
		c.restrictions = []testRestriction{{2, 1, []span{newSpan(5, 9), newSpan(20, 20)}}, {2, 0, []span{newSpan(9, 9)}}, {7, 2, nil}}
		c.segments = []segmentType{segmentPublisher, segmentAllowed, segmentDisclosed}
		c.publisher = testPublisher{consent: 0xc00000, custom: 2, bits: []uint64{1, 0, 0, 1}}
		c.allowed = of(3)
	}).String())
	f.Fuzz(stands)
}

// Flipping any one bit of a string, of its characters or of what they carry,
// gives a string that is refused or that really says what is decoded.
func TestFlippedBits(t *testing.T) {
	var c Consent
	try := func(s string) {
		if err := Decode(&c, s); err == nil {
			saysWhatItIs(t, s, &c)
			if c.Usable(today) == nil {
				grantsAreSaid(t, s, &c)
			}
		} else if grantsAnything(&c) {
			t.Fatalf("%q is refused but grants", s)
		}
	}
	flip := func(s string) {
		for i := range len(s) {
			changed := []byte(s)
			for bit := range 8 {
				changed[i] = s[i] ^ 1<<bit
				try(string(changed))
			}
			value := indexOf(s[i])
			for bit := 0; bit < 6 && value >= 0; bit++ {
				changed[i] = alphabet[value^1<<bit]
				try(string(changed))
			}
			try(s[:i] + s[i+1:])
		}
	}
	file := vectors(t)
	for _, v := range file.Malformed {
		flip(v.TCString)
	}
	for _, v := range file.Vectors {
		if len(v.TCString) < 100 {
			flip(v.TCString)
		}
	}
}
