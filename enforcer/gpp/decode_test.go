package gpp

import (
	"reflect"
	"strings"
	"testing"
)

func TestHeader(t *testing.T) {
	check := func(in string, want ...ID) {
		t.Helper()
		var got []ID
		for _, s := range decode(t, in).Sections() {
			got = append(got, s.ID)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
	check("DBAA")
	check("DBABM~x", TCFEUv2)               // padded to 6 bits
	check("DBABMA~x", TCFEUv2)              // padded to 8, then 6
	check("DBABMAAA~x", TCFEUv2)            // padded to 24
	check("DBACNY~x~y", TCFEUv2, USPv1)     // two items
	check("DBACNYA~x~y", TCFEUv2, USPv1)    //
	check("DBABjw~x~y", TCFCAv1, USPv1)     // a group
	check("DBACOPA~x~y~z", TCFEUv2, 7, 8)   // an item and a group
	check("DBABCG~BAAA")                    // 60, unknown
	check(encodeHeader(1, 3, 4) + "~x~x~x") // without a decoder
	check(encodeHeader(6, 28, 300)+"~x~y~z", USPv1)
	check(encodeHeader(2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28)+strings.Repeat("~x", 25),
		2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27)
}

func TestRefused(t *testing.T) {
	var g String
	check := func(in string, want Error) {
		t.Helper()
		if err := Decode(&g, in); err != want {
			t.Errorf("%.40q: got %v, want %v", in, err, want)
		}
		if len(g.Sections()) != 0 || !g.OptedOut(0) || !g.OptedOut(NoneInForce) {
			t.Errorf("%.40q is not refused", in)
		}
	}
	check("", ErrEmpty)
	check(strings.Repeat("D", MaxLength+1), ErrLength)
	check("C", ErrTCString)
	check("CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA.YAAA", ErrTCString)
	check("1YNN", ErrHeader)
	check("~", ErrHeader)
	check(" DBAA", ErrHeader)
	check("\xff", ErrHeader)
	check("D", ErrVersion)
	check("DAAA", ErrVersion)
	check("DCAA", ErrVersion)
	check("DB", ErrTruncated)
	check("DBA", ErrTruncated)
	check("DBAA=", ErrCharacter)
	check("DBAA.", ErrCharacter)
	check("DB\x00A", ErrCharacter)
	check("DBAB~x", ErrRange)
	check("DBABA~x", ErrRange)                                            // a code without an end
	check("DBABAAAA~x", ErrRange)                                         //
	check("DBABAAAAD~x", ErrRange)                                        // a code beyond its longest
	check(encodeBits("000011000001 000000000001 1 011")+"~x~x", ErrRange) // a group without an end
	check("DBAAAAAAA", ErrPadding)
	check("DBAB", ErrRange)
	check("DBAAB", ErrPadding)
	check("DBABMB~x", ErrPadding)
	check("DBAA~", ErrSectionCount)
	check("DBAA~x", ErrSectionCount)
	check("DBABM", ErrSectionCount)
	check("DBABM~x~", ErrSectionCount)
	check("DBABM~x~y", ErrSectionCount)
	check("DBACNY~x", ErrSectionCount)
	check("DBP_gAAA~x", ErrRange)
	check("DBABM~", ErrBlankSection)
	check("DBACNY~~y", ErrBlankSection)
	check("DBACNY~x~", ErrBlankSection)
	check("DBABCG~", ErrBlankSection) // also of an unknown id
	// A group of many ids costs no more than the sections that are there.
	check(encodeBits("000011000001 000000000001 1 11 1010101010101010101010 11")+"~x~x", ErrSectionCount)
}

// A String holds nothing of what it held before.
func TestDecodeAgain(t *testing.T) {
	f := vectors(t)
	var texts []string
	for _, v := range append(append(f.Vectors, f.Malformed...), f.SpecificationExamples...) {
		texts = append(texts, v.GPPString)
	}
	texts = append(texts, encodeString(TCFCAv1, canadian(codedSet(1, 2, 9), bitfieldSet("1"), none)), "DBAA")
	var again String
	for _, before := range texts {
		for _, text := range texts {
			var fresh String
			_ = Decode(&again, before)
			errAgain, errFresh := Decode(&again, text), Decode(&fresh, text)
			if errAgain != errFresh || !reflect.DeepEqual(again.Sections(), fresh.Sections()) ||
				*again.Canada() != *fresh.Canada() || again.OptedOut(0) != fresh.OptedOut(0) || again.known != fresh.known {
				t.Fatalf("%q after %q differs from %q alone", text, before, text)
			}
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	f := vectors(t)
	canadian := vector{GPPString: encodeString(TCFCAv1, canadian(codedSet(1, 2, 9), fixedSet(1), none))}
	for _, v := range append(append(f.Vectors, f.Malformed...), canadian) {
		if n := testing.AllocsPerRun(10, func() {
			var g String // on the stack
			_ = Decode(&g, v.GPPString)
			_ = g.OptedOut(0)
			_ = g.Section(USNat)
			_ = g.Canada().HasExpressConsent(3, 1)
		}); n != 0 {
			t.Errorf("%s: %v allocations", v.Name, n)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for e := Error(1); e < numErrors; e++ {
		if e.Error() == "" {
			t.Errorf("error %d has no text", e)
		}
	}
	if got := Error(0).Error(); got != "unknown(0)" {
		t.Errorf("got %q", got)
	}
}

func TestIDNames(t *testing.T) {
	check := func(id ID, want string) {
		t.Helper()
		if got := id.String(); got != want {
			t.Errorf("%d: got %q, want %q", id, got, want)
		}
	}
	check(TCFEUv2, "tcfeuv2")
	check(TCFCAv1, "tcfcav1")
	check(USPv1, "uspv1")
	check(USNat, "usnat")
	check(USRI, "usri")
	check(0, "section 0")
	check(4, "section 4")
	check(28, "section 28")
}
