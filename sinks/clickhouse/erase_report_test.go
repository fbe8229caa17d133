package clickhouse

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// A reset that compaction took off the topic, since its identifier was reset again,
// is reported as done too, and not before the later reset is carried out. (Its
// ticket was never done when a new eraser began behind it, and done too early when
// it was amid others.)
func TestCompactedResetIsReported(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	gate := newGate(t, cluster)
	twice := canary()
	storeUnder(t, newSink(t, s, cluster), 3, twice)
	hash := uuid.New()
	messages := make([]kafka.Message, 7)
	for i := range messages {
		r := schemas.Reset{Field: schemas.VisitorID, Hash: uuid.New(), At: time.Now(), Pseudonyms: []string{canary()}}
		if i == 1 || i == 6 {
			r.Hash, r.Pseudonyms = hash, []string{twice}
		}
		messages[i] = kafka.Message{Topic: cluster.Config().Topics.Resets, Offset: int64(i), Key: r.Key(), Value: r.AppendJSON(nil), HighWaterMark: 7}
	}
	eraser := func() *Eraser {
		return NewEraser(s, cluster, EraserOptions{Gate: gate, Log: slog.New(slog.DiscardHandler)})
	}
	erase := func(e *Eraser, run ...int) {
		t.Helper()
		var some []kafka.Message
		for _, i := range run {
			some = append(some, messages[i])
		}
		if err := e.Handle(t.Context(), 0, some); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	wantDone := func(want ...int64) {
		t.Helper()
		reports := stream.NewProgress(cluster)
		if err := reports.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for offset := range int64(len(messages)) {
			state, _, ok := reports.Of(policy.Store, offset, offset+1, begun)
			if done := ok && state == schemas.Done; done != slices.Contains(want, offset) {
				t.Errorf("offset %d is done: %t", offset, done)
			}
		}
	}
	first := eraser()
	erase(first, 0) // before the compaction
	wantDone(0)
	erase(first, 2, 3) // 1 is gone
	wantDone(0, 2, 3)
	if n := ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE visitor_id = "+quote(twice)); n != 3 {
		t.Fatalf("%d rows are left, so nothing is shown", n)
	}
	erase(eraser(), 5) // another one, after it had committed, and 4 is gone
	wantDone(0, 2, 3, 5)
	erase(eraser(), 6)
	wantDone(0, 1, 2, 3, 4, 5, 6)
	wantNone(t, s, twice)
}
