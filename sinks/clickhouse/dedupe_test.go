package clickhouse

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// at is a page view under the id at the time.
func at(id uuid.UUID, when time.Time) kafka.Message {
	r := newRecord(id)
	r.Event.Set(schemas.Time, string(schemas.FormatTime(nil, when)))
	return eventMessage(r)
}

func TestCopiesWithinRun(t *testing.T) {
	s := migratedStore(t)
	k := newSink(t, s, topicOf(t, 1))
	ids := ids7(t, 100)
	handle(t, k, partitionLog(append(viewMessages(ids...), viewMessages(ids[50:]...)...)...))
	wantRows(t, s, 100)
	if n := k.metrics.duplicates.Get(); n != 50 {
		t.Errorf("%d duplicates are counted, want 50", n)
	}
}

// A producer that saw no acknowledgement sends its batch again, which comes in
// the next run or a later one.
func TestCopiesOfLaterRuns(t *testing.T) {
	s := migratedStore(t)
	k := newSink(t, s, topicOf(t, 1))
	ids := ids7(t, 300)
	messages := partitionLog(append(viewMessages(ids...), viewMessages(ids...)...)...)
	for run := range slices.Chunk(messages, 70) {
		handle(t, k, run)
	}
	wantRows(t, s, 300)
	if n := k.metrics.duplicates.Get(); n != 300 {
		t.Errorf("%d duplicates are counted, want 300", n)
	}
}

// After a crash the log is read again from the last commit, in other runs.
func TestOtherBoundaries(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	messages := partitionLog(viewMessages(ids7(t, 1000)...)...)
	for _, size := range []int{1000, 333, 1, 999, 400} {
		k := newSink(t, s, cluster)
		if size == 1 {
			handle(t, k, messages[500:501])
			continue
		}
		for run := range slices.Chunk(messages, size) {
			handle(t, k, run)
		}
	}
	wantRows(t, s, 1000)
}

func TestWhatIsTheSameEvent(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	stored := uint64(0)
	check := func(what string, m kafka.Message, more uint64) {
		t.Helper()
		handle(t, newSink(t, s, cluster), partitionLog(m))
		stored += more
		if n := ask(t, s, "SELECT count() FROM "+s.Table("events")); n != stored {
			t.Errorf("%s: %d rows, want %d", what, n, stored)
			stored = n
		}
	}
	v7, v4, v8 := ids7(t, 1)[0], uuid.New(), uuid.New()
	v8[6] = v8[6]&0x0f | 0x80
	check("a first event", at(v7, when), 1)
	check("its copy", at(v7, when), 0)
	other := newRecord(v7)
	other.Event.Set(schemas.Site, "news")
	check("another site's under the same id", eventMessage(other), 1)
	other = newRecord(v7)
	other.Event.Set(schemas.Type, "custom")
	check("another type under the same id", eventMessage(other), 1)

	check("an anonymised event", at(v8, when), 1)
	check("its copy", at(v8, when), 0)

	// The time is that of receipt, and the request was sent again.
	check("an event with a random id", at(v4, when), 1)
	check("its copy", at(v4, when), 0)
	check("received two minutes later", at(v4, when.Add(2*time.Minute)), 0)
	check("received five minutes later", at(v4, when.Add(5*time.Minute)), 0)
	check("received five minutes earlier", at(v4, when.Add(-5*time.Minute)), 0)
	// A limit, not a wish: the search has to end somewhere.
	check("received an hour later", at(v4, when.Add(time.Hour)), 1)
}

// An insert across the table's partitions is not atomic, so each month is its
// own; halves that were stored are found.
func TestMonths(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	months := []time.Time{when, when.AddDate(0, -1, 0), when.AddDate(0, -2, 0)}
	var messages []kafka.Message
	for i, id := range ids7(t, 90) {
		messages = append(messages, at(id, months[i%3]))
	}
	messages = partitionLog(messages...)
	var half []kafka.Message
	for i := 0; i < len(messages); i += 3 {
		half = append(half, messages[i])
	}
	handle(t, newSink(t, s, cluster), half)
	k := newSink(t, s, cluster)
	handle(t, k, messages)
	wantRows(t, s, 90)
	if n := k.metrics.batches.Get(); n != 2 {
		t.Errorf("%d inserts for the two months that were missing", n)
	}
}
