package gpp

import (
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	everything := encodeHeader(2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27) + "~C~1YNN"
	for id := USNat; id <= maxID; id++ {
		s := Section{ID: id, Version: 1}
		if id == USNat {
			s.Version = 2
		}
		everything += "~" + encodeUS(&s, layouts[id].slots)
	}
	for _, c := range []struct{ name, text string }{
		{"usnat", "DBABLA~CVVqAAAAAACA.QA"},
		{"usca", "DBABBg~BVoAAACA.QA"},
		{"uspv1", "DBABTA~1YNN"},
		{"tcf+usp", "DBACNY~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN"},
		{"tcf+usnat+usca", "DBACOPA~CQitFIAQitFIAEsACBENB5FgAIAAAAAAAAYgAEMEAAAAAAAA.IAEMEAAA.YAAAAAAAAAAA~CVVaAAAAAACA.YA~BVYAAACA.YA"},
		{"everything", everything},
		{"canada", encodeString(TCFCAv1, canadian(codedSet(1, 2, 3, 300, 301, 755), bitfieldSet(strings.Repeat("10", 100)), none))},
		{"malformed", "DBABLA~CVVV"},
		{"tc string", "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"},
		{"16 KiB of one section", "DBABM~" + strings.Repeat("A", MaxLength-6)},
		{"16 KiB of sections", encodeBits("000011000001"+codedRanges(ascending(5000)...)) + strings.Repeat("~A", 5000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var g String
			b.ReportAllocs()
			for b.Loop() {
				_ = Decode(&g, c.text)
				_ = g.OptedOut(0)
			}
		})
	}
}

func BenchmarkParseSectionIDs(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ParseSectionIDs("2,7")
	}
}

// The longest Canadian section, and the question that takes longest.
func BenchmarkCanadianConsent(b *testing.B) {
	var worst strings.Builder
	count := 0
	for ; worst.Len() < 6*maxCanada-7000; count++ {
		worst.WriteString(restriction(3, requireExpress, codedSet(odd(1000)...)))
	}
	for _, c := range []struct{ name, text string }{
		{"usual", canadian(codedSet(1, 2, 3, 300, 301, 755), bitfieldSet("1"), none)},
		{"worst", canadian(bitfieldSet(strings.Repeat("1", 999)), bitfieldSet("1"), binary12(count), worst.String())},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := decode(b, encodeString(TCFCAv1, c.text))
			if g.Section(TCFCAv1).Malformed != 0 {
				b.Fatal(g.Section(TCFCAv1).Malformed)
			}
			b.ReportAllocs()
			for b.Loop() {
				g.Canada().HasExpressConsent(3, 999)
			}
		})
	}
}

func ascending(n int) (ids []int) {
	for i := range n {
		ids = append(ids, i+1)
	}
	return ids
}

func odd(n int) (ids []int) {
	for i := range n {
		ids = append(ids, 2*i+1)
	}
	return ids
}

func binary12(n int) string {
	b := make([]byte, 12)
	for i := range b {
		b[i] = '0' + byte(n>>(11-i)&1)
	}
	return string(b)
}
