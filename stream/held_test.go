package stream

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// What held resets up takes the place of nothing that was reached, whenever it comes,
// and is no sign to a later reporter that they were told of.
func TestHeldUp(t *testing.T) {
	t.Parallel()
	cluster := open(t, testConfig(startBroker(t)))
	begun := time.Now()
	reporter := func() *Reporter {
		t.Helper()
		r, err := NewReporter(t.Context(), cluster, "store")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	span := func(from, to, end int64) (messages []kafka.Message, done []schemas.ProgressState) {
		for i := from; i < to; i++ {
			messages, done = append(messages, kafka.Message{Offset: i, HighWaterMark: end}), append(done, schemas.Done)
		}
		return messages, done
	}
	tell := func(r *Reporter, from, to, end int64) {
		t.Helper()
		messages, done := span(from, to, end)
		if err := r.Tell(t.Context(), messages, done); err != nil {
			t.Fatal(err)
		}
	}
	held := func(r *Reporter, from, to, end int64) {
		t.Helper()
		messages, _ := span(from, to, end)
		if err := r.Held(t.Context(), messages, "a table"); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, want schemas.ProgressState, reason string, offsets ...int64) {
		t.Helper()
		p := NewProgress(cluster)
		if err := p.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, i := range offsets {
			state, _, ok := p.Of("store", i, i+1, begun)
			if got := p.Reason("store", i, i+1, begun); !ok || state != want || got != reason {
				t.Errorf("%s: offset %d is %v (%v), reason %q", what, i, state, ok, got)
			}
		}
	}
	first := reporter()
	tell(first, 0, 5, 5)
	held(first, 5, 8, 8)
	check("held up", schemas.Asked, "a table", 5, 6, 7)
	// 5 and 6 are compacted away, since those identifiers were reset again.
	tell(reporter(), 7, 10, 10)
	check("another went on", schemas.Done, "", 0, 5, 6, 7, 8, 9)
	// The first had been suspended.
	held(first, 5, 10, 10)
	check("it woke up", schemas.Done, "", 0, 5, 6, 7, 8, 9)
}
