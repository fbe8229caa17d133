package embedded

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const (
	createDatabase = "CREATE DATABASE IF NOT EXISTS sekisho ENGINE = Atomic"
	createBatches  = "CREATE TABLE sekisho.batches (batch UInt32, n UInt32) ENGINE = MergeTree ORDER BY (batch, n)"
	batchRows      = 1000
)

func insertBatch(ctx context.Context, conn driver.Conn, id uint32) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO sekisho.batches")
	if err != nil {
		return err
	}
	defer batch.Close()
	for n := range uint32(batchRows) {
		if err := batch.Append(id, n); err != nil {
			return err
		}
	}
	return batch.Send()
}

func TestRowsSurviveStopAndStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	begun := time.Now()
	s := startTest(t, dir)
	t.Logf("first start took %v", time.Since(begun))
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data directory: %v, %v, want mode 0700", info.Mode(), err)
	}
	conn := connect(t, s)
	execute(t, conn, createDatabase)
	execute(t, conn, createBatches)
	if err := insertBatch(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	begun = time.Now()
	stopTest(t, s)
	t.Logf("stop took %v", time.Since(begun))
	stopTest(t, s) // again is harmless

	begun = time.Now()
	s = startTest(t, dir)
	t.Logf("second start took %v", time.Since(begun))
	conn = connect(t, s)
	execute(t, conn, createDatabase)
	if n := queryCount(t, conn, "SELECT count() FROM sekisho.batches"); n != batchRows {
		t.Errorf("%d rows after a restart, want %d", n, batchRows)
	}
	if n := s.Restarts(); n != 0 {
		t.Errorf("%d restarts counted, want 0", n)
	}
}

func TestKilledInTheMiddleOfInserts(t *testing.T) {
	var log sharedBuffer
	s := startOptions(t, Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	native, http := s.NativeAddr(), s.HTTPAddr()
	conn := connect(t, s)
	execute(t, conn, createDatabase)
	execute(t, conn, createBatches)

	var acknowledged atomic.Uint32
	enough, failed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(failed)
		for id := uint32(1); ; id++ {
			if err := insertBatch(t.Context(), conn, id); err != nil {
				return
			}
			if acknowledged.Store(id); id == 20 {
				close(enough)
			}
		}
	}()
	<-enough
	pid := s.Pid()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-failed
	eventually(t, "the engine is back", func() bool { return conn.Ping(t.Context()) == nil })

	if s.Pid() == pid || s.Pid() == 0 {
		t.Errorf("pid is %d after kill of %d", s.Pid(), pid)
	}
	if n := s.Restarts(); n != 1 {
		t.Errorf("%d restarts counted, want 1", n)
	}
	if s.NativeAddr() != native || s.HTTPAddr() != http {
		t.Errorf("addresses changed from %s, %s to %s, %s", native, http, s.NativeAddr(), s.HTTPAddr())
	}
	last := uint64(acknowledged.Load())
	if n := queryCount(t, conn, fmt.Sprintf("SELECT count() FROM sekisho.batches WHERE batch <= %d", last)); n != last*batchRows {
		t.Errorf("%d rows of %d acknowledged batches, want %d", n, last, last*batchRows)
	}
	if n := queryCount(t, conn, fmt.Sprintf("SELECT count() FROM sekisho.batches WHERE batch > %d", last)); n != 0 && n != batchRows {
		t.Errorf("%d rows of the batch that was cut off, want none or all %d", n, batchRows)
	}
	for _, want := range []string{`cause="killed: by somebody`, "embedded ClickHouse is back", "restarts=1"} {
		eventually(t, "the log says "+want, func() bool { return strings.Contains(log.String(), want) })
	}
}

// sharedBuffer may be read while it is written.
type sharedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sharedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sharedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestKilledAgainAndStoppedWhileDown(t *testing.T) {
	s := startTest(t, t.TempDir())
	kill := func() (pid int) {
		pid = s.Pid()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	const restarts = 4 // after which the next one is put off for long enough to stop before it
	for n := range int64(restarts) {
		pid := kill()
		eventually(t, "the engine is back", func() bool {
			now := s.Pid()
			return now != pid && now != 0 && pingNative(t.Context(), s.NativeAddr()) == nil
		})
		if got := s.Restarts(); got != n+1 {
			t.Fatalf("%d restarts counted, want %d", got, n+1)
		}
	}
	kill()
	eventually(t, "the end of the child is seen", func() bool { return s.Pid() == 0 })
	stopTest(t, s)
	if got := s.Restarts(); got != restarts {
		t.Errorf("%d restarts counted after a stop while down, want %d", got, restarts)
	}
}

// Whoever reads the log learns why the engine was started again.
func TestCauseOfARestartIsTold(t *testing.T) {
	log := new(sharedBuffer)
	s := startOptions(t, Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(log, nil))})
	for i, c := range []struct {
		signal syscall.Signal
		want   string
	}{{syscall.SIGABRT, "SIGABRT: abort: a fault within the engine"}, {syscall.SIGKILL, "killed: by somebody"}} {
		if err := syscall.Kill(s.Pid(), c.signal); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is back", func() bool { return strings.Count(log.String(), "is back") == i+1 })
		if said := log.String(); !strings.Contains(said, c.want) {
			t.Errorf("%v: the log says %s", c.signal, said)
		}
	}
}

// Settings that the engine does not know it ignores without a word.
func TestConfigurationIsTaken(t *testing.T) {
	s := startOptions(t, Options{Dir: t.TempDir(), MemoryLimit: 1 << 30})
	conn := connect(t, s)
	check := func(query, want string) {
		t.Helper()
		var got string
		if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", query, got, err, want)
		}
	}
	server := func(name, want string) {
		t.Helper()
		check("SELECT value FROM system.server_settings WHERE name = '"+name+"'", want)
	}
	server("max_server_memory_usage", "1073741824")
	server("max_server_memory_usage_to_ram_ratio", "0.5")
	server("memory_worker_dynamic_hard_limit", "0") // one that falls ends the engine; its clients are cut off
	server("mark_cache_size", "67108864")
	server("index_mark_cache_size", "16777216")
	server("primary_index_cache_size", "67108864")
	server("uncompressed_cache_size", "0")
	server("compiled_expression_cache_size", "16777216")
	check("SELECT value FROM system.merge_tree_settings WHERE name = 'fsync_after_insert'", "1")
	check("SELECT value FROM system.merge_tree_settings WHERE name = 'fsync_part_directory'", "1")
	check("SELECT value FROM system.merge_tree_settings WHERE name = 'merge_selector_base'", "20")
	check("SELECT value FROM system.settings WHERE name = 'poll_interval'", "1")
	check("SELECT timezone()", "UTC")
}

func TestBackgroundWork(t *testing.T) {
	s := startTest(t, t.TempDir())
	conn := connect(t, s)
	execute(t, conn, createDatabase)
	execute(t, conn, `CREATE TABLE sekisho.expiring (at DateTime, n UInt32) ENGINE = MergeTree ORDER BY n
		TTL at + INTERVAL 1 DAY SETTINGS merge_with_ttl_timeout = 0`)
	execute(t, conn, createBatches)

	execute(t, conn, "INSERT INTO sekisho.expiring VALUES (now() - INTERVAL 2 DAY, 1), (now(), 2)")
	eventually(t, "the old row expired", func() bool {
		return queryCount(t, conn, "SELECT count() FROM sekisho.expiring") == 1
	})
	const inserts = 24
	for id := range uint32(inserts) {
		if err := insertBatch(t.Context(), conn, id); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "parts were merged", func() bool {
		return queryCount(t, conn, "SELECT count() FROM system.parts WHERE database = 'sekisho' AND table = 'batches' AND active") < inserts
	})
	execute(t, conn, "ALTER TABLE sekisho.batches DELETE WHERE batch = 3 SETTINGS mutations_sync = 1")
	if n := queryCount(t, conn, "SELECT count() FROM sekisho.batches"); n != (inserts-1)*batchRows {
		t.Errorf("%d rows after a mutation, want %d", n, (inserts-1)*batchRows)
	}
	if n := queryCount(t, conn, "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'"); n != 0 {
		t.Errorf("the engine keeps %d log tables, want none: they would hold queries", n)
	}
}

func TestHTTPRefusesBrowsersOfOtherSites(t *testing.T) {
	s := startTest(t, t.TempDir())
	check := func(header, value, want string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.HTTPAddr()+"/?query=SELECT+1", nil)
		if err != nil {
			t.Fatal(err)
		}
		if header == "Host" {
			req.Host = value
		} else if header != "" {
			req.Header.Set(header, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Status[:3]; got != want || (want == "200") != (string(body) == "1\n") {
			t.Errorf("%s: %s: status %s, want %s; body %.20q", header, value, got, want, body)
		}
	}
	check("", "", "200")
	check("Host", "localhost:8123", "200")
	check("Sec-Fetch-Site", "none", "200")
	check("Sec-Fetch-Site", "cross-site", "404")
	check("Sec-Fetch-Site", "same-site", "404")
	check("Host", "rebound.example", "404")
	check("Host", "localhost.rebound.example:8123", "404")
}

func TestLogHoldsNoQuery(t *testing.T) {
	dir := t.TempDir()
	s := startTest(t, dir)
	conn := connect(t, s)
	if err := conn.Exec(t.Context(), "SELECT throwIf(1, 'no') WHERE 'secret-literal' = 'secret-literal'"); err == nil {
		t.Fatal("the query passed")
	}
	stopTest(t, s)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "secret-literal") {
			t.Errorf("%s holds a literal of the query", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEngineEndsWithItsParent(t *testing.T) {
	startTest(t, t.TempDir()) // so that the engine is fetched
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, parentCommand, dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSpace(line)
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // an open connection keeps the engine from ending at once
	if err := conn.Ping(t.Context()); err != nil {
		t.Fatalf("the parent says %q: %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	startTest(t, dir) // waits for the orphan, which has the lock until it ends
	if err := pingNative(t.Context(), addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("ping of the engine whose parent was killed: %v, want that the connection is refused", err)
	}
}

func TestSecondStartIsRefused(t *testing.T) {
	dir := t.TempDir()
	startTest(t, dir)
	_, err := Start(t.Context(), Options{Dir: dir})
	if want := fmt.Sprintf("in use by process %d", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("second start: %v, want %q", err, want)
	}
}

func TestStartQuotesTheEngine(t *testing.T) {
	check := func(write func(dir string), o Options, want string) {
		t.Helper()
		o.Dir = t.TempDir()
		write(o.Dir)
		s, err := Start(t.Context(), o)
		if err == nil {
			stopTest(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("start: %v, want %q", err, want)
		}
	}
	file := func(name, content string) func(string) {
		return func(dir string) {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func(string) {}
	startTest(t, t.TempDir()) // so that the engine is fetched
	check(file("engine.json", `{"engine":"library","version":"99.1.1"}`), Options{}, "was made by ClickHouse 99.1.1, newer than this engine")
	check(file("data/metadata/broken.sql", "no SQL"), Options{}, "broken.sql")
	check(file("data", "a file where a directory is wanted"), Options{}, "not a directory")
	check(nothing, Options{Library: os.Args[0]}, "cannot load")
	check(nothing, Options{Library: "/nowhere/libchdb.so"}, "cannot use embedded.clickhouse.library")
	check(nothing, Options{Binary: "/nowhere/clickhouse"}, "cannot use embedded.clickhouse.binary")
	check(nothing, Options{Library: "a", Binary: "b"}, "choose one")
}

func TestStopKillsAtTheDeadline(t *testing.T) {
	s := startTest(t, t.TempDir())
	pid := s.Pid()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("stop: %v, want that it was killed", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("signal to the child: %v, want that there is no such process", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("second stop: %v", err)
	}
}
