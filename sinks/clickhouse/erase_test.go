package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// canary returns a pseudonym that is nowhere else.
func canary() string { return "k1." + strings.ReplaceAll(uuid.NewString(), "-", "") }

// under is a page view of a visitor.
func under(pseudonym string, id uuid.UUID) *schemas.Record {
	r := newRecord(id)
	r.Event.Time = when
	r.Event.Set(schemas.VisitorID, pseudonym)
	return r
}

// storeUnder stores n page views of each visitor.
func storeUnder(t testing.TB, k *Sink, n int, pseudonyms ...string) []kafka.Message {
	t.Helper()
	var messages []kafka.Message
	for _, pseudonym := range pseudonyms {
		for _, id := range ids7(t, n) {
			messages = append(messages, eventMessage(under(pseudonym, id)))
		}
	}
	messages = partitionLog(messages...)
	handle(t, k, messages)
	return messages
}

// reset resets the visitors and returns the offset after the last.
func reset(t testing.TB, cluster *stream.Cluster, pseudonyms ...string) int64 {
	t.Helper()
	resets := make([]schemas.Reset, len(pseudonyms))
	for i, pseudonym := range pseudonyms {
		resets[i] = schemas.Reset{Field: schemas.VisitorID, Hash: uuid.New(), At: time.Now(), Pseudonyms: []string{pseudonym}}
	}
	log := stream.NewResets(cluster, nil, slog.New(slog.DiscardHandler))
	offset, err := log.Append(t.Context(), resets)
	if err != nil {
		t.Fatal(err)
	}
	return offset + int64(len(resets))
}

// startEraser runs an eraser until stop is called or the test ends.
func startEraser(t testing.TB, s *Store, cluster *stream.Cluster, gate *Gate) (e *Eraser, stop func()) {
	t.Helper()
	e = NewEraser(s, cluster, EraserOptions{Gate: gate, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Metrics: metrics.NewSet()})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return e, stop
}

// awaitErased returns when all resets before the offset are reported erased.
func awaitErased(t testing.TB, cluster *stream.Cluster, end int64) {
	t.Helper()
	awaitErasedWithin(t, cluster, end, eraseTime)
}

func awaitErasedWithin(t testing.TB, cluster *stream.Cluster, end int64, limit time.Duration) {
	t.Helper()
	topic := cluster.Config().Topics.Progress
	deadline := time.Now().Add(limit)
	for erased := int64(0); erased < end; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("erased up to %d and not to %d within %s", erased, end, limit)
		}
		spans, err := cluster.Spans(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		err = cluster.Read(t.Context(), topic, spans[0], func(m *kafka.Message) error {
			p, err := schemas.DecodeProgress(m.Value)
			if err == nil && p.Recipient == policy.Store && p.State == schemas.Done {
				erased = max(erased, p.To)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// eraseTime is long since members that were killed hold up their group.
const eraseTime = 5 * time.Minute

// onDisk returns the files of ClickHouse that hold the text.
func onDisk(t testing.TB, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dataDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // gone meanwhile
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// erasable is a store that keeps replaced files for a second, and identifiers
// uncompressed, so that they can be found in the files.
func erasable(t testing.TB) *Store {
	t.Helper()
	s := migratedStore(t)
	alter := "ALTER TABLE " + s.Table("events")
	statements := []string{alter + " MODIFY SETTING old_parts_lifetime = 1"}
	for f := range schemas.Identifiers.Each {
		statements = append(statements, alter+" MODIFY COLUMN "+f.String()+" CODEC(NONE)")
	}
	for _, statement := range statements {
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func erasing(action policy.Action) func(*policy.Policy) {
	return func(p *policy.Policy) { p.Erasure = action }
}

// What is stored under a reset identifier is gone, from queries and from the
// disk, by the time that it is reported; what others did stays as it is.
func TestErase(t *testing.T) {
	for _, action := range []policy.Action{policy.Drop, policy.Anonymise} {
		t.Run(action.String(), func(t *testing.T) {
			s, cluster := erasable(t), topicOf(t, 1)
			k := newSink(t, s, cluster)
			gone, also, stays := canary(), canary(), canary()
			storeUnder(t, k, 10, gone, also, stays)
			for _, pseudonym := range []string{gone, also, stays} {
				if len(onDisk(t, pseudonym)) == 0 {
					t.Fatal("a pseudonym that is stored is not found in the files, so nothing is shown")
				}
			}
			before := ask(t, s, "SELECT assumeNotNull(sum(cityHash64(toString(tuple(*))))) FROM "+s.Table("events")+" WHERE visitor_id = "+quote(stays))

			e, _ := startEraser(t, s, cluster, newGate(t, cluster, erasing(action)))
			awaitErased(t, cluster, reset(t, cluster, gone, also))
			for _, pseudonym := range []string{gone, also} {
				if found := onDisk(t, pseudonym); len(found) > 0 {
					t.Errorf("a pseudonym is still in %v", found)
				}
			}
			if after := ask(t, s, "SELECT assumeNotNull(sum(cityHash64(toString(tuple(*))))) FROM "+s.Table("events")+" WHERE visitor_id = "+quote(stays)); after != before {
				t.Error("the rows of another visitor have changed")
			}
			want := map[policy.Action]uint64{policy.Drop: 10, policy.Anonymise: 30}[action]
			wantRows(t, s, want)
			if n := ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE outcome = 'anonymised' AND visitor_id = '' AND toMinute(time) = 0 AND reason = 'reset'"); n != want-10 {
				t.Errorf("%d anonymised rows, want %d", n, want-10)
			}
			outcome := map[policy.Action]string{policy.Drop: "dropped", policy.Anonymise: "anonymised"}[action]
			if n := ask(t, s, "SELECT sum(count) FROM "+s.Table("decisions")+" WHERE recipient = 'store' AND reason = 'erased' AND outcome = "+quote(outcome)); n != 20 {
				t.Errorf("%d erased rows are accounted for, want 20", n)
			}
			if e.metrics.resets.Get() != 2 || e.metrics.rows.Get() != 20 || e.metrics.mutations.Get() != 1 {
				t.Errorf("%d resets, %d rows, %d mutations", e.metrics.resets.Get(), e.metrics.rows.Get(), e.metrics.mutations.Get())
			}
			if n := ask(t, s, "SELECT count() FROM "+s.Table("erasing")); n != 0 {
				t.Errorf("%d pseudonyms are left in the table erasing", n)
			}
		})
	}
}

// An event that comes again after its erasure, whoever retries or replays it,
// brings nothing back.
func TestRetryAfterErasure(t *testing.T) {
	for _, action := range []policy.Action{policy.Drop, policy.Anonymise} {
		t.Run(action.String(), func(t *testing.T) {
			s, cluster := erasable(t), topicOf(t, 1)
			gate := newGate(t, cluster, func(p *policy.Policy) { p.Reset, p.Erasure = action, action })
			k := NewSink(s, cluster, SinkOptions{Gate: gate, Log: slog.New(slog.DiscardHandler)})
			gone := canary()
			messages := storeUnder(t, k, 10, gone)
			startEraser(t, s, cluster, gate)
			awaitErased(t, cluster, reset(t, cluster, gone))
			want := map[policy.Action]uint64{policy.Drop: 0, policy.Anonymise: 10}[action]
			wantRows(t, s, want)
			handle(t, k, messages)
			handle(t, k, messages[3:])
			wantRows(t, s, want)
			wantNone(t, s, gone)
			if n := ask(t, s, "SELECT sum(count) FROM "+s.Table("decisions")+" WHERE reason = 'withheld'"); n != 10 {
				t.Errorf("%d events withheld, want each once", n)
			}
		})
	}
}

// What is withheld is counted under its site, and no audit takes it for something
// that an account should have. (The site's name was the memory of a record, in
// which the next one was written.)
func TestWithheldIsCountedUnderItsSite(t *testing.T) {
	s, cluster := migratedStore(t), topicOf(t, 1)
	gate := newGate(t, cluster, func(p *policy.Policy) { p.Reset = policy.Drop })
	gone := canary()
	reset(t, cluster, gone)
	var messages []kafka.Message
	for i, id := range ids7(t, 40) {
		r := under(gone, id)
		r.Event.Set(schemas.Site, []string{"shop", "news"}[i%2])
		r.Jurisdiction = strings.Repeat("j", i) // so that nothing is where it was
		messages = append(messages, eventMessage(r))
	}
	handle(t, NewSink(s, cluster, SinkOptions{Gate: gate, Log: slog.New(slog.DiscardHandler)}), partitionLog(messages...))
	wantRows(t, s, 0)
	for _, site := range []string{"shop", "news"} {
		if n := ask(t, s, "SELECT sum(count) FROM "+s.Table("decisions")+" WHERE reason = 'withheld' AND site = "+quote(site)); n != 20 {
			t.Errorf("%d events of %s are withheld, want 20", n, site)
		}
	}
	now, before, err := s.Counted(t.Context(), cluster.Config().Topics.Events, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil || len(now)+len(before) != 0 {
		t.Errorf("an audit is told of %v and %v, %v", now, before, err)
	}
}

func wantNone(t testing.TB, s *Store, pseudonyms ...string) {
	t.Helper()
	for _, pseudonym := range pseudonyms {
		if n := ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE visitor_id = "+quote(pseudonym)); n != 0 {
			t.Errorf("%d rows are stored under a reset identifier", n)
		}
	}
}

// A reset that comes while a run is between its decision and its insert holds
// for the run.
func TestResetBeforeInsert(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	gone, stays := canary(), canary()
	k := NewSink(s, cluster, SinkOptions{
		Gate: newGate(t, cluster), Log: slog.New(slog.DiscardHandler),
		// What cannot be stored is told of after the decisions.
		Dead: func(context.Context, ...schemas.DeadLetter) error { reset(t, cluster, gone); return nil },
	})
	handle(t, k, partitionLog(eventMessage(under(gone, uuid.New())), eventMessage(under(stays, uuid.New())), badMessages()[0]))
	wantNone(t, s, gone)
	wantRows(t, s, 1)
	if k.metrics.disturbed.Get() == 0 {
		t.Error("no run was begun again, so nothing is shown")
	}
}

// An insert that was begun before the reset, by a sink that does not get on with
// it, is not there after the erasure.
func TestInsertUnderWay(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	gone := canary()
	slow := newSink(t, s, cluster).partition(0)
	slow.workspace = &workspace{}
	slow.events.reset()
	if err := slow.events.add(under(gone, uuid.New()), 0); err != nil {
		t.Fatal(err)
	}
	ctx := ch.Context(t.Context(), ch.WithQueryID(slow.queries()+uuid.NewString()))
	late, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+s.Table("events")+" ("+columnNames+")")
	if err != nil {
		t.Fatal(err)
	}
	if err := slow.scratch.fill(late, &slow.events, []int32{0}); err != nil {
		t.Fatal(err)
	}
	startEraser(t, s, cluster, newGate(t, cluster))
	awaitErased(t, cluster, reset(t, cluster, gone))
	if err := late.Send(); err == nil {
		t.Error("an insert from before the reset is still taken")
	}
	wantNone(t, s, gone)
}

// Whatever tables the operator made of events lose the pseudonym too.
func TestEraseEverywhere(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	db, other := s.config.Database, s.config.Database+"_other"
	t.Cleanup(func() { _ = s.conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+other+" SYNC") })
	for _, statement := range []string{
		"CREATE DATABASE " + other,
		"CREATE MATERIALIZED VIEW " + db + ".visitors ENGINE = AggregatingMergeTree ORDER BY visitor_id AS SELECT visitor_id, uniqState(session_id) AS sessions FROM " + db + ".events GROUP BY visitor_id",
		"CREATE TABLE " + other + ".target (v LowCardinality(String), site String) ENGINE = MergeTree ORDER BY site",
		"CREATE MATERIALIZED VIEW " + other + ".feed TO " + other + ".target AS SELECT visitor_id AS v, site FROM " + db + ".events",
		"CREATE TABLE " + db + ".odd (n Int8, a Array(String), m Map(String, String), u Nullable(String), f FixedString(35)) ENGINE = MergeTree ORDER BY n",
		"CREATE VIEW " + db + ".seen AS SELECT visitor_id FROM " + db + ".events",
	} {
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	gone, stays := canary(), canary()
	storeUnder(t, newSink(t, s, cluster), 5, gone, stays)
	for i, pseudonym := range []string{gone, stays} {
		err := s.conn.Exec(t.Context(), fmt.Sprintf("INSERT INTO %[1]s.odd VALUES (1, ['x', '%[2]s'], map(), NULL, ''), (2, [], map('%[2]s', 'v'), NULL, ''), (3, [], map('k', '%[2]s'), NULL, ''), (4, [], map(), '%[2]s', ''), (5, [], map(), NULL, '%[2]s'), (6, [], map(), NULL, 'none%[3]d')", db, pseudonym, i))
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(table string, want uint64) {
		t.Helper()
		if n := ask(t, s, "SELECT count() FROM "+table); n != want {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
	check(db+".visitors", 2)
	check(other+".target", 10)
	check(db+".odd", 12)
	startEraser(t, s, cluster, newGate(t, cluster, erasing(policy.Drop)))
	awaitErased(t, cluster, reset(t, cluster, gone))
	check(db+".visitors", 1)
	check(other+".target", 5)
	check(db+".odd", 7)
	check(db+".seen", 5)
	wantNone(t, s, gone)
}

// What a backup brings back is erased again by a group that begins anew.
func TestEraseAgain(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	gone := canary()
	gate := newGate(t, cluster)
	storeUnder(t, newSink(t, s, cluster), 3, gone)
	if err := s.conn.Exec(t.Context(), "CREATE TABLE "+s.config.Database+"_backup ENGINE = Memory AS SELECT * FROM "+s.Table("events")); err != nil {
		t.Fatal(err)
	}
	backup := s.config.Database + "_backup"
	t.Cleanup(func() { _ = s.conn.Exec(context.Background(), "DROP TABLE IF EXISTS "+backup+" SYNC") })
	_, stop := startEraser(t, s, cluster, gate)
	awaitErased(t, cluster, reset(t, cluster, gone))
	stop()
	if err := s.conn.Exec(t.Context(), "INSERT INTO "+s.Table("events")+" SELECT * FROM "+backup+" SETTINGS insert_deduplicate = 0"); err != nil {
		t.Fatal(err)
	}
	if n := ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE visitor_id = "+quote(gone)); n != 3 {
		t.Fatalf("%d rows came back, so nothing is shown", n)
	}
	s.config.Erasure.Group += "-anew"
	e, _ := startEraser(t, s, cluster, gate)
	eventually(t, "erased again", func() bool { return e.metrics.batches.Get() == 1 })
	wantNone(t, s, gone)
	wantRows(t, s, 3)
	if n := ask(t, s, "SELECT sum(count) FROM "+s.Table("decisions")+" WHERE reason = 'erased'"); n != 3 {
		t.Errorf("%d erased rows are accounted for, want each once", n)
	}
}
