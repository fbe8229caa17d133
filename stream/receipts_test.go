package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

func receiptOf(pseudonym string, day int, purposes ...schemas.Purpose) schemas.Receipt {
	return schemas.Receipt{
		Field: schemas.VisitorID, Pseudonym: pseudonym, At: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC),
		Site: "shop", Policy: "2026-10-01", Purposes: schemas.PurposesOf(purposes...), Signals: []string{"event's consent"},
	}
}

// TestReceipts: who asks for a pseudonym finds what was agreed to under it, of
// each choice the last, and nothing of what was taken out.
func TestReceipts(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	r := NewReceipts(cluster)
	add := func(receipts ...schemas.Receipt) {
		t.Helper()
		if err := r.Append(t.Context(), receipts); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what, want string, pseudonyms ...string) {
		t.Helper()
		found, err := NewReceipts(cluster).Find(t.Context(), pseudonyms...)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range found {
			got += fmt.Sprintf("%s:%d:%v ", f.Pseudonym, f.At.Day(), f.Purposes.Names())
		}
		if got != want {
			t.Errorf("%s: found %s, want %s", what, got, want)
		}
	}
	check("an empty topic", "", "k1.a")
	// What the broker's compaction is told by: a message at the beginning that it
	// may forget.
	first := 0
	for at := (kafka.Murmur2Balancer{Consistent: true}); at.Balance(kafka.Message{Key: fmt.Appendf(nil, "k1.first%d", first)}, 0, 1) != 0; first++ {
	}
	for range 2 {
		add(receiptOf(fmt.Sprintf("k1.first%d", first), 1, schemas.Social))
	}
	for i := range 40 { // spread over the partitions
		add(receiptOf(fmt.Sprintf("k1.%02d", i), 1, schemas.Analytics), receiptOf("k1.a", 2, schemas.Analytics))
	}
	add(receiptOf("k1.a", 4, schemas.Analytics), receiptOf("k1.a", 3, schemas.Social), receiptOf("k1.b", 5, schemas.Social))
	check("one", "k1.a:3:[social] k1.a:4:[analytics] ", "k1.a")
	check("two", "k1.a:3:[social] k1.a:4:[analytics] k1.b:5:[social] ", "k1.b", "k1.a")
	check("none", "", "k1.none")

	withdraw := func(want int, pseudonyms ...string) {
		t.Helper()
		set := map[string]struct{}{}
		for _, p := range pseudonyms {
			set[p] = struct{}{}
		}
		if n, err := r.Withdraw(t.Context(), set); err != nil || n != want {
			t.Errorf("%d are taken out, want %d: %v", n, want, err)
		}
	}
	withdraw(3, "k1.a", "k1.07", "k1.none")
	check("taken out", "k1.08:1:[analytics] ", "k1.a", "k1.07", "k1.08")
	withdraw(0, "k1.a", "k1.07")
	add(receiptOf("k1.a", 6, schemas.Social))
	check("given again", "k1.a:6:[social] ", "k1.a")
	if err := b.Compact(cluster.config.Topics.Consents); err != nil {
		t.Fatal(err)
	}
	check("compacted", "k1.08:1:[analytics] k1.a:6:[social] ", "k1.a", "k1.07", "k1.08")
}

// TestWithdrawReceipts: the receipts of a reset identifier are taken back, under
// every key, once no collector can write another one.
func TestWithdrawReceipts(t *testing.T) {
	t.Parallel()
	r := NewReceipts(open(t, testConfig(startBroker(t))))
	var w *withdrawals
	for bound := 200 * time.Millisecond; ; bound *= 2 {
		w = &withdrawals{receipts: r, bound: bound, taken: metrics.NewSet().NewCounter("taken")}
		if err := r.Append(t.Context(), []schemas.Receipt{receiptOf("k1.a", 1, schemas.Social), receiptOf("k2.a", 2, schemas.Social), receiptOf("k2.b", 3, schemas.Social)}); err != nil {
			t.Fatal(err)
		}
		reset, optOut := resetOf(1), resetOf(2)
		reset.At = time.Now().Add(-time.Hour) // by a clock that is behind
		reset.Pseudonyms, optOut.Pseudonyms, optOut.Recipient = []string{"k2.a", "k1.a"}, []string{"k2.b"}, "google"
		message := func(r schemas.Reset) kafka.Message { return kafka.Message{Key: r.Key(), Value: r.AppendJSON(nil)} }

		handled, begun := make(chan error, 1), time.Now()
		go func() { handled <- w.handle(t.Context(), 0, []kafka.Message{message(reset), message(optOut)}) }()
		// A collector that lags writes one meanwhile.
		if err := r.Append(t.Context(), []schemas.Receipt{receiptOf("k2.a", 4, schemas.Analytics)}); err != nil {
			t.Fatal(err)
		}
		lagged := time.Since(begun)
		if err := <-handled; err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begun); waited < w.bound {
			t.Errorf("it waited for %v, want %v", waited, w.bound)
		}
		if lagged >= bound { // by more than a collector may
			continue
		}
		left, err := r.Find(t.Context(), "k1.a", "k2.a", "k2.b")
		if err != nil || len(left) != 1 || left[0].Pseudonym != "k2.b" || w.taken.Get() != 3 {
			t.Errorf("left are %+v, %d were taken, %v", left, w.taken.Get(), err)
		}
		break
	}
	if err := w.handle(t.Context(), 0, []kafka.Message{{Value: []byte("{}")}}); err == nil {
		t.Error("what is not understood is passed over")
	}
}
