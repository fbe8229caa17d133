package clickhouse

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse/embedded"
	"sekisho/stream"
)

// sinkCommand makes the test binary a sink that is there to be killed.
const sinkCommand = "sink"

// sinkProcess is what it does: arguments are the broker, the topic, the address
// of ClickHouse and the database.
func sinkProcess(args []string) int {
	kafka := stream.DefaultConfig()
	kafka.Brokers, kafka.Topics.Events, kafka.Topics.Resets = args[:1], args[1], args[1]+".resets"
	c := DefaultConfig()
	c.Addresses, c.Database = args[2:3], args[3]
	c.Batch = Batch{MaxEvents: 200, MaxWait: 20 * time.Millisecond}
	cluster, err := stream.Connect(kafka)
	if err == nil {
		var s *Store
		if s, err = Connect(c); err == nil {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			log := slog.New(slog.NewTextHandler(os.Stderr, nil))
			p, _ := policy.Parse(policy.Example)
			table := enforcer.Compile(p)
			gate := followed(context.Background(), cluster, table)
			err = NewSink(s, cluster, SinkOptions{Gate: gate, Log: log, Metrics: metrics.NewSet()}).Run(ctx)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startProcess runs a sink in a process of its own.
func startProcess(t *testing.T, s *Store, cluster *stream.Cluster) *os.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := cluster.Config()
	cmd := exec.Command(self, sinkCommand, c.Brokers[0], c.Topics.Events, s.config.Addresses[0], s.config.Database)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process
}

func rowsOf(t *testing.T, s *Store) uint64 {
	t.Helper()
	return ask(t, s, "SELECT count() FROM "+s.Table("events"))
}

// wantAll waits until n events are stored and accounted for, and then wants
// each to be there once.
func wantAll(t *testing.T, s *Store, n uint64) {
	t.Helper()
	eventually(t, fmt.Sprint(n, " events are stored and accounted for"), func() bool {
		return rowsOf(t, s) >= n && received(t, s) >= n
	})
	wantRows(t, s, n)
	wantReceived(t, s, n)
}

// signalled runs a sink in a process of its own and sends it a signal while it stores.
// It returns how many events there are, of which it has not stored all: a busy machine
// may let it store them before the signal comes, and then there are more.
func signalled(t *testing.T, s *Store, cluster *stream.Cluster, signal os.Signal) (child *os.Process, events uint64) {
	t.Helper()
	const more = 10_000
	for range 10 {
		before := events
		produce(t, cluster, 2, more)
		events += more
		child = startProcess(t, s, cluster)
		eventually(t, "the sink stores", func() bool { return rowsOf(t, s) > before })
		if err := child.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if rowsOf(t, s) < events {
			return child, events
		}
		_ = child.Kill()
	}
	t.Fatal("the signal came too late to show anything, each time")
	return nil, 0
}

// A sink that is killed (-9) while it stores loses and doubles nothing: another
// goes on.
func TestSinkKilled(t *testing.T) {
	t.Parallel()
	s, cluster := migratedStore(t), topicOf(t, 2)
	_, events := signalled(t, s, cluster, syscall.SIGKILL)
	start(t, newSink(t, s, cluster))
	wantAll(t, s, events)
}

// A sink that is stopped for longer than its group waits, and goes on when
// another has its partitions, does not send what it was about to.
func TestSinkSuspended(t *testing.T) {
	t.Parallel()
	s, cluster := migratedStore(t), topicOf(t, 2)
	child, events := signalled(t, s, cluster, syscall.SIGSTOP)
	other := newSink(t, s, cluster)
	start(t, other)
	wantAll(t, s, events)
	if err := child.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the suspended sink is a member again", func() bool { return other.consumer.Assigned() == 1 })
	produce(t, cluster, 2, 1000)
	wantAll(t, s, events+1000)
}

// ClickHouse is killed (-9) while the sink stores, and started again.
func TestClickHouseKilled(t *testing.T) {
	t.Parallel()
	own, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Stop(context.Background()) }()
	c := DefaultConfig()
	c.Addresses = []string{own.NativeAddr()}
	c.Batch = Batch{MaxEvents: 500, MaxWait: 20 * time.Millisecond}
	s, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context(), RetentionOf(examplePolicy(t))); err != nil {
		t.Fatal(err)
	}
	cluster := topicOf(t, 2)
	k := newSink(t, s, cluster)
	stop := start(t, k)
	defer stop()
	events := uint64(0)
	for i := 0; i < 3 || k.metrics.errors.Get() == 0; i++ { // until a run was disturbed: else nothing is shown
		if i == 20 {
			t.Fatal("no run was disturbed, so nothing is shown")
		}
		const more = 3000
		before := rowsOf(t, s)
		produce(t, cluster, 2, more)
		events += more
		eventually(t, "the sink stores", func() bool { return rowsOf(t, s) > before || rowsOf(t, s) == events })
		time.Sleep(time.Duration(i%3*23) * time.Millisecond) // the moment, not a wait
		if err := syscall.Kill(own.Pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "ClickHouse is back", func() bool { return own.Restarts() > int64(i) && s.Ping(t.Context()) == nil })
	}
	wantAll(t, s, events)
}

// cutter is a way to ClickHouse that swallows the answer to an insert and hangs
// up, so that the outcome is not known.
type cutter struct {
	net.Listener
	to    string
	armed atomic.Int64 // bytes to let through in one connection before it is cut; 0 for all
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, to: to}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	return c
}

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	upstream, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer upstream.Close()
	var sent atomic.Int64
	go func() {
		defer upstream.Close()
		_, _ = io.Copy(upstream, io.TeeReader(client, writerFunc(func(b []byte) { sent.Add(int64(len(b))) })))
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := upstream.Read(buffer)
		if limit := c.armed.Load(); limit > 0 && sent.Load() > limit && c.armed.CompareAndSwap(limit, 0) {
			return // an answer came: what it answers is done
		}
		if n > 0 {
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

// The answer to an insert is lost. What it stored is not stored again, in runs
// of other sizes neither.
func TestAnswerLost(t *testing.T) {
	s, cluster := migratedStore(t), topicOf(t, 1)
	way := newCutter(t, s.config.Addresses[0])
	c := s.config
	c.Addresses = []string{way.Addr().String()}
	through, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer through.Close()
	var messages []kafka.Message
	for _, id := range ids7(t, 3000) {
		r := newRecord(id)
		r.Event.Set(schemas.Title, rand.Text()+rand.Text()+rand.Text()) // so that the insert is what is large
		messages = append(messages, eventMessage(r))
	}
	messages = partitionLog(messages...)
	k := newSink(t, through, cluster)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := k.Handle(ctx, 0, messages[:10]); err != nil {
		t.Fatal(err)
	}
	way.armed.Store(150_000)
	if err := k.Handle(ctx, 0, messages[10:]); err == nil {
		t.Fatal("the answer was not lost")
	}
	if err := k.Handle(ctx, 0, messages[10:]); err != nil {
		t.Fatal(err)
	}
	handle(t, newSink(t, s, cluster), messages[5:1234])
	wantRows(t, s, 3000)
}
