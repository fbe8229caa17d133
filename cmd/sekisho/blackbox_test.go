package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sekisho/cmd/sekisho/internal/local"
	"sekisho/stream/kafkatest"
)

// What every black-box test needs: the real binary, and `sekisho up` with it.

// program is the binary under test, built when the first test asks for it.
var program struct {
	dir   string
	build sync.Once
	err   error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sekisho-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program.dir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// binary returns the path of the binary.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(program.dir, "sekisho")
	program.build.Do(func() {
		out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("cannot build sekisho: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return path
}

// How long things may take on a slow machine before a test fails.
const (
	startTime = 2 * time.Minute // the embedded ClickHouse may have to be fetched
	stopTime  = time.Minute
	waitTime  = time.Minute
)

// running is a `sekisho up`.
type running struct {
	local.Addresses
	Dir string // data directory

	process *exec.Cmd
	ended   chan error
	out     output
	store   driver.Conn
}

// startUp runs `sekisho up` on free ports over a data directory and returns
// when it is ready. It is stopped when the test ends, unless it was before.
func startUp(t *testing.T, dir string, arguments ...string) *running {
	t.Helper()
	u := &running{Dir: dir, ended: make(chan error, 1)}
	file := filepath.Join(t.TempDir(), "addresses.json")
	arguments = append([]string{
		"up", "--data", dir, "--addresses", file, "--demo-port=0", "--collector-port=0", "--admin-port=0",
		"--kafka-port=0", "--clickhouse-native-port=0", "--clickhouse-http-port=0",
		"--google-port=0", "--meta-port=0", "--webhook-port=0",
	}, arguments...)
	u.process = exec.Command(binary(t), arguments...)
	u.process.Env = append(environment(), kafkaFor(t, dir)...)
	u.process.Stdout, u.process.Stderr = &u.out, &u.out
	if err := u.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { u.ended <- u.process.Wait() }()
	t.Cleanup(func() {
		if u.process != nil {
			u.end(t, os.Interrupt)
		}
		if t.Failed() {
			t.Logf("what sekisho up said:\n%s", u.out.String())
		}
	})
	eventually(t, startTime, "sekisho up to be ready", func() bool {
		select {
		case err := <-u.ended:
			u.process = nil
			t.Fatalf("sekisho up ended before it was ready: %v", err)
		default:
		}
		_, err := os.Stat(file)
		return err == nil
	})
	addresses, err := local.ReadAddresses(file)
	if err != nil {
		t.Fatal(err)
	}
	u.Addresses = addresses
	return u
}

// kafkaFor names the Kafka of a data directory where it is not for `sekisho up`
// to bring one: when the test has, and in builds with the tag apache. It lasts as
// long as the test.
func kafkaFor(t *testing.T, dir string) []string {
	t.Helper()
	k, found := brought[dir]
	if !found && !kafkatest.Apache {
		return nil
	}
	if !found {
		k = bring(t, dir)
	}
	return []string{"SEKISHO_KAFKA_BROKERS=" + k.Address()}
}

// bring starts a Kafka of its own, behind a proxy, for the `sekisho up` of a data
// directory.
func bring(t *testing.T, dir string) *kafkatest.Kafka {
	t.Helper()
	k, err := kafkatest.Start(filepath.Join(dir, "a kafka"))
	if err != nil {
		t.Fatal(err)
	}
	brought[dir] = k
	t.Cleanup(func() { k.Close(); delete(brought, dir) })
	return k
}

// brought are the Kafkas of kafkaFor by data directory.
var brought = map[string]*kafkatest.Kafka{}

// environment is the test's own without any configuration.
func environment() (kept []string) {
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "SEKISHO_") {
			kept = append(kept, pair)
		}
	}
	return kept
}

// stop stops it as Ctrl-C does and fails the test unless it ends well.
func (u *running) stop(t *testing.T) {
	t.Helper()
	if err := u.end(t, os.Interrupt); err != nil {
		t.Errorf("sekisho up did not stop well: %v", err)
	}
}

// kill ends it as a crash does.
func (u *running) kill(t *testing.T) {
	t.Helper()
	_ = u.end(t, os.Kill)
}

func (u *running) end(t *testing.T, signal os.Signal) error {
	t.Helper()
	if u.store != nil {
		u.store.Close()
		u.store = nil
	}
	process := u.process
	u.process = nil
	_ = process.Process.Signal(signal)
	select {
	case err := <-u.ended:
		return err
	case <-time.After(stopTime):
		_ = process.Process.Kill()
		<-u.ended
		return errors.New("it had to be killed")
	}
}

// eventually waits until done, and fails the test when it takes longer than
// the limit.
func eventually(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			t.Fatalf("waited %s in vain for %s", limit, what)
		case <-tick.C:
		}
	}
}

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
