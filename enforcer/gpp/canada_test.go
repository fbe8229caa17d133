package gpp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// canadian writes a Canadian core: its fixed fields, then what is given.
func canadian(vendors ...string) string {
	created := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Unix() * 10
	return encodeBits(fmt.Sprintf("%06b%036b%036b%012b%012b%06b", 1, created, created+864000, 31, 640, 1) +
		"000101 010001" + // FR
		fmt.Sprintf("%012b%06b", 126, 2) + "1" +
		"100000000000" + // special feature 1
		"011000000000000000000000" + // express: 2, 3
		"001100000001000000000000" + // implied: 3, 4, 12
		strings.Join(vendors, ""))
}

// bitfieldSet writes a set of vendors as bits.
func bitfieldSet(bits string) string { return fmt.Sprintf("%016b0%s", len(bits), bits) }

func codedSet(ids ...int) string {
	return fmt.Sprintf("%016b1%s", ids[len(ids)-1], codedRanges(ids...))
}

func fixedSet(ids ...int) string {
	return fmt.Sprintf("%016b1%s", ids[len(ids)-1], fixedRanges(ids...))
}

func restriction(purpose, kind int, ids string) string {
	return fmt.Sprintf("%06b%02b%s", purpose, kind, ids)
}

const none = "000000000000" // no restrictions

func canada(t testing.TB, text string) *Canada {
	t.Helper()
	g := decode(t, encodeString(TCFCAv1, text))
	if s := g.Section(TCFCAv1); s.Malformed != 0 || s.OptedOut() || s.Version != 1 {
		t.Fatalf("%q: %+v", text, s)
	}
	return g.Canada()
}

func TestCanada(t *testing.T) {
	c := canada(t, canadian(bitfieldSet("0101"), bitfieldSet(""), none))
	want := Canada{
		Created: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), LastUpdated: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		CMPID: 31, CMPVersion: 640, ConsentScreen: 1, ConsentLanguage: [2]byte{'F', 'R'}, VendorListVersion: 126, PolicyVersion: 2,
		UseNonStandardStacks: true, SpecialFeaturesExpressConsent: 1, PurposesExpressConsent: 1<<1 | 1<<2, PurposesImpliedConsent: 1<<2 | 1<<3 | 1<<11,
		VendorExpressConsent: c.VendorExpressConsent, VendorImpliedConsent: c.VendorImpliedConsent, restrictions: c.restrictions,
	}
	if *c != want {
		t.Errorf("got %+v\nwant %+v", *c, want)
	}
}

func TestCanadianSubsections(t *testing.T) {
	core := canadian(bitfieldSet("1"), bitfieldSet(""), none)
	publisher := encodeBits("011" + "100000000000000000000001" + "010000000000000000000000" + "000011" + "101" + "010")
	disclosed := encodeBits("001" + codedSet(1, 2, 3, 900))
	for _, text := range []string{core + "." + publisher + "." + disclosed, core + "." + disclosed + "." + publisher} {
		c := canada(t, text)
		if c.PublisherExpressConsent != 1|1<<23 || c.PublisherImpliedConsent != 2 ||
			c.NumCustomPurposes != 3 || c.CustomExpressConsent != 5 || c.CustomImpliedConsent != 2 {
			t.Errorf("%q: %+v", text, c)
		}
		if !c.DisclosedVendors.Has(3) || c.DisclosedVendors.Has(4) || !c.DisclosedVendors.Has(900) {
			t.Errorf("%q: %+v", text, c.DisclosedVendors)
		}
	}
	all := canada(t, core+"."+encodeBits("011"+strings.Repeat("0", 48)+"111111"+strings.Repeat("1", 126)))
	if all.NumCustomPurposes != 63 || all.CustomExpressConsent != 1<<63-1 || all.CustomImpliedConsent != 1<<63-1 {
		t.Errorf("%+v", all)
	}
}

// Sets of vendors in each of their forms.
func TestVendorSets(t *testing.T) {
	check := func(set string, want ...int) {
		t.Helper()
		c := canada(t, canadian(set, bitfieldSet(""), none))
		in := map[int]bool{}
		for _, id := range want {
			in[id] = true
		}
		for id := range 1 << 16 {
			if got := c.VendorExpressConsent.Has(uint16(id)); got != in[id] {
				t.Fatalf("%.60s: has %d: %v", set, id, got)
			}
		}
	}
	many := []int{1, 2, 3, 5, 8, 9, 300, 301, 302, 65534, 65535}
	check(bitfieldSet(""))
	check(bitfieldSet("0"))
	check(bitfieldSet("1"), 1)
	check(bitfieldSet("0110010"), 2, 3, 6)
	check(bitfieldSet(strings.Repeat("0", 999)+"1"), 1000)
	check(codedSet(many...), many...)
	check(fixedSet(many...), many...)
	check(codedSet(755), 755)
	check(fixedSet(755), 755)
}

func TestCanadianConsent(t *testing.T) {
	check := func(text string, purpose uint8, vendor uint16, express, implied bool) {
		t.Helper()
		c := canada(t, text)
		if e, i := c.HasExpressConsent(purpose, vendor), c.HasImpliedConsent(purpose, vendor); e != express || i != implied {
			t.Errorf("purpose %d, vendor %d: express %v, implied %v", purpose, vendor, e, i)
		}
	}
	free := canadian(bitfieldSet("011"), bitfieldSet("001"), none)
	check(free, 2, 2, true, false)
	check(free, 3, 3, true, true)
	check(free, 4, 3, false, true)
	check(free, 12, 3, false, true)
	check(free, 3, 1, false, false)
	check(free, 1, 3, false, false)
	check(free, 0, 3, false, false)
	check(free, 25, 3, false, false)
	check(free, 3, 0, false, false)
	for _, form := range []func(ids ...int) string{codedSet, fixedRanges} {
		restricted := func(list ...string) string {
			return canadian(bitfieldSet("011"), bitfieldSet("011"), fmt.Sprintf("%012b", len(list)), strings.Join(list, ""))
		}
		one := func(kind int) string { return restricted(restriction(3, kind, form(1, 2, 40))) }
		check(one(notAllowed), 3, 2, false, false)
		check(one(requireExpress), 3, 2, true, false)
		check(one(requireImplied), 3, 2, false, true)
		check(one(3), 3, 2, false, false)
		check(one(notAllowed), 3, 3, true, true)  // another vendor
		check(one(notAllowed), 2, 2, true, false) // another purpose
		two := restricted(restriction(3, requireExpress, form(2)), restriction(3, notAllowed, form(3)))
		check(two, 3, 2, true, false)
		check(two, 3, 3, false, false)
		check(restricted(restriction(3, requireExpress, form(2)), restriction(3, requireImplied, form(2))), 3, 2, false, false)
	}
}

func TestCanadaMalformed(t *testing.T) {
	check := func(text string, want Error) {
		t.Helper()
		g := decode(t, encodeString(TCFCAv1, text))
		if s := g.Section(TCFCAv1); s.Malformed != want || !s.OptedOut() || *g.Canada() != (Canada{}) {
			t.Errorf("%.80q: got %v, want %v, and %+v", text, s.Malformed, want, *g.Canada())
		}
	}
	good := canadian(bitfieldSet("1"), bitfieldSet("1"), none)
	check("C"+good[1:], ErrSectionVersion)
	check("B", ErrTruncated)
	check(good[:30], ErrTruncated)
	check(good+"AAAA", ErrPadding)
	check(good+"B", ErrPadding)
	check(good+"!", ErrCharacter)
	check(good+".", ErrSubsection)
	check(good+"."+good, ErrSubsection)
	check(good+".QAAA", ErrSubsection) // allowed vendors are Europe's
	check(good+".I", ErrTruncated)
	check(good+".Y", ErrTruncated)
	disclosed := "." + encodeBits("001"+bitfieldSet("1"))
	check(good+disclosed+disclosed, ErrSubsection)
	check(good+disclosed+"AAAA", ErrPadding)
	check(canadian(bitfieldSet("1"), bitfieldSet("1"), none, strings.Repeat("0", 6*maxCanada)), ErrLength)
	check(canadian(bitfieldSet("1"), "1111111111111111 0", none), ErrTruncated)
	set := func(s string) string { return canadian(s, bitfieldSet(""), none) }
	check(set(fmt.Sprintf("%016b1%s", 10, codedRanges(1, 2, 9))), ErrRange) // the largest id is another
	check(set(fmt.Sprintf("%016b1%s", 10, fixedRanges(1, 2, 9))), ErrRange) //
	check(set(fmt.Sprintf("%016b1%s", 10, fixedRanges(20, 10))), ErrRange)  // ids descend
	check(set(fmt.Sprintf("%016b1%s", 10, fixedRanges(0, 10))), ErrRange)   // no id is 0
	check(set(fmt.Sprintf("%016b1%012b1%016b%016b", 2, 1, 9, 2)), ErrRange) // a group descends
	check(set(fmt.Sprintf("%016b1%s", 70000&0xffff, codedRanges(70000))), ErrRange)
	check(set(fmt.Sprintf("%016b1%012b", 0, 4095)), ErrRange)
	// Ranges behind the flag alone, as the specification has them, and no encoder.
	check(set("1"+codedRanges(3, 4, 5, 200)), ErrRange)
}

// Restrictions that only make sense in one of the two codings, but nearly so
// in the other. The first three were written by version 3.2.0 of the IAB's own
// library, the next two as it did before.
func TestCanadianRestrictions(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		got, err := json.Marshal(canada(t, text).restrictions.describe())
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	check("BQZ8xwAP8Lv4Aiw42CJAg5yMmU7zel-H-gAAAAcDABRwAAA", `[{"key":17,"type":3,"ids":{"count":0,"ranges":[]}}]`)
	check("BQN5iYAQT7KEAsAzFnEN-1m5TbuwmWeuQgAIcABnYAJGAAA", `[{"key":8,"type":3,"ids":{"count":0,"ranges":[]}}]`)
	check("BP7NIEAQEUgAAUr85aJADB26rYv-oUQAYgAAAAAACZgAAA", `[{"key":12,"type":3,"ids":{"count":0,"ranges":[]}}]`)
	check("BQFjmgAQDPSUAT9AKqENMt8VtEqAuv6vWgAK-AAZgAoYAsBbAFtgS8BL4DMYHGAchA84D0Q",
		`[{"key":16,"type":3,"ids":{"count":14,"ranges":[[364,365],[606,607],[817,817],[908,912],[974,977]]}}]`)
	check(canadian(bitfieldSet("01"), bitfieldSet("1"), "000000000001", restriction(2, 0, fixedRanges(2, 36))),
		`[{"key":2,"type":0,"ids":{"count":2,"ranges":[[2,2],[36,36]]}}]`)
	check(canadian(bitfieldSet("01"), bitfieldSet("1")), `[]`) // no list at all
}

// A restriction of Fibonacci codes, for vendors 22 to 25, that would also make
// sense as one of 16-bit ids, for vendors 12289 to 49560. Nobody can tell.
func TestCanadaAmbiguous(t *testing.T) {
	text := canadian(bitfieldSet("01111"), bitfieldSet("001111"), "000000000001", restriction(1, 1, codedSet(22, 23, 24, 25))) + "A"
	g := decode(t, encodeString(TCFCAv1, text))
	if s := g.Section(TCFCAv1); s.Malformed != ErrAmbiguous || g.Canada().HasExpressConsent(2, 2) {
		t.Errorf("%+v", s)
	}
}

func TestOneOf(t *testing.T) {
	check := func(errFirst, errSecond Error, wantFirst bool, want Error) {
		t.Helper()
		if first, err := oneOf(errFirst, errSecond); first != wantFirst || err != want {
			t.Errorf("%v, %v: got %v, %v", errFirst, errSecond, first, err)
		}
	}
	check(0, ErrRange, true, 0)
	check(ErrRange, 0, false, 0)
	check(0, 0, false, ErrAmbiguous)
	check(ErrRange, ErrPadding, false, ErrRange)
}

func TestDescribeCanada(t *testing.T) {
	text := canadian(codedSet(1, 2, 3, 300), bitfieldSet("101"), "000000000001", restriction(2, 1, codedSet(7, 8))) +
		"." + encodeBits("011"+strings.Repeat("0", 48)+"000001"+"1"+"0")
	got, err := json.Marshal(decode(t, encodeString(TCFCAv1, text)).Describe(nil))
	if err != nil {
		t.Fatal(err)
	}
	bools := func(n int, set ...int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = "false"
		}
		for _, i := range set {
			list[i-1] = "true"
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	want := `{"sectionIds":[5],"sections":{"tcfcav1":{"Version":1,"Created":"2026-03-01T00:00:00.000Z","LastUpdated":"2026-03-02T00:00:00.000Z",` +
		`"CmpId":31,"CmpVersion":640,"ConsentScreen":1,"ConsentLanguage":"FR","VendorListVersion":126,"TcfPolicyVersion":2,"UseNonStandardStacks":true,` +
		`"SpecialFeatureExpressConsent":` + bools(12, 1) + `,"PurposesExpressConsent":` + bools(24, 2, 3) + `,"PurposesImpliedConsent":` + bools(24, 3, 4, 12) +
		`,"VendorExpressConsent":{"count":4,"ranges":[[1,3],[300,300]]},"VendorImpliedConsent":{"count":2,"ranges":[[1,1],[3,3]]},` +
		`"PubRestrictions":[{"key":2,"type":1,"ids":{"count":2,"ranges":[[7,8]]}}],` +
		`"PubPurposesSegmentType":3,"PubPurposesExpressConsent":` + bools(24) + `,"PubPurposesImpliedConsent":` + bools(24) +
		`,"NumCustomPurposes":1,"CustomPurposesExpressConsent":[true],"CustomPurposesImpliedConsent":[false],` +
		`"DisclosedVendorsSegmentType":1,"DisclosedVendors":{"count":0,"ranges":[]}}}}`
	if !reflect.DeepEqual(plain(t, got), plain(t, []byte(want))) || string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
