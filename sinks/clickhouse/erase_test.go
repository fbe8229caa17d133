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
	"sync"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
	"sekisho/stream/kafkatest"
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
	return e, kafkatest.Run(t, e.Run)
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
	slow.workspace = newWorkspace(s)
	slow.events.reset()
	if err := slow.events.add(under(gone, uuid.New()), 0); err != nil {
		t.Fatal(err)
	}
	send := lateInsert(t, slow)
	startEraser(t, s, cluster, newGate(t, cluster))
	awaitErased(t, cluster, reset(t, cluster, gone))
	if err := send(); err == nil {
		t.Error("an insert from before the reset is still taken")
	}
	wantNone(t, s, gone)
}

// An operator's insert is waited for, also one that does not name the database,
// since it is run in it.
func TestUnnamedInsertUnderWay(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	gone := canary()
	storeUnder(t, newSink(t, s, cluster), 1, gone)
	execute(t, s, "CREATE TABLE "+s.Table("copies")+" (v String CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple()")
	operator, err := ch.Open(&ch.Options{Addr: []string{server.NativeAddr()}, Auth: ch.Auth{Database: s.config.Database}, ReadTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()
	var copying sync.WaitGroup
	copying.Go(func() {
		// What was read of the events waits until all is.
		err := operator.Exec(t.Context(), "INSERT INTO copies SELECT v FROM (SELECT visitor_id AS v FROM events UNION ALL SELECT 'x' FROM numbers(100)) WHERE sleepEachRow(0.1) = 0 "+
			"SETTINGS max_threads = 1, max_block_size = 1, function_sleep_max_microseconds_per_block = 0, async_insert = 0")
		if err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the events are read", func() bool {
		return ask(t, s, "SELECT count() FROM system.processes WHERE current_database = "+quote(s.config.Database)+" AND startsWith(query, 'INSERT INTO copies') AND read_rows > 10") == 1
	})
	startEraser(t, s, cluster, newGate(t, cluster, erasing(policy.Drop)))
	awaitErased(t, cluster, reset(t, cluster, gone))
	copying.Wait()
	if n := ask(t, s, "SELECT count() FROM "+s.Table("copies")+" WHERE v = "+quote(gone)); n != 0 {
		t.Errorf("%d rows were written after the erasure", n)
	}
	if found := onDisk(t, gone); len(found) > 0 {
		t.Errorf("a pseudonym is still in %v", found)
	}
}

// Whatever tables the operator made of events lose the pseudonym too, wherever in
// them it stands.
func TestEraseEverywhere(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	db, other := s.config.Database, otherDatabase(t, s)
	execute(t, s,
		"CREATE MATERIALIZED VIEW "+db+".visitors ENGINE = AggregatingMergeTree ORDER BY visitor_id AS SELECT visitor_id, uniqState(session_id) AS sessions FROM "+db+".events GROUP BY visitor_id",
		"CREATE TABLE "+other+".target (v LowCardinality(String), site String) ENGINE = MergeTree ORDER BY site",
		"CREATE MATERIALIZED VIEW "+other+".feed TO "+other+".target AS SELECT visitor_id AS v, site FROM "+db+".events",
		"CREATE VIEW "+db+".seen AS SELECT visitor_id FROM "+db+".events",
		"ALTER TABLE "+db+".events ADD COLUMN journey String MATERIALIZED concat('/start/', visitor_id, '/end')",
		`CREATE TABLE `+db+`.odd (n UInt32, s String CODEC(NONE), a Array(String), aa Array(Array(LowCardinality(String))), m Map(String, String), ml Map(String, Array(Nullable(String))),
			t Tuple(x String, y UInt8), u Nullable(String), f FixedString(35), l LowCardinality(Nullable(String)), j JSON, d Dynamic, v Variant(String, UInt8),
			nested Nested(p String), g SimpleAggregateFunction(groupUniqArrayArray, Array(String)), h AggregateFunction(uniq, String)) ENGINE = MergeTree ORDER BY n`,
	)
	gone, stays := canary(), canary()
	storeUnder(t, newSink(t, s, cluster), 5, gone, stays)
	forms := []string{ // of a column of odd that has the pseudonym, %s
		"s: '%s'", "s: 'seen %s twice: %[1]s'", `s: '{"visitor":"%s"}'`, "s: 'https://bi.example.jp/?v=%s&x=1'", "s: 'x%s7'",
		"s: '" + strings.Repeat("0123456789abcdef", 4) + " %s'", "s: substring('%s', 4)", "s: hex('%s') || '%[1]s'",
		"a: ['x', '%s']", "a: ['x', 'y=%s']", "aa: [[], ['x', '%s']]", "m: map('%s', 'v')", "m: map('k', 'at %s')", "ml: map('k', ['%s'])", "ml: map('%s', [])",
		"t: ('%s', 1)", "u: '%s'", "f: '%s'", "l: '%s'", `j: '{"a":{"b":["x %s"]}}'`, "d: '%s'", "v: '%s'", "`nested.p`: ['%s']", "g: ['%s']",
	}
	for i, pseudonym := range []string{gone, stays} {
		for n, form := range forms {
			column, value, _ := strings.Cut(form, ": ")
			execute(t, s, fmt.Sprintf("INSERT INTO %s.odd (n, %s) VALUES (%d, %s)", db, column, 1000*i+n, fmt.Sprintf(value, pseudonym)))
		}
	}
	execute(t, s, "INSERT INTO "+db+".odd (n, s, h) SELECT 2000, 'none of them', uniqState('"+gone+"')")
	check := func(table string, want int) {
		t.Helper()
		if n := ask(t, s, "SELECT count() FROM "+table); n != uint64(want) {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
	check(db+".visitors", 2)
	check(other+".target", 10)
	check(db+".odd", 2*len(forms)+1)
	startEraser(t, s, cluster, newGate(t, cluster, erasing(policy.Drop)))
	awaitErased(t, cluster, reset(t, cluster, gone))
	check(db+".visitors", 1)
	check(other+".target", 5)
	check(db+".seen", 5)
	check(db+".odd", len(forms)+1)
	for n, form := range forms {
		if ask(t, s, fmt.Sprintf("SELECT count() FROM %s.odd WHERE n = %d", db, n)) != 0 {
			t.Errorf("a pseudonym is left in %s", form)
		}
	}
	wantNone(t, s, gone)
	for _, text := range []string{gone, gone[3:]} {
		if found := onDisk(t, text); len(found) > 0 {
			t.Errorf("a pseudonym is still in %v", found)
		}
	}
}

// A state that holds texts cannot be searched: nobody is told that it is erased.
func TestUnsearchableIsNamed(t *testing.T) {
	s := migratedStore(t)
	for column, want := range map[string]string{
		"x AggregateFunction(groupArray, String)":          "column x is AggregateFunction(groupArray, String)",
		"x Array(AggregateFunction(argMax, String, Int8))": "column x is Array(AggregateFunction(argMax, String, Int8))",
		"x AggregateFunction(sumMap, Map(String, UInt64))": "column x is AggregateFunction(sumMap, Map(String, UInt64))",
		"x AggregateFunction(countDistinct, String)":       "column x is AggregateFunction(countDistinct, String)",
		"x AggregateFunction(sumArgMax, UInt64, String)":   "column x is AggregateFunction(sumArgMax, UInt64, String)",
	} {
		execute(t, s, "CREATE OR REPLACE TABLE "+s.Table("states")+" ("+column+") ENGINE = MergeTree ORDER BY tuple()")
		if _, left, err := s.places(t.Context(), 1); err != nil || !strings.Contains(left.Error(), want) {
			t.Errorf("%s: %v, %v", column, left, err)
		}
	}
	execute(t, s, "CREATE OR REPLACE TABLE "+s.Table("states")+` (a AggregateFunction(uniqExactIf, String, UInt8), b AggregateFunction(uniqCombined(12), String),
		c AggregateFunction(uniqUpTo(5), String), d AggregateFunction(count, String), e AggregateFunction(uniqArray, Array(String))) ENGINE = MergeTree ORDER BY tuple()`)
	if _, left, err := s.places(t.Context(), 1); err != nil || len(left) > 0 {
		t.Errorf("states that hold no texts: %v, %v", left, err)
	}
	execute(t, s, "DROP TABLE "+s.Table("states"), "CREATE TABLE "+s.Table("notes")+" (x String) ENGINE = Log")
	if _, left, err := s.places(t.Context(), 1); err != nil || !strings.Contains(left.Error(), "its engine Log") {
		t.Errorf("a table without mutations: %v, %v", left, err)
	}
}

// One table that cannot be searched keeps erasure from its end and nothing else from
// being erased, not of resets that come later either; and the reports name it.
func TestUnsearchableHoldsUpNothingElse(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	first, second, noted := canary(), canary(), canary()
	storeUnder(t, newSink(t, s, cluster), 3, first, second, noted)
	table := s.Table("notes")
	execute(t, s, "CREATE TABLE "+table+" (x String) ENGINE = Log", "INSERT INTO "+table+" VALUES ("+quote(noted)+")")
	startEraser(t, s, cluster, newGate(t, cluster))
	begun := time.Now()
	heldUp := func(pseudonym string, end int64) {
		t.Helper()
		for deadline := time.Now().Add(eraseTime); ; time.Sleep(50 * time.Millisecond) {
			reports := stream.NewProgress(cluster)
			if err := reports.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			state, _, _ := reports.Of(policy.Store, end-1, end, begun)
			reason := reports.Reason(policy.Store, end-1, end, begun)
			if state == schemas.Done {
				t.Fatal("it is reported as done, and a table could not be searched")
			}
			if state == schemas.Asked && strings.Contains(reason, "notes") && strings.Contains(reason, "its engine Log") &&
				ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE visitor_id = "+quote(pseudonym)) == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("state %s, reason %q, or the rows are there still", state, reason)
			}
		}
	}
	heldUp(first, reset(t, cluster, first))
	heldUp(second, reset(t, cluster, second))
	end := reset(t, cluster, noted)
	heldUp(noted, end)
	execute(t, s, "DROP TABLE "+table)
	awaitErased(t, cluster, end)
	wantNone(t, s, first, second, noted)
	if n := ask(t, s, "SELECT sum(count) FROM "+s.Table("decisions")+" WHERE recipient = 'store' AND reason = 'erased'"); n != 9 {
		t.Errorf("%d erased rows are accounted for, want 9", n)
	}
}

// A view that is refreshed brings nothing back which it read before the rows were
// deleted, wherever it writes.
func TestEraseUnderRefreshes(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	db, other := s.config.Database, otherDatabase(t, s)
	execute(t, s,
		"CREATE TABLE "+other+".target (v String CODEC(NONE), slow UInt8) ENGINE = MergeTree ORDER BY tuple()",
		"CREATE TABLE "+other+".added (v String CODEC(NONE), slow UInt8) ENGINE = MergeTree ORDER BY tuple()",
	)
	gone, stays := canary(), canary()
	storeUnder(t, newSink(t, s, cluster), 10, gone, stays)
	query := " AS SELECT visitor_id AS v, sleepEachRow(0.03) AS slow FROM " + db + ".events"
	execute(t, s,
		"CREATE MATERIALIZED VIEW "+other+".again REFRESH EVERY 1 SECOND TO "+other+".target"+query,
		"CREATE MATERIALIZED VIEW "+other+".more REFRESH EVERY 1 SECOND APPEND TO "+other+".added"+query,
		"CREATE MATERIALIZED VIEW "+db+".inside REFRESH EVERY 1 SECOND (v String CODEC(NONE), slow UInt8) ENGINE = MergeTree ORDER BY tuple()"+query,
	)
	tables := []string{other + ".target", other + ".added", db + ".inside"}
	bearing := func(table, pseudonym string) uint64 {
		return ask(t, s, "SELECT count() FROM "+table+" WHERE v = "+quote(pseudonym))
	}
	for _, table := range tables {
		eventually(t, "the view was refreshed", func() bool { return bearing(table, gone) > 0 })
	}
	startEraser(t, s, cluster, newGate(t, cluster, erasing(policy.Drop)))
	awaitErased(t, cluster, reset(t, cluster, gone))
	if found := onDisk(t, gone); len(found) > 0 {
		t.Errorf("a pseudonym is still in %v", found)
	}
	refreshed := func() uint64 {
		return ask(t, s, "SELECT toUInt64(min(toUnixTimestamp(last_success_time))) FROM system.view_refreshes WHERE database IN ("+quote(db)+", "+quote(other)+")")
	}
	for begun, n := refreshed(), 0; n < 2; n++ {
		eventually(t, "it is refreshed again", func() bool { return refreshed() > begun })
		for _, table := range tables {
			if bearing(table, gone) > 0 || bearing(table, stays) == 0 {
				t.Errorf("%s has %d rows of who was reset and %d of another", table, bearing(table, gone), bearing(table, stays))
			}
		}
		begun = refreshed()
	}
}

// What is in a table that was dropped stays on the disk for a while, for as long as
// a query reads it at least. It is not erased before that.
func TestDroppedTablesAreAwaited(t *testing.T) {
	s, cluster := erasable(t), topicOf(t, 1)
	gone := canary()
	storeUnder(t, newSink(t, s, cluster), 1, gone)
	create := func(table string) {
		execute(t, s, "CREATE TABLE "+s.Table(table)+" (v String CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple()",
			"INSERT INTO "+s.Table(table)+" SELECT "+quote(gone)+" FROM numbers(100)")
	}
	create("dropped")
	create("exchanged")
	var reading sync.WaitGroup
	reading.Go(func() {
		_ = s.conn.Exec(t.Context(), "SELECT count() FROM (SELECT v FROM "+s.Table("dropped")+" UNION ALL SELECT v FROM "+s.Table("exchanged")+
			") WHERE sleepEachRow(0.1) = 0 FORMAT Null SETTINGS max_threads = 1, max_block_size = 10, function_sleep_max_microseconds_per_block = 0")
	})
	eventually(t, "the query runs", func() bool {
		return ask(t, s, "SELECT count() FROM system.processes WHERE position(query, 'sleepEachRow') > 0 AND position(query, 'system.processes') = 0 AND position(query, "+quote(s.config.Database)+") > 0") == 1
	})
	execute(t, s, "DROP TABLE "+s.Table("dropped"),
		"CREATE TABLE "+s.Table("fresh")+" (v String) ENGINE = MergeTree ORDER BY tuple()",
		"EXCHANGE TABLES "+s.Table("fresh")+" AND "+s.Table("exchanged"), "DROP TABLE "+s.Table("fresh"))
	if len(onDisk(t, gone)) < 2 {
		t.Fatal("nothing is left of the dropped tables, so nothing is shown")
	}
	startEraser(t, s, cluster, newGate(t, cluster, erasing(policy.Drop)))
	awaitErased(t, cluster, reset(t, cluster, gone))
	if found := onDisk(t, gone); len(found) > 0 {
		t.Errorf("a pseudonym is still in %v", found)
	}
	reading.Wait()
}

// otherDatabase makes a database beside that of the store.
func otherDatabase(t testing.TB, s *Store) string {
	t.Helper()
	name := s.config.Database + "_other"
	execute(t, s, "CREATE DATABASE "+name)
	t.Cleanup(func() { _ = s.conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" SYNC") })
	return name
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
