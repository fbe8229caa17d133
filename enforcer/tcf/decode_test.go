package tcf

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDecode(t *testing.T) {
	check := func(what, s string, want error) {
		t.Helper()
		c := Consent{said: said{usable: true, consent: 1}}
		if err := Decode(&c, s); err != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if c.usable || want != nil && !reflect.DeepEqual(c, Consent{bits: c.bits, spans: c.spans, restrictions: c.restrictions}) {
			t.Errorf("%s: something is left of what it was", what)
		}
	}
	ok := valid().String()
	core, disclosed, _ := strings.Cut(ok, ".")
	check("valid", ok, nil)
	check("core only", core, nil)

	check("trailing zeros", core+"AAAAAAA."+disclosed+"A", nil)
	check("many trailing zeros", core+strings.Repeat("A", 5000), nil)
	check("trailing one", core+"AAAAAAB."+disclosed, ErrTrailing)
	check("trailing one, far away", core+strings.Repeat("A", 5000)+"B", ErrTrailing)
	check("trailing one, in another segment", core+"."+disclosed+"AAAE", ErrTrailing)
	for zeros := range 130 {
		for _, one := range []string{"B", "C", "E", "I", "Q", "g"} {
			check("trailing one", core+strings.Repeat("A", zeros)+one, ErrTrailing)
		}
	}
	check("too long", core+strings.Repeat("A", MaxLength), ErrTooLong)
	check("as long as can be", core+strings.Repeat("A", MaxLength-len(core)), nil)

	check("empty segment", core+".", ErrSegment)
	check("empty segment between", core+".."+disclosed, ErrSegment)
	check("empty core", "."+disclosed, ErrVersion)
	check("segment of type 0", core+".A", ErrSegment)
	check("disclosed twice", ok+"."+disclosed, ErrSegment)
	check("unknown segment", ok+".gAAA", nil)
	check("unknown segment with anything in it", ok+".h-_9", nil)
	check("unknown segment twice", ok+".gAAA.gAAA", ErrSegment)
	check("unknown segment with a bad character", ok+".gA!A", ErrAlphabet)
	check("all segments", ok+".QAAA.YAAAAAAAAAAA.g.o.w.4", nil)
	check("too many segments", ok+".QAAA.YAAAAAAAAAAA.g.o.w.4.g", ErrSegment)
	check("any order", core+".YAAAAAAAAAAA."+disclosed, nil)
	check("publisher cut short", core+".YAAAAAAAA", ErrTruncated)
	check("publisher's custom purposes cut short", core+".YAAAAAAAA_A", ErrTruncated)
	check("disclosed cut short", core+".IAA", ErrTruncated)
	check("allowed cut short", core+".QAB", ErrTruncated)

	check("disclosed cut short in the number of ranges", core+".IAEw", ErrTruncated)
	restricted := valid().with(func(c *content) {
		c.segments, c.restrictions = nil, []testRestriction{{1, 0, nil}, {2, 0, nil}, {2, 0, []span{newSpan(3, 9)}}}
	}).String()
	check("restrictions", restricted, nil)
	for i := 44; i < len(restricted)-1; i++ {
		check("restrictions cut short", restricted[:i], ErrTruncated)
	}
	for i := range core {
		check("cut short", core[:i], map[bool]error{true: ErrEmpty, false: ErrTruncated}[i == 0])
	}
	for _, bad := range []string{"+", "/", "=", " ", "\n", "\x00", "é", "~", "%"} {
		check("bad character at the end", ok+bad, ErrAlphabet)
		check("bad character", core[:20]+bad+core[20:]+"."+disclosed, ErrAlphabet)
	}

	// Each field that can be wrong.
	wrong := func(what string, want error, change func(*content)) {
		t.Helper()
		check(what, valid().with(change).String(), want)
	}
	wrong("version", ErrVersion, func(c *content) { c.version = 3 })
	wrong("language", ErrLetters, func(c *content) { c.language = 26 })
	wrong("language", ErrLetters, func(c *content) { c.language = 26 << 6 })
	wrong("country", ErrLetters, func(c *content) { c.country = 63 })
	wrong("vendor 0", ErrRange, func(c *content) { c.vendorConsent = in(0, 0) })
	wrong("vendors from 0", ErrRange, func(c *content) { c.vendorInterest = in(0, 9) })
	wrong("vendors backwards", ErrRange, func(c *content) { c.vendorConsent = in(9, 8) })
	wrong("last of many backwards", ErrRange, func(c *content) { c.disclosed = in(1, 2, 4, 4, 9, 8) })
	wrong("restricted backwards", ErrRange, func(c *content) {
		c.restrictions = []testRestriction{{1, 0, []span{newSpan(9, 8)}}}
	})
	wrong("allowed backwards", ErrRange, func(c *content) {
		c.segments, c.allowed = append(c.segments, segmentAllowed), in(9, 8)
	})
	wrong("unordered, overlapping", nil, func(c *content) { c.vendorConsent = in(9, 20, 3, 3, 5, 12) })
	wrong("no entries", nil, func(c *content) { c.vendorConsent = section{max: 9, ranges: []span{}} })
	wrong("bits", nil, func(c *content) { c.vendorConsent = of(1, 65535) })
	wrong("restriction of no vendors, no purpose, no type", nil, func(c *content) {
		c.restrictions = []testRestriction{{0, 3, nil}, {63, 3, nil}}
	})
}

func TestVendorSets(t *testing.T) {
	one := func(name string, s section, put func(*content, section), has func(*Consent, uint16) bool, in, out []uint16) {
		t.Helper()
		var c Consent
		if err := Decode(&c, valid().with(func(c *content) { put(c, s) }).String()); err != nil {
			t.Fatal(err)
		}
		for _, id := range in {
			if !has(&c, id) {
				t.Errorf("%s %v: %d is not in it", name, s, id)
			}
		}
		for _, id := range out {
			if has(&c, id) {
				t.Errorf("%s %v: %d is in it", name, s, id)
			}
		}
	}
	check := func(s section, in, out []uint16) {
		t.Helper()
		one("consent", s, func(c *content, s section) { c.vendorConsent = s }, (*Consent).VendorConsent, in, out)
		one("interest", s, func(c *content, s section) { c.vendorInterest = s }, (*Consent).VendorLegitimateInterest, in, out)
		one("disclosed", s, func(c *content, s section) { c.disclosed = s }, (*Consent).Disclosed, in, out)
	}
	check(of(), nil, []uint16{0, 1, 65535})
	check(of(1), []uint16{1}, []uint16{0, 2, 65535})
	check(of(2, 7, 12, 63, 64, 65), []uint16{2, 7, 12, 63, 64, 65}, []uint16{0, 1, 3, 6, 8, 13, 62, 66, 65535})
	check(of(1, 65535), []uint16{1, 65535}, []uint16{0, 2, 65534})
	check(in(), nil, []uint16{0, 1, 65535})
	check(in(4, 6), []uint16{4, 5, 6}, []uint16{0, 3, 7})
	check(in(1, 1, 3, 5, 7, 7, 9, 20), []uint16{1, 3, 4, 5, 7, 9, 20}, []uint16{0, 2, 6, 8, 21})
	check(in(9, 20, 3, 3, 5, 12), []uint16{3, 5, 9, 12, 20}, []uint16{0, 4, 21})   // neither ordered
	check(in(5, 12, 9, 20, 3, 3), []uint16{3, 5, 9, 12, 20}, []uint16{0, 4, 21})   // nor apart
	check(in(1, 1, 1, 1, 65535, 65535), []uint16{1, 65535}, []uint16{0, 2, 65534}) // nor once
	check(in(1, 65535), []uint16{1, 2, 755, 65535}, []uint16{0})
	high := in(3, 5, 9, 20)
	high.max = 10
	check(high, []uint16{3, 9, 10}, []uint16{11, 20}) // above the highest
}

func TestRestrictionsSeveral(t *testing.T) {
	var c Consent
	s := valid().with(func(c *content) {
		c.restrictions = []testRestriction{{2, 1, []span{newSpan(5, 9), newSpan(20, 20)}}, {2, 0, []span{newSpan(9, 9)}}, {63, 0, []span{newSpan(1, 65535)}}, {7, 2, nil}}
	}).String()
	if err := Decode(&c, s); err != nil {
		t.Fatal(err)
	}
	check := func(id uint16, p Purpose, want uint8) {
		t.Helper()
		if got := c.demands(id, p); got != want {
			t.Errorf("vendor %d, purpose %d: %b, want %b", id, p, got, want)
		}
	}
	check(5, 2, 0b10)
	check(9, 2, 0b11)
	check(20, 2, 0b10)
	check(10, 2, 0)
	check(5, 1, 0)
	check(5, 7, 0)
}

func TestFields(t *testing.T) {
	var c Consent
	s := valid().with(func(c *content) {
		c.created, c.updated = 16148343678, 16383167999
		c.specialFeatures = 0b010000000001
		c.oneTreatment = 1
		c.segments = []segmentType{segmentPublisher, segmentAllowed}
		c.publisher = testPublisher{consent: 0xc00000, interest: 0x7fe000, custom: 63, bits: make([]uint64, 126)}
		c.publisher.bits[62], c.publisher.bits[63] = 1, 1
		c.allowed = of(3)
	}).String()
	if err := Decode(&c, s); err != nil {
		t.Fatal(err)
	}
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("created", c.Created(), time.Date(2021, 3, 4, 5, 6, 7, 8e8, time.UTC))
	check("updated", c.LastUpdated(), time.Date(2021, 11, 30, 23, 59, 59, 9e8, time.UTC))
	check("CMP", c.CMP(), uint16(300))
	check("vendor list", c.VendorListVersion(), uint16(121))
	check("policy", c.PolicyVersion(), uint8(5))
	check("country", c.PublisherCC(), "DE")
	check("one treatment", c.PurposeOneTreatment(), true)
	check("disclosed", c.DisclosesVendors(), false)
	for n := range uint8(15) {
		check("special feature", c.SpecialFeature(n), n == 2 || n == 12)
	}
	for p := range MaxPurpose + 2 {
		check("consent", c.PurposeConsent(p), p >= 2 && p <= 11) // not 1: it was not asked
		check("interest", c.PurposeLegitimateInterest(p), p == 2 || p >= 7 && p <= 11)
		check("publisher's consent", c.PublisherConsent(p), p == 2)
		check("publisher's interest", c.PublisherLegitimateInterest(p), p == 2 || p >= 7 && p <= 11)
	}
	d := c.Describe()
	check("purposes as they came", d.PurposeConsents[0], 1)
	check("custom", d.PublisherTC.CustomPurposesConsent, []int{63})
	check("custom interest", d.PublisherTC.CustomPurposesTransparency, []int{1})
	check("allowed", d.AllowedVendors.Ranges, [][2]uint16{{3, 3}})
}

// Ids above the highest do not count, and are not told.
func TestDescribeAboveHighest(t *testing.T) {
	check := func(highest uint16, s section, want ...[2]uint16) {
		t.Helper()
		s.max = highest
		var c Consent
		if err := Decode(&c, valid().with(func(c *content) { c.vendorConsent = s }).String()); err != nil {
			t.Fatal(err)
		}
		if got := c.Describe().VendorConsents.Ranges; !reflect.DeepEqual(got, append([][2]uint16{}, want...)) {
			t.Errorf("up to %d: %v, want %v", highest, got, want)
		}
	}
	check(10, in(3, 5, 9, 20), [2]uint16{3, 5}, [2]uint16{9, 10})
	check(10, in(3, 5, 11, 20), [2]uint16{3, 5})
	check(10, in(3, 10, 11, 20), [2]uint16{3, 10})
	check(2, in(3, 5))
	check(20, in(9, 20, 3, 3, 4, 12), [2]uint16{3, 20})
	check(20, in(9, 20, 3, 3, 5, 7), [2]uint16{3, 3}, [2]uint16{5, 7}, [2]uint16{9, 20})
}

func TestZeroConsent(t *testing.T) {
	var c Consent
	if err := c.Usable(today); err != ErrVersion || grantsAnything(&c) || c.VendorConsent(1) || c.Disclosed(1) ||
		c.PurposeConsent(1) || c.PublisherConsent(1) || c.SpecialFeature(1) || c.PurposeOneTreatment() {
		t.Errorf("the zero Consent says something; usable: %v", err)
	}
	if c.Created().Unix() != 0 || c.CMP() != 0 || c.PublisherCC() != "AA" || c.Describe().VendorConsents.Count != 0 {
		t.Error("the zero Consent says something")
	}
}

func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for e := range Error(numErrors) {
		if seen[e.Error()] {
			t.Errorf("%d: %q is said twice", e, e)
		}
		seen[e.Error()] = true
	}
	if got := Error(0).Error() + Error(200).Error(); got != "unknown TC string error 0unknown TC string error 200" {
		t.Errorf("unknown: %q", got)
	}
}

// A Consent is used again and again: nothing of the string before may stay.
func TestDecodeForgets(t *testing.T) {
	var used Consent
	file := vectors(t)
	for _, before := range file.Vectors {
		for _, v := range file.Vectors {
			var fresh Consent
			if Decode(&used, before.TCString) != nil || used.Usable(today) == nil && Decode(&used, v.TCString) != nil || Decode(&used, v.TCString) != nil || Decode(&fresh, v.TCString) != nil {
				t.Fatal(v.Name)
			}
			if !reflect.DeepEqual(used.Describe(), fresh.Describe()) || used.usable {
				t.Fatalf("%s after %s is another", v.Name, before.Name)
			}
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	var c Consent
	google := Vendor{ID: 755, Consent: Purposes(1, 3, 4), LegitimateInterest: Purposes(2, 7, 9, 10), Flexible: Purposes(2, 7, 9, 10)}
	strings := map[string]string{"ranges": rangesOf(300), "nonsense": "CQitFIAQitFIAEsACBENB5FgAP_g!"}
	for _, v := range vectors(t).Vectors {
		strings[v.Name] = v.TCString
	}
	for _, v := range vectors(t).Malformed {
		strings[v.Name] = v.TCString
	}
	for name, s := range strings {
		if n := testing.AllocsPerRun(10, func() {
			if Decode(&c, s) == nil && c.Usable(today) == nil {
				for p := range MaxPurpose {
					_ = c.Permits(&google, p) || c.PublisherConsent(p) || c.PurposeConsent(p)
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// rangesOf is a string that lists vendors in n ranges, thrice.
func rangesOf(n int) string {
	var ids []uint16
	for i := range uint16(n) {
		ids = append(ids, 5*i+1, 5*i+1+i%3)
	}
	return valid().with(func(c *content) {
		c.vendorConsent, c.vendorInterest, c.disclosed = in(ids...), in(ids...), in(ids...)
	}).String()
}
