// Package tcf compares the decoder of TC strings with the fastest one known
// for Go, github.com/prebid/go-gdpr.
package tcf

import (
	"encoding/base64"
	"encoding/json"
	"os"
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
// garbage collector decides.
func Benchmark(b *testing.B) {
	for name, s := range samples(b) {
		b.Run(name, func(b *testing.B) {
			var ours, theirs time.Duration
			for b.Loop() {
				ours += turn(b, s, sekisho)
				theirs += turn(b, s, goGDPR)
			}
			n := float64(b.N * decodings)
			b.ReportMetric(0, "ns/op") // of both together
			b.ReportMetric(float64(ours.Nanoseconds())/n, "sekisho-ns")
			b.ReportMetric(float64(theirs.Nanoseconds())/n, "go-gdpr-ns")
			b.ReportMetric(float64(theirs)/float64(ours), "times-as-fast")
		})
	}
}

const (
	decodings = 5000 // in a turn
	vendor    = 755
)

func turn(b *testing.B, s string, decode func(*testing.B, string)) time.Duration {
	start := processorTime(b)
	for range decodings {
		decode(b, s)
	}
	return processorTime(b) - start
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
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
