package clickhouse

import (
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	files "sekisho/schemas/clickhouse"
	"sekisho/schemas/policy"
)

func TestMigrateTwice(t *testing.T) {
	s := bareStore(t)
	before, err := s.MigrationStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range before {
		if !m.Applied.IsZero() {
			t.Errorf("migration %d is applied before Migrate", m.Number)
		}
	}
	for range 2 {
		if err := s.Migrate(t.Context(), Retention{"shop": 30}); err != nil {
			t.Fatal(err)
		}
	}
	after, err := s.MigrationStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range after {
		if m.Applied.IsZero() {
			t.Errorf("migration %d is not applied", m.Number)
		}
	}
	if n := ask(t, s, "SELECT count() FROM "+s.Table("migrations")); int(n) != len(before) || n == 0 {
		t.Errorf("%d migrations are recorded, want %d", n, len(before))
	}
}

// A migration that ended half-way is applied again.
func TestMigrateAgainAfterHalf(t *testing.T) {
	s := migratedStore(t)
	if err := s.conn.Exec(t.Context(), "TRUNCATE TABLE "+s.Table("migrations")); err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context(), Retention{"shop": 30}); err != nil {
		t.Fatal(err)
	}
}

// withDictionaries is a store of before migration 7.
func withDictionaries(t *testing.T) *Store {
	t.Helper()
	s := bareStore(t)
	if err := s.prepareMigrations(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := s.MigrationStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list[:6] {
		if err := s.apply(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Rows that are stored already keep what they have, and there is no end to storing
// while they are rewritten. Compact parts and wide ones.
func TestMigrateWhatIsStored(t *testing.T) {
	s := withDictionaries(t)
	k := newSink(t, s, topicOf(t, 1))
	rows := "SELECT groupBitXor(cityHash64(toString(tuple(" + columnNames + ")))) FROM " + s.Table(Events)
	full := fullRecord()
	handle(t, k, partitionLog(append(viewMessages(ids7(t, 1000)...), eventMessage(full))...))
	if err := s.conn.Exec(t.Context(), "ALTER TABLE "+s.Table(Events)+" MODIFY SETTING min_bytes_for_wide_part = 0"); err != nil {
		t.Fatal(err)
	}
	log := partitionLog(append(viewMessages(ids7(t, 1000)...), eventMessage(newRecord(uuid.New())))...)
	for i := range log {
		log[i].Offset += 2000
		log[i].HighWaterMark += 2000
	}
	handle(t, k, log)
	wantRows(t, s, 2002)
	before := ask(t, s, rows)
	if err := s.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if after := ask(t, s, rows); after != before {
		t.Error("rows are read as others")
	}
	for ask(t, s, "SELECT count() FROM system.mutations WHERE NOT is_done AND database = "+quote(s.config.Database)) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if after := ask(t, s, rows); after != before {
		t.Error("rows have become others")
	}
	again := newSink(t, s, topicOf(t, 1))
	handle(t, again, partitionLog(append(viewMessages(ids7(t, 10)...), eventMessage(full))...))
	if n := again.metrics.duplicates.Get(); n != 1 {
		t.Errorf("%d events are found to be there, want 1", n)
	}
	wantRows(t, s, 2012)
	if n := ask(t, s, "SELECT countIf(type LIKE 'LowCardinality%') FROM system.columns WHERE default_kind != 'ALIAS' AND table = 'events' AND database = "+quote(s.config.Database)); n != 2 {
		t.Errorf("%d columns have dictionaries, want 2: site and type", n)
	}
}

// What an operator has added to the table may be in the way, and the error says what to
// do. Once it is gone the migration goes on.
func TestMigrateWithProjection(t *testing.T) {
	s := withDictionaries(t)
	execute(t, s, "ALTER TABLE "+s.Table(Events)+" MODIFY SETTING deduplicate_merge_projection_mode = 'drop'",
		"ALTER TABLE "+s.Table(Events)+" ADD PROJECTION mine (SELECT utm_source, count() GROUP BY utm_source)")
	err := s.Migrate(t.Context(), nil)
	for _, want := range []string{"migration 7 (plain_texts)", "projection mine", "drop the projection or index"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want it to tell of %q", err, want)
		}
	}
	execute(t, s, "ALTER TABLE "+s.Table(Events)+" DROP PROJECTION mine")
	if err := s.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// Neither rewriting nor a new retention is waited for.
func TestMigrateWaitsForNoRows(t *testing.T) {
	s := withDictionaries(t)
	handle(t, newSink(t, s, topicOf(t, 1)), partitionLog(viewMessages(ids7(t, 10)...)...))
	execute(t, s, "SYSTEM STOP MERGES "+s.Table(Events))
	// For what does not end it would wait until the store's timeout, and fail.
	if err := s.Migrate(t.Context(), Retention{"shop": 30}); err != nil {
		t.Fatal(err)
	}
	wantRows(t, s, 10)
	if n := ask(t, s, "SELECT count() FROM system.mutations WHERE NOT is_done AND table = 'events' AND database = "+quote(s.config.Database)); n == 0 {
		t.Error("nothing waits to be rewritten")
	}
	execute(t, s, "SYSTEM START MERGES "+s.Table(Events))
}

// What is reset while rows wait to be rewritten is erased with them, and others' rows
// stay as they are.
func TestEraseWhileRewriting(t *testing.T) {
	for _, action := range []policy.Action{policy.Drop, policy.Anonymise} {
		t.Run(action.String(), func(t *testing.T) {
			s, cluster := withDictionaries(t), topicOf(t, 1)
			gone, stays := canary(), canary()
			storeUnder(t, newSink(t, s, cluster), 10, gone, stays)
			rows := "SELECT groupBitXor(cityHash64(toString(tuple(" + columnNames + ")))) FROM " + s.Table(Events) + " WHERE visitor_id = " + quote(stays)
			before := ask(t, s, rows)
			execute(t, s, "ALTER TABLE "+s.Table(Events)+" MODIFY SETTING old_parts_lifetime = 1", "SYSTEM STOP MERGES "+s.Table(Events))
			if err := s.Migrate(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			startEraser(t, s, cluster, newGate(t, cluster, erasing(action)))
			end := reset(t, cluster, gone)
			waiting := func(what string) uint64 {
				t.Helper()
				return ask(t, s, "SELECT count() FROM system.mutations WHERE NOT is_done AND table = 'events' AND position(command, "+quote(what)+") > 0 AND database = "+quote(s.config.Database))
			}
			for waiting("erasing") == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			if waiting("MODIFY COLUMN") == 0 {
				t.Error("nothing is being rewritten")
			}
			execute(t, s, "SYSTEM START MERGES "+s.Table(Events))
			awaitErased(t, cluster, end)
			wantNone(t, s, gone)
			wantRows(t, s, map[policy.Action]uint64{policy.Drop: 10, policy.Anonymise: 20}[action])
			if after := ask(t, s, rows); after != before {
				t.Error("the rows of another visitor have changed")
			}
		})
	}
}

func TestMigrateRefuses(t *testing.T) {
	s := migratedStore(t)
	check := func(statement, want string) {
		t.Helper()
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		err := s.Migrate(t.Context(), Retention{"shop": 30})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("after %s: %v, want %s", statement, err, want)
		}
	}
	check("INSERT INTO "+s.Table("migrations")+" (number, name, checksum) VALUES (99, 'later', '')",
		"has migration 99 (later) of a newer program")
	check("INSERT INTO "+s.Table("migrations")+" (number, name, checksum) VALUES (1, 'events', 'other')",
		"migration 1 (events) is not the one that was applied")
}

func TestReadMigrations(t *testing.T) {
	check := func(want string, names ...string) {
		t.Helper()
		dir := fstest.MapFS{}
		for _, name := range names {
			dir[name] = &fstest.MapFile{Data: []byte("SELECT 1;\n")}
		}
		_, err := readMigrations(dir)
		if got := errorText(err); got != want {
			t.Errorf("%v: %q, want %q", names, got, want)
		}
	}
	check("", "0001_a.sql", "0002_b.sql")
	check("migration 0003_b.sql should have number 0002", "0001_a.sql", "0003_b.sql")
	check("migration 0001_b.sql should have number 0002", "0001_a.sql", "0001_b.sql")
	check("migration x_a.sql should have number 0001", "x_a.sql")
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What a cluster is given is at least understood, and has its forms.
func TestClusterStatements(t *testing.T) {
	s := bareStore(t)
	d := dialect{Database: "sekisho", Cluster: "main"}
	list, err := readMigrations(files.Files)
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, m := range append(list, Migration{source: bootstrap}) {
		statements, err := d.statements(m.source)
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			if err := s.conn.Exec(t.Context(), "EXPLAIN AST "+statement); err != nil {
				t.Errorf("%v\n%s", err, statement)
			}
			if !strings.Contains(statement, " ON CLUSTER 'main'") {
				t.Errorf("not run on the cluster: %s", statement)
			}
			all += statement + "\n"
		}
	}
	if plain := regexp.MustCompile(`ENGINE = \w*MergeTree`).FindAllString(all, -1); len(plain) == 0 {
		t.Error("no engine found")
	} else {
		for _, engine := range plain {
			if !strings.HasPrefix(engine, "ENGINE = Replicated") {
				t.Errorf("%s is not replicated", engine)
			}
		}
	}
	for _, want := range []string{
		"CREATE TABLE IF NOT EXISTS sekisho.events_local ON CLUSTER 'main'",
		"CREATE TABLE IF NOT EXISTS sekisho.events ON CLUSTER 'main' AS sekisho.events_local",
		"Distributed('main', 'sekisho', 'events_local', cityHash64(id))",
		"Distributed('main', 'sekisho', 'decisions_local', kafka_partition)",
		"FROM sekisho.decisions\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("missing: %s", want)
		}
	}
}

// TestClickHouseGoneWhileMigrationsAreRead is waited for, as it is before. (Sinks that
// were started while ClickHouse was being restarted ended with code 1.)
func TestClickHouseGoneWhileMigrationsAreRead(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var back atomic.Bool
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server.NativeAddr())
			if err != nil || !back.Load() {
				from.Close()
				continue
			}
			go func() { _, _ = io.Copy(to, from); to.Close() }()
			go func() { _, _ = io.Copy(from, to); from.Close() }()
		}
	}()
	c := bareStore(t).Config()
	c.Addresses = []string{l.Addr().String()}
	s, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	failures := 0
	list, err := s.AwaitMigrationStatus(t.Context(), func(error, time.Duration) {
		if failures++; failures == 2 {
			back.Store(true)
		}
	})
	if err != nil || len(list) == 0 || failures < 2 {
		t.Errorf("%d migrations after %d failures: %v", len(list), failures, err)
	}
	back.Store(false)
	gone, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := gone.AwaitMigrationStatus(ctx, func(error, time.Duration) { cancel() }); err == nil {
		t.Error("it is stopped while ClickHouse is away, and says that all is well")
	}
}
