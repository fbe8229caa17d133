// Package tcf compares the decoder of TC strings with the fastest one known for
// Go, github.com/prebid/go-gdpr.
//
// Both are asked the same: decode a string, then answer for one vendor and one
// purpose on each legal basis. They do not do the same for it. go-gdpr reads the
// core segment only, as far as it needs it; ours reads all segments, and refuses
// what has bits that mean nothing, or letters that are none. So each string that
// has more segments is measured twice: as it comes, and as its core alone, which
// is where both know the same afterwards.
//
// On one machine the core alone was decoded 13 to 23 times as fast where vendors
// are bits, 10 to 11 times where they are ranges, 13 times with restrictions, and
// 10 to 13 times where there is next to nothing in it. The two smallest strings
// with all their segments, which go-gdpr passes over, were decoded 7 to 9 times as
// fast: there some 50 ns are spent evenly on base64, on the fields and on the
// second segment, and none is left out.
//
// The others, github.com/LiveRamp/iabconsent and github.com/SirDataFR/iabtcfv2,
// read single bits, and put each vendor into a map or a slice of its own; they
// are not as fast as go-gdpr by what they do.
package tcf

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prebid/go-gdpr/vendorconsent"
	tcf2 "github.com/prebid/go-gdpr/vendorconsent/tcf2"

	"sekisho/enforcer/tcf"
)

// samples are by what they are like; most come from the IAB's own library.
func samples(b *testing.B) map[string]string {
	b.Helper()
	data, err := os.ReadFile("../../enforcer/tcf/testdata/tc.json")
	if err != nil {
		b.Fatal(err)
	}
	var file struct {
		Vectors []struct{ Name, TCString string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		b.Fatal(err)
	}
	byName := map[string]string{}
	for _, v := range file.Vectors {
		byName[v.Name] = v.TCString
	}
	return map[string]string{
		"one_vendor":       byName["google_nonpersonalised_ads"],
		"nothing_granted":  byName["reject_all_v23"],
		"900_vendors":      byName["accept_all_v23"],
		"restrictions":     byName["restriction_mixed_types"],
		"real_list_all":    byName["real_gvl_accept_all"],
		"real_list_half":   byName["real_gvl_half"],
		"ranges_50":        ranges(50),
		"ranges_300":       ranges(300),
		"1500_vendor_bits": bits(1500),
	}
}

// Decoding and the questions for one vendor, a purpose on each basis.
//
// Both decoders take turns, and what counts is the processor time of the whole
// process, so that neither a busy machine nor work that is put off to the
// garbage collector decides. What a turn leaves to collect is collected before
// the other's begins.
func Benchmark(b *testing.B) {
	for name, s := range samples(b) {
		b.Run(name, func(b *testing.B) { compare(b, s) })
		if core, _, more := strings.Cut(s, "."); more {
			b.Run(name+"/core", func(b *testing.B) { compare(b, core) })
		}
	}
}

func compare(b *testing.B, s string) {
	var ours, theirs cost
	for b.Loop() {
		ours.add(turn(b, s, sekisho))
		theirs.add(turn(b, s, goGDPR))
	}
	n := float64(b.N * decodings)
	b.ReportMetric(0, "ns/op") // of both together
	b.ReportMetric(float64(ours.time)/n, "sekisho-ns")
	b.ReportMetric(float64(theirs.time)/n, "go-gdpr-ns")
	b.ReportMetric(float64(ours.allocations)/n, "sekisho-allocs")
	b.ReportMetric(float64(theirs.allocations)/n, "go-gdpr-allocs")
	b.ReportMetric(float64(theirs.time)/float64(ours.time), "times-as-fast")
}

const (
	decodings = 50000 // in a turn: enough that what is allocated is collected in it, many times
	vendor    = 755
)

// cost is what decoding took.
type cost struct {
	time        time.Duration
	allocations uint64
}

func (c *cost) add(d cost) { c.time, c.allocations = c.time+d.time, c.allocations+d.allocations }

func turn(b *testing.B, s string, decode func(*testing.B, string)) cost {
	runtime.GC()
	start := spent(b)
	for range decodings {
		decode(b, s)
	}
	end := spent(b)
	return cost{end.time - start.time, end.allocations - start.allocations}
}

func spent(b *testing.B) cost {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return cost{time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), memory.Mallocs}
}

var consent tcf.Consent

func sekisho(b *testing.B, s string) {
	if err := tcf.Decode(&consent, s); err != nil {
		b.Fatal(err)
	}
	_ = consent.PurposeConsent(1) && consent.VendorConsent(vendor)
	_ = consent.PurposeLegitimateInterest(7) && consent.VendorLegitimateInterest(vendor)
}

func goGDPR(b *testing.B, s string) {
	parsed, err := vendorconsent.ParseString(s)
	if err != nil {
		b.Fatal(err)
	}
	c := parsed.(tcf2.ConsentMetadata)
	_ = c.PurposeAllowed(1) && c.VendorConsent(vendor)
	_ = c.PurposeLITransparency(7) && c.VendorLegitInterest(vendor)
}

// core writes a string without other segments, with the same vendors for
// consent and legitimate interest.
func core(vendors func(put func(v uint64, width int))) string {
	var out []byte
	n := 0
	put := func(v uint64, width int) {
		for i := width - 1; i >= 0; i-- {
			if n%8 == 0 {
				out = append(out, 0)
			}
			out[n/8] |= byte(v>>i&1) << (7 - n%8)
			n++
		}
	}
	for _, f := range []struct {
		v     uint64
		width int
	}{
		{2, 6}, {17699040000, 36}, {17699040000, 36}, {300, 12}, {2, 12}, {1, 6}, {4<<6 | 13, 12}, {121, 12}, {5, 6},
		{1, 1}, {0, 1}, {0, 12}, {0xffe000, 24}, {0x43e000, 24}, {0, 1}, {3<<6 | 4, 12},
	} {
		put(f.v, f.width)
	}
	vendors(put)
	vendors(put)
	put(0, 12)
	return base64.RawURLEncoding.EncodeToString(out)
}

func ranges(count int) string {
	return core(func(put func(uint64, int)) {
		put(uint64(5*count), 16)
		put(1, 1)
		put(uint64(count), 12)
		for i := range uint64(count) {
			if i%3 == 0 {
				put(1<<16|(5*i+1), 17)
				put(5*i+3, 16)
			} else {
				put(5*i+1, 17)
			}
		}
	})
}

func bits(highest int) string {
	return core(func(put func(uint64, int)) {
		put(uint64(highest), 16)
		put(0, 1)
		for i := range highest {
			put(uint64(i%7&1), 1)
		}
	})
}
