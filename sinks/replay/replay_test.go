package replay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/sinks/clickhouse"
	"sekisho/sinks/replay"
	"sekisho/stream"
)

// replay is one of all that the topic has into the target.
func (w *world) replay(target replay.Target) *replay.Replay {
	return &replay.Replay{
		Cluster: w.cluster, Selection: replay.Selection{To: replay.Point{Now: true}}, Wanted: "all", Target: target,
		Reviewer: w.reviewer(), MaxBatch: 50, Log: discard, Progress: func(replay.Progress) {},
	}
}

func (w *world) run(t testing.TB, r *replay.Replay) replay.Counts {
	t.Helper()
	counts, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// intoTable makes a target of a table.
func (w *world) intoTable(t testing.TB, name string) replay.Target {
	t.Helper()
	sink := clickhouse.NewSink(w.store, w.cluster, clickhouse.SinkOptions{
		Gate: w.gate(), Log: discard, Metrics: metrics.NewSet(), Dead: w.letters.Append, Table: name,
	})
	target, stop, err := replay.Table(t.Context(), w.store, name, sink, discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return target
}

// missing returns how many rows of one table, but for those of some visitors, are
// not in the other, row by row in all columns.
func (w *world) missing(t testing.TB, from, in string, but ...string) uint64 {
	t.Helper()
	where := "true"
	for _, pseudonym := range but {
		where += " AND visitor_id != '" + pseudonym + "'"
	}
	return w.ask(t, fmt.Sprintf("SELECT count() FROM (SELECT * FROM %s WHERE %s EXCEPT ALL SELECT * FROM %s)", w.store.Table(from), where, w.store.Table(in)))
}

// visits are page views of ten visitors over two months, of which some are
// anonymised, one is there twice, and one cannot be read.
func (w *world) visits(t testing.TB, n int) (records []*schemas.Record) {
	t.Helper()
	for i := range n {
		r := w.visit(t, i%10, when.Add(time.Duration(i)*6*time.Hour))
		if i%7 == 0 {
			projector := new(enforcer.Projector)
			r = projector.AnonymiseRecord(w.keys, w.table.Load(), r, schemas.ReasonRefused)
		}
		if i%3 == 0 {
			r.Event.Set(schemas.Title, fmt.Sprintf("Title %d", i))
		}
		records = append(records, r)
	}
	return records
}

// A table that was rebuilt from the topic is the live one, but for what was reset
// since.
func TestReplayIntoTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startSink(t)
	records := w.visits(t, 200)
	w.send(t, records...)
	w.send(t, records[5]) // a retry
	events := w.cluster.Config().Topics.Events
	if _, err := w.cluster.Append(t.Context(), events, 0, []stream.Entry{{Value: []byte("no record"), Headers: headers(schemas.KindEvent)}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "200 rows", func() bool { return w.rows(t) == 200 && len(w.open(t)) == 1 })
	counted := uint64(len(records)) + 1
	eventually(t, "all to be accounted for", func() bool { // which are stored after the rows
		return w.ask(t, "SELECT sum(received) FROM "+w.store.Table("accounts")) == counted
	})

	w.reset(t, 3)
	w.reset(t, 8)
	gone := []string{w.pseudonym(3), w.pseudonym(8)}
	bearing := w.ask(t, fmt.Sprintf("SELECT count() FROM %s WHERE visitor_id IN ('%s', '%s')", w.store.Table("events"), gone[0], gone[1]))

	tried, err := w.replay(w.intoTable(t, "events_again")).Try(t.Context())
	if err != nil || w.ask(t, "SELECT count() FROM "+w.store.Table("events_again")) != 0 {
		t.Fatalf("trying: %v", err)
	}
	counts := w.run(t, w.replay(w.intoTable(t, "events_again")))
	if n := w.missing(t, "events", "events_again", gone...); n != 0 {
		t.Errorf("%d rows are not in the rebuilt table", n)
	}
	if n := w.missing(t, "events_again", "events"); n != 0 {
		t.Errorf("%d rows of the rebuilt table are not in the live one", n)
	}
	if n := w.ask(t, "SELECT count() FROM "+w.store.Table("events_again")); n != 200-bearing {
		t.Errorf("%d rows, want %d", n, 200-bearing)
	}
	if n := w.ask(t, "SELECT sum(received) FROM "+w.store.Table("accounts")); n != counted {
		t.Errorf("%d events are accounted for, there were %d", n, counted)
	}
	reset := counts.Verdicts[replay.Verdict{Outcome: schemas.Dropped, Reason: schemas.ReasonReset}]
	if counts.Chosen != 201 || counts.Bad != 1 || uint64(reset) != bearing {
		t.Errorf("got %+v", counts)
	}
	if fmt.Sprint(tried) != fmt.Sprint(counts) {
		t.Errorf("trying found %v, doing %v", tried, counts)
	}
	if _, err := w.replay(w.intoTable(t, "events_again")).Run(t.Context()); !errors.Is(err, replay.ErrComplete) {
		t.Errorf("once more: %v", err)
	}
	// Anew it doubles nothing.
	again := w.replay(w.intoTable(t, "events_again"))
	again.Again = true
	w.run(t, again)
	if n := w.ask(t, "SELECT count() FROM "+w.store.Table("events_again")); n != 200-bearing {
		t.Errorf("%d rows after once more, want %d", n, 200-bearing)
	}
}

// failing is a target that is interrupted after some runs: before or after they
// are done, as a crash would.
type failing struct {
	replay.Target
	stop  func()
	mu    sync.Mutex
	left  int
	after bool
}

func (f *failing) Handle(ctx context.Context, partition int, messages []kafka.Message) error {
	f.mu.Lock()
	f.left--
	left := f.left
	f.mu.Unlock()
	if left > 0 {
		return f.Target.Handle(ctx, partition, messages)
	}
	if f.after {
		if err := f.Target.Handle(ctx, partition, messages); err != nil {
			return err
		}
	}
	f.stop()
	return errors.New("interrupted")
}

// A replay that is interrupted goes on where it was, and doubles nothing.
func TestReplayIsResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 400)...)
	topic, err := replay.Topic(t.Context(), w.cluster, w.cluster.Config().Topics.Events+"-copy")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []replay.Target{w.intoTable(t, "events_again"), topic} {
		read := int64(0)
		for i := range 4 {
			ctx, stop := context.WithCancel(t.Context())
			r := w.replay(&failing{Target: target, stop: stop, left: 2, after: i%2 == 0})
			counts, err := r.Run(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("interruption %d: %v", i, err)
			}
			read += counts.Read
		}
		// Another replay does not take its place unasked.
		other := w.replay(target)
		other.Wanted = "another"
		if _, err := other.Run(t.Context()); !errors.Is(err, replay.ErrOther) {
			t.Errorf("got %v", err)
		}
		var last replay.Progress
		r := w.replay(target)
		r.Progress = func(p replay.Progress) { last = p }
		read += w.run(t, r).Read
		if last.Done != last.Total || read < last.Total/2 {
			t.Errorf("%d messages were read, progress %+v", read, last)
		}
	}
	if rows, events := w.ask(t, "SELECT count() FROM "+w.store.Table("events_again")), w.ask(t, "SELECT uniqExact(id) FROM "+w.store.Table("events_again")); rows != 400 || events != 400 {
		t.Errorf("%d rows of %d events, want 400", rows, events)
	}
	seen := map[string]int{}
	for _, m := range w.topic(t, w.cluster.Config().Topics.Events+"-copy") {
		r := decoded(t, m.Value)
		seen[r.Event.Get(schemas.ID)]++
		if len(stream.HeaderOf(m.Headers, replay.HeaderSource)) == 0 {
			t.Error("a message does not say where it comes from")
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("event %s is in the topic %d times", id, n)
		}
	}
	if len(seen) != 400 {
		t.Errorf("%d events are in the topic, want 400", len(seen))
	}
}

// Into a topic goes what each recipient may have as of now, and no more.
func TestReplayIntoTopicEnforcesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visit(t, 1, when), w.visit(t, 2, when), w.visit(t, 3, when))
	w.reset(t, 2)
	optOut := schemas.Reset{Field: schemas.VisitorID, Hash: [16]byte{9}, At: time.Now(), Pseudonyms: []string{w.pseudonym(3)}, Recipient: "google"}
	if _, err := w.resets.Append(t.Context(), []schemas.Reset{optOut}); err != nil {
		t.Fatal(err)
	}
	name := w.cluster.Config().Topics.Events + "-copy"
	target, err := replay.Topic(t.Context(), w.cluster, name)
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, w.replay(target))
	grants := map[string]int{}
	for _, m := range w.topic(t, name) {
		// By the events' time Kafka would forget the copy as soon as it was made.
		if age := time.Since(m.Time); age > time.Hour {
			t.Errorf("a message is %s old when it is written", age)
		}
		r := decoded(t, m.Value)
		grants[r.Event.Get(schemas.VisitorID)] = len(r.Grants)
	}
	want := map[string]int{w.pseudonym(1): 2, w.pseudonym(3): 1}
	if fmt.Sprint(grants) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", grants, want)
	}
	// What is there already is not mixed with another replay.
	again := w.replay(target)
	again.Again = true
	if _, err := again.Run(t.Context()); err == nil {
		t.Error("it replays into a topic that is not empty")
	}
	for _, name := range []string{w.cluster.Config().Topics.Events, w.cluster.Config().Topics.Resets, "a b"} {
		if _, err := replay.Topic(t.Context(), w.cluster, name); err == nil {
			t.Errorf("topic %q is taken", name)
		}
	}
}

// A range that expires before it is replayed is not said to be done. (The replay
// waited for what would never come, or said that all was done.)
func TestExpiredRange(t *testing.T) {
	t.Parallel()
	for _, rest := range []int{0, 3} {
		w := newWorld(t)
		var visits []*schemas.Record
		for n := range 10 {
			visits = append(visits, w.visit(t, n, when))
		}
		w.send(t, visits...)
		spans, err := w.cluster.Spans(t.Context(), w.cluster.Config().Topics.Events)
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for _, span := range spans {
			sum += span.Len()
		}
		target := w.intoTable(t, "events_again")
		ctx, stop := context.WithCancel(t.Context())
		if _, err := w.replay(&failing{Target: target, stop: stop}).Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		w.expire(t, spans)
		for n := range rest { // comes after the range
			w.send(t, w.visit(t, n, when), w.visit(t, n+5, when))
		}
		counts, err := w.replay(target).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d messages of the range expired", sum)) || counts.Expired != sum || counts.Read != 0 {
			t.Errorf("with %d after it: %v, %+v", rest, err, counts)
		}
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var records []*schemas.Record
	for i := range 60 {
		r := w.visit(t, i, when.Add(time.Duration(i)*time.Minute))
		if i%2 == 0 {
			r.Event.Set(schemas.Site, "news")
		}
		records = append(records, r)
	}
	w.send(t, records...)
	check := func(s replay.Selection, want int64) {
		t.Helper()
		r := w.replay(replay.Recipient("store", nil))
		r.Selection = s
		counts, err := r.Try(t.Context())
		if err != nil || counts.Chosen != want {
			t.Errorf("%+v: %v, %+v, want %d", s, err, counts, want)
		}
	}
	now := replay.Point{Now: true}
	at := func(minutes int) replay.Point {
		return replay.Point{Time: when.Add(time.Duration(minutes) * time.Minute)}
	}
	check(replay.Selection{To: now}, 60)
	check(replay.Selection{From: now, To: now}, 0)
	check(replay.Selection{To: replay.Point{}}, 0)
	check(replay.Selection{To: replay.Point{Offset: 1 << 40}}, 60)
	check(replay.Selection{From: at(10), To: now}, 50)
	check(replay.Selection{From: at(10), To: at(20)}, 10)
	check(replay.Selection{To: at(20)}, 20)
	check(replay.Selection{To: now, Sites: []string{"news"}}, 30)
	check(replay.Selection{To: now, Sites: []string{"news", "shop"}}, 60)
	check(replay.Selection{To: now, Types: []schemas.EventType{schemas.AdClick}}, 0)
	check(replay.Selection{From: at(10), To: at(20), Sites: []string{"shop"}, Types: []schemas.EventType{schemas.Pageview}}, 5)
}

// An offset is the same in every partition, though the topic may have it in some only.
// (Where it had not, the replay said that the topic was made anew.)
func TestReplayFromAnOffset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 20)...)
	events := w.cluster.Config().Topics.Events
	var more []stream.Entry
	for i := range 40 {
		more = append(more, stream.Entry{Time: when, Value: w.visit(t, i, when).AppendJSON(nil), Headers: headers(schemas.KindEvent)})
	}
	if _, err := w.cluster.Append(t.Context(), events, 0, more); err != nil {
		t.Fatal(err)
	}
	spans, err := w.cluster.Spans(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	r := w.replay(w.intoTable(t, "events_again"))
	r.Selection.From = replay.Point{Offset: spans[0].To - 10}
	if spans[1].To >= r.Selection.From.Offset {
		t.Fatalf("the other partition has as many: %v", spans)
	}
	if counts := w.run(t, r); counts.Chosen != 10 {
		t.Errorf("%+v, want 10 events", counts)
	}
}

func TestParsePoint(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	check := func(text string, want replay.Point) {
		t.Helper()
		if got, err := replay.ParsePoint(text, now); err != nil || got != want {
			t.Errorf("%q: %v, got %+v", text, err, got)
		}
	}
	check("0", replay.Point{})
	check("1200", replay.Point{Offset: 1200})
	check("now", replay.Point{Now: true})
	check("2026-11-01", replay.Point{Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)})
	check("2026-11-01T09:00:00Z", replay.Point{Time: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)})
	check("36h", replay.Point{Time: now.Add(-36 * time.Hour)})
	for _, text := range []string{"", "-1", "-1h", "yesterday", "2026-13-01", "99999999999999999999"} {
		if got, err := replay.ParsePoint(text, now); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

// A rate is kept to.
func TestRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var messages []stream.Entry
	for range 300 {
		r := w.visit(t, 1, when)
		r.Event.Set(schemas.ID, uuid.NewString())
		messages = append(messages, stream.Entry{Value: r.AppendJSON(nil), Headers: headers(schemas.KindEvent)})
	}
	if _, err := w.cluster.Append(t.Context(), w.cluster.Config().Topics.Events, 0, messages); err != nil {
		t.Fatal(err)
	}
	r := w.replay(replay.Recipient("store", nil))
	r.Rate = 100 // the first hundred are there at once
	begun := time.Now()
	if counts, err := r.Try(t.Context()); err != nil || counts.Read != 300 {
		t.Fatalf("%v, %+v", err, counts)
	}
	if took := time.Since(begun); took < 1900*time.Millisecond {
		t.Errorf("300 messages took %s at 100 a second", took)
	}
}
