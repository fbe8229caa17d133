package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// secret stands for what a bad record holds and no log may.
const secret = "taro@example.jp"

// badMessages are no records, each in its own way.
func badMessages() []kafka.Message {
	record := func(replace, by string) kafka.Message {
		m := eventMessage(newRecord(uuid.New()))
		m.Value = bytes.Replace(m.Value, []byte(replace), []byte(by), 1)
		return m
	}
	headless := eventMessage(newRecord(uuid.New()))
	headless.Headers = nil
	return []kafka.Message{
		headless,
		{Value: nil, Headers: header(schemas.KindEvent)},
		{Value: []byte(secret), Headers: header(schemas.KindEvent)},
		{Value: []byte(`{"schema":1,"` + secret + `":1}`), Headers: header(schemas.KindEvent)},
		{Value: []byte(secret), Headers: header("other")},
		record(`"pageview"`, `"`+secret+`"`),
		record(`"2026-11-02T09:00:00.000Z"`, `"`+secret+`"`),
		record(`"2026-11-02T09:00:00.000Z"`, `"1066-10-14T09:00:00.000Z"`),
		record(`"schema":1`, `"schema":0`),
	}
}

func TestBadRecordsKeepTheirNeighbours(t *testing.T) {
	s := migratedStore(t)
	bad := badMessages()
	var messages []kafka.Message
	for i, m := range viewMessages(ids7(t, len(bad)+1)...) {
		messages = append(messages, m)
		if i < len(bad) {
			messages = append(messages, bad[i])
		}
	}
	var log bytes.Buffer
	var given []int64
	cluster := topicOf(t, 1)
	k := NewSink(s, cluster, SinkOptions{
		Gate: newGate(t, cluster),
		Log:  slog.New(slog.NewTextHandler(&log, nil)), Metrics: metrics.NewSet(),
		Dead: func(_ context.Context, letters ...schemas.DeadLetter) error {
			for i := range letters {
				given = append(given, letters[i].Offset)
				log.Write(letters[i].AppendJSON(nil))
			}
			return nil
		},
	})
	handle(t, k, partitionLog(messages...))
	wantRows(t, s, uint64(len(bad)+1))
	if n := k.metrics.bad.Get(); int(n) != len(bad) {
		t.Errorf("%d bad records are counted, want %d", n, len(bad))
	}
	want := []int64{}
	for i := range bad {
		want = append(want, int64(2*i+1))
	}
	if !slices.Equal(given, want) {
		t.Errorf("given as bad: %v, want %v", given, want)
	}
	if strings.Contains(log.String(), "taro") {
		t.Errorf("a payload is in the log: %s", &log)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d lines about bad records, want 1:\n%s", n, &log)
	}
	if !strings.Contains(log.String(), "offset=1 ") {
		t.Errorf("the line does not say where: %s", &log)
	}
}

// A run whose dead letters cannot be kept is not done.
func TestBadRecordCannotBeKept(t *testing.T) {
	s := migratedStore(t)
	full := errors.New("disk full")
	cluster := topicOf(t, 1)
	k := NewSink(s, cluster, SinkOptions{
		Gate: newGate(t, cluster),
		Log:  slog.New(slog.DiscardHandler),
		Dead: func(context.Context, ...schemas.DeadLetter) error { return full },
	})
	err := k.Handle(t.Context(), 0, partitionLog(append(viewMessages(ids7(t, 1)...), badMessages()[0])...))
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

// A record of a newer schema is nobody's fault; the sink waits to be upgraded.
func TestNewerSchemaIsNotBad(t *testing.T) {
	s := migratedStore(t)
	k := newSink(t, s, topicOf(t, 1))
	m := eventMessage(newRecord(uuid.New()))
	m.Headers[1].Value = []byte("2")
	err := k.Handle(t.Context(), 0, partitionLog(m))
	if err == nil || !strings.Contains(err.Error(), "schema version 2, newer than this program's 1: upgrade the sink") {
		t.Errorf("got %v", err)
	}
	if k.metrics.bad.Get() != 0 || k.metrics.errors.Get() != 1 {
		t.Errorf("%d bad records, %d errors", k.metrics.bad.Get(), k.metrics.errors.Get())
	}
}

// A run that is under way when the sink is told to end is stored.
func TestGrace(t *testing.T) {
	s := migratedStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cluster := topicOf(t, 1)
	k := NewSink(s, cluster, SinkOptions{
		Gate: newGate(t, cluster),
		Log:  slog.New(slog.DiscardHandler),
		Dead: func(context.Context, ...schemas.DeadLetter) error { cancel(); return nil },
	})
	messages := partitionLog(append(viewMessages(ids7(t, 2)...), badMessages()[0])...)
	if err := k.Handle(ctx, 0, messages); err != nil {
		t.Fatal(err)
	}
	wantRows(t, s, 2)
	// Another one is not begun.
	if err := k.Handle(ctx, 0, partitionLog(viewMessages(ids7(t, 1)...)...)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantRows(t, s, 2)

	longer, stop := withGrace(ctx, 10*time.Millisecond)
	defer stop()
	<-longer.Done() // in the end it ends
}

// lateInsert begins an insert of all events that the partition has decoded, and
// returns once ClickHouse knows of it; send sends them and says what became of it.
func lateInsert(t *testing.T, p *partition) (send func() error) {
	t.Helper()
	var chosen []int32
	for i := range p.events.list {
		chosen = append(chosen, int32(i))
	}
	known, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- p.sender.send(t.Context(), Events, p.queries()+uuid.NewString(), "late", &p.events, chosen, func() error {
			close(known)
			<-goOn
			return nil
		})
	}()
	select {
	case <-known:
	case err := <-done:
		t.Fatal(err)
	}
	return func() error { close(goOn); return <-done }
}

// A member that lost the partition still has an insert under way. Whoever takes
// the partition over ends it before looking at what is stored.
func TestTakeOverEndsInserts(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	messages := partitionLog(viewMessages(ids7(t, 10)...)...)

	old := newSink(t, s, cluster).partition(0)
	old.workspace = newWorkspace(s)
	old.messages = messages
	if err := old.decode(); err != nil {
		t.Fatal(err)
	}
	send := lateInsert(t, old)

	begun := time.Now()
	handle(t, newSink(t, s, cluster), messages)
	if took := time.Since(begun); took > s.config.Timeout*2/3 {
		t.Errorf("taking over took %s", took)
	}
	if err := send(); err == nil {
		t.Error("an insert of the member that lost the partition is still taken")
	}
	wantRows(t, s, 10)
}

// A process that was stopped for a while does not send what it was about to,
// nor anything before it can know whether the partition is still its.
func TestSuspension(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	k := newSink(t, s, cluster)
	const running = -time.Hour // it will tick for as long as the test takes
	stopped := func(d time.Duration) { k.suspension.tick(time.Now().Add(-d).UnixNano(), steadyNow()-int64(d)) }
	k.dead = func(context.Context, ...schemas.DeadLetter) error { stopped(time.Minute); return nil }
	assignment, lose := context.WithCancel(t.Context())
	defer lose()

	messages := partitionLog(append(viewMessages(ids7(t, 2)...), accountMessage(uuid.New(), 5), badMessages()[0])...)
	begun := steadyNow()
	if err := k.Handle(assignment, 0, messages); !errors.Is(err, errSuspended) {
		t.Errorf("got %v", err)
	}
	if until := k.suspension.until.Load(); until < begun+int64(quarantine) || until > steadyNow()+int64(quarantine) {
		t.Errorf("it waits until %s, and began at %s", time.Duration(until), time.Duration(begun))
	}
	wantRows(t, s, 0)
	soon := func() { k.suspension.until.Store(steadyNow() + int64(10*time.Millisecond)) }
	stopped(running)
	soon()
	if err := k.Handle(assignment, 0, messages[:3]); err != nil {
		t.Error(err)
	}
	wantRows(t, s, 2)
	wantReceived(t, s, 5)

	// Stopped between two runs, while another stored what comes next.
	next := partitionLog(append(messages, accountMessage(uuid.New(), 7))...)[4:]
	handle(t, newSink(t, s, cluster), next)
	stopped(time.Minute)
	k.suspension.count()
	stopped(running)
	soon()
	if err := k.Handle(assignment, 0, next); err != nil {
		t.Error(err)
	}
	wantReceived(t, s, 12)

	// The partition turns out to be another's.
	k.suspension.until.Store(steadyNow() + int64(time.Hour))
	time.AfterFunc(10*time.Millisecond, lose)
	if err := k.Handle(assignment, 0, next); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A clock that jumps is taken for a suspension, whose consequences are over as
// soon as those of any other, wherever the clock jumps next; and one that is set
// back hides no suspension. (A sink stood still for as long as the clock had
// been set back.)
func TestSuspensionWithAClockThatJumps(t *testing.T) {
	check := func(what string, wall, steady time.Duration, want int64) {
		t.Helper()
		var s suspension
		s.tick(time.Now().Add(-wall).UnixNano(), steadyNow()-int64(steady))
		if got := s.count(); got != want {
			t.Errorf("%s: %d suspensions, want %d", what, got, want)
		}
		if left := time.Duration(s.until.Load() - steadyNow()); want > 0 && left > quarantine {
			t.Errorf("%s: it waits for %s", what, left)
		}
	}
	check("nothing", tick, tick, 0)
	check("stopped", time.Minute, time.Minute, 1)
	check("asleep", time.Hour, tick, 1)
	check("set back", -time.Hour, tick, 0)
	check("set back while it was stopped", -time.Hour, time.Minute, 1)
}

// The sink as a member of its group, with what a producer writes.
func TestRun(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 3)
	set := metrics.NewSet()
	k := NewSink(s, cluster, SinkOptions{Gate: newGate(t, cluster), Log: slog.New(slog.DiscardHandler), Metrics: set})
	stop := start(t, k)
	produce(t, cluster, 3, 3000)
	eventually(t, "3000 events are stored and accounted for", func() bool {
		return ask(t, s, "SELECT count() FROM "+s.Table("events")) >= 3000 && received(t, s) >= 3000
	})
	stop()
	wantRows(t, s, 3000)
	wantReceived(t, s, 3000)

	// It goes on where it was.
	stop = start(t, newSink(t, s, cluster))
	produce(t, cluster, 3, 500)
	eventually(t, "3500 events are stored and accounted for", func() bool {
		return ask(t, s, "SELECT count() FROM "+s.Table("events")) >= 3500 && received(t, s) >= 3500
	})
	stop()
	wantRows(t, s, 3500)
	wantReceived(t, s, 3500)

	var text strings.Builder
	set.WritePrometheus(&text)
	for _, want := range []string{
		`sekisho_sink_rows_total{sink="clickhouse"} 3000`, `sekisho_sink_duplicates_total{sink="clickhouse"} 0`,
		`sekisho_sink_bad_records_total{sink="clickhouse"} 0`, `sekisho_sink_lag{sink="clickhouse"} 0`,
		`sekisho_sink_insert_seconds_count{sink="clickhouse"}`, `sekisho_sink_batches_total{sink="clickhouse"}`,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the metrics lack %s:\n%s", want, &text)
		}
	}
}

// Kafka forgets how far a group is that has had no member for offsets.retention.minutes.
// The sink begins at the beginning then, and stores and counts nothing again.
func TestGroupForgotten(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 2)
	topic := cluster.Config().Topics.Events
	stored := func() bool {
		spans, err := cluster.Spans(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		commits, err := cluster.Commits(t.Context(), s.config.Group, topic, len(spans))
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range spans {
			if commits[span.Partition].Offset < span.To {
				return false
			}
		}
		return true
	}
	produce(t, cluster, 2, 600)
	stop := start(t, newSink(t, s, cluster))
	eventually(t, "all is stored", stored)
	stop()
	client := &kafka.Client{Addr: kafka.TCP(cluster.Config().Brokers...), Timeout: 10 * time.Second}
	answer, err := client.DeleteGroups(t.Context(), &kafka.DeleteGroupsRequest{GroupIDs: []string{s.config.Group}})
	if err != nil || answer.Errors[s.config.Group] != nil {
		t.Fatal(err, answer)
	}
	produce(t, cluster, 2, 100)
	k := newSink(t, s, cluster)
	stop = start(t, k)
	eventually(t, "all is stored", stored)
	stop()
	wantRows(t, s, 700)
	wantReceived(t, s, 700)
	if n := k.metrics.duplicates.Get(); n != 600 {
		t.Errorf("%d events were found to be stored, want the 600 of before", n)
	}
}

// produce writes n page views and the accounts of them.
func produce(t testing.TB, cluster *stream.Cluster, partitions, n int) {
	t.Helper()
	producer := stream.NewProducer(cluster, partitions, stream.ProducerOptions{Log: slog.New(slog.DiscardHandler)})
	defer producer.Close()
	decision := schemas.Decision{Minute: schemas.MinuteOf(when), Site: "shop", Type: schemas.Pageview, Outcome: schemas.Allowed}
	for chunk := range slices.Chunk(ids7(t, n), 100) {
		var messages []stream.Message
		for _, id := range chunk {
			messages = append(messages, stream.Message{
				Key: id[:], Value: newRecord(id).AppendJSON(nil), Time: when, Decisions: []schemas.Decision{decision},
			})
		}
		if err := producer.Write(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
	}
}
