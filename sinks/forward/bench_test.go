package forward_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekisho/sinks/forward"
	"sekisho/sinks/standin"
)

// BenchmarkForward forwards events from Kafka to a stand-in in the same process:
// `go test ./sinks/forward -run none -bench Forward -benchtime 20000x`. The events
// are of 500 visitors; a request to Google is of one visitor each.
func BenchmarkForward(b *testing.B) {
	for _, recipient := range []string{"google", "meta", "partner"} {
		b.Run(recipient, func(b *testing.B) {
			w := newWorld(b)
			for sent := 0; sent < b.N; sent += 500 {
				w.buys(b, min(500, b.N-sent))
			}
			v := vendorOf(b, recipient, standin.Options{Listen: "127.0.0.1:0"})
			b.ReportAllocs()
			b.ResetTimer()
			f := w.start(b, recipient, v.kind)
			for f.events("sent") < float64(b.N) {
				time.Sleep(time.Millisecond)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(v.Received().Requests)/float64(b.N), "requests/event")
			b.ReportMetric(resident(b), "MB-resident")
			f.stop()
		})
	}
}

// BenchmarkProject is what the making of a request's part costs, without the
// request.
func BenchmarkProject(b *testing.B) {
	w := newWorld(b)
	record := w.record(b, time.Now(), buy(1)).AppendJSON(nil)
	for _, recipient := range []string{"google", "meta", "partner"} {
		b.Run(recipient, func(b *testing.B) {
			kind := kindOf(b, recipient, "http://127.0.0.1:1")
			e, err := forward.EventOf(recipient, w.keys.Recipient(recipient), w.table.Load(), nil, record)
			if err != nil || e == nil {
				b.Fatal(e, err)
			}
			var buffer []byte
			b.ReportAllocs()
			for b.Loop() {
				if buffer, _, err = kind.Project(buffer[:0], e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// resident returns the memory that the process has from the machine, in MB.
func resident(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0 // not on this system
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1000
}
