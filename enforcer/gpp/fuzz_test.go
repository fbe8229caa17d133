package gpp

import (
	"encoding/json"
	"testing"
)

func FuzzDecode(f *testing.F) {
	v := vectors(f)
	for _, v := range append(append(v.Vectors, v.Malformed...), v.SpecificationExamples...) {
		f.Add(v.GPPString)
	}
	f.Add(encodeString(TCFCAv1, canadian(codedSet(1, 2, 3, 300), bitfieldSet("101"), "000000000001", restriction(2, 1, codedSet(7, 8)))))
	f.Add(encodeString(TCFCAv1, canadian(fixedSet(1, 2, 3, 300), bitfieldSet("101"), "000000000001", restriction(2, 1, fixedRanges(7, 8)))))
	f.Add(encodeString(TCFCAv1, canadian(bitfieldSet("1"), bitfieldSet("1"), none)+"."+encodeBits("001"+codedSet(1, 2, 3, 900))))
	f.Add(encodeHeader(2, 5, 6, 7, 8, 28, 60, 300) + "~x~x~x~x~x~x~x~x")
	f.Add(encodeString(USNat, "BAAoAAAApQBA.QA"))
	var used String
	f.Fuzz(func(t *testing.T, text string) {
		var g String
		err := Decode(&g, text)
		if again := Decode(&used, text); again != err {
			t.Fatalf("%q: %v, then %v", text, err, again)
		}
		if len(g.Sections()) != len(used.Sections()) || g.OptedOut(0) != used.OptedOut(0) || *g.Canada() != *used.Canada() {
			t.Fatalf("%q decodes in two ways", text)
		}
		if err != nil {
			if !g.OptedOut(0) || len(g.Sections()) != 0 {
				t.Fatalf("%q: %v, and yet it says something", text, err)
			}
			return
		}
		checkFaithful(t, text, &g)
		for purpose := range uint8(30) {
			g.Canada().HasExpressConsent(purpose, 300)
			g.Canada().HasImpliedConsent(purpose, 2)
		}
		if _, err := json.Marshal(g.Describe(describeTCF)); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func FuzzParseSectionIDs(f *testing.F) {
	for _, s := range []string{"", "0", "-1", "7", "2,6", "2_6", "7,", "300", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := ParseSectionIDs(s)
		if err != nil && (err != ErrSectionIDs || set != 0) {
			t.Fatalf("%q: %b, %v", s, set, err)
		}
		if set.Has(0) || set != NoneInForce && set&NoneInForce != 0 {
			t.Fatalf("%q: %b", s, set)
		}
	})
}
