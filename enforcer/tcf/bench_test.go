package tcf

import "testing"

func BenchmarkDecode(b *testing.B) {
	run := func(name, s string) {
		b.Run(name, func(b *testing.B) {
			var c Consent
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Decode(&c, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, name := range []string{
		"google_nonpersonalised_ads", "reject_all_v23", "accept_all_v23", "restriction_mixed_types", "real_gvl_accept_all", "bomb_65535_full_ranges",
	} {
		run(name, vector(b, name))
	}
	run("900_ranges", rangesOf(300))
	run("longest", longest())
}

// longest is the string that costs most to decode: as many restrictions and
// ranges as there is room for.
func longest() string {
	ids := make([]span, 4095)
	for i := range ids {
		ids[i] = newSpan(65535-uint16(i), 65535-uint16(i))
	}
	s := valid().with(func(c *content) {
		for range 2 {
			c.restrictions = append(c.restrictions, testRestriction{2, 1, ids})
		}
		c.vendorConsent = section{max: 65535, ranges: []span{newSpan(755, 755)}}
	})
	return s.String()
}

func BenchmarkPermits(b *testing.B) {
	google := Vendor{ID: 755, Consent: Purposes(1, 3, 4), LegitimateInterest: Purposes(2, 7, 9, 10), Flexible: Purposes(2, 7, 9, 10)}
	run := func(name, s string, p Purpose) {
		b.Run(name, func(b *testing.B) {
			var c Consent
			if err := Decode(&c, s); err != nil {
				b.Fatal(err)
			}
			if err := c.Usable(today); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Permits(&google, p)
			}
		})
	}
	run("bits", vector(b, "accept_all_v23"), 2)
	run("restrictions", vector(b, "restriction_mixed_types"), 2)
	run("ranges", rangesOf(300), 2)
	run("longest", longest(), 2)
}
