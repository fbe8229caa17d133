package stream

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream/kafkatest"
)

// broker is a Kafka that a test can disturb.
type broker struct{ *kafkatest.Kafka }

func startBroker(t testing.TB) *broker { return startBrokerOn(t, t.TempDir()) }

func startBrokerOn(t testing.TB, dir string) *broker {
	t.Helper()
	k, err := kafkatest.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return &broker{k}
}

// stop has the broker be away until start.
func (b *broker) stop() { b.Away() }

func (b *broker) start(t testing.TB) {
	t.Helper()
	if err := b.Restart(); err != nil {
		t.Fatal(err)
	}
}

// hang has the broker neither be asked nor answer until the returned function
// is called.
func (b *broker) hang(t testing.TB) (release func()) {
	release = b.Hang()
	t.Cleanup(release)
	return release
}

func testConfig(b *broker) Config {
	c := DefaultConfig()
	c.Brokers = []string{b.Address()}
	c.Partitions = 2
	c.Timeout = 30 * time.Second
	c.Retention = 10 * 365 * 24 * time.Hour // a broker looks for what has expired when it likes, and some messages are old
	return c
}

// grace is how much later than it should something may be done on a machine that is
// busy otherwise.
const grace = 10 * time.Second

// open connects and makes the topics.
func open(t testing.TB, c Config) *Cluster {
	t.Helper()
	connect := func(c Config) *Cluster {
		cluster, err := Connect(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		return cluster
	}
	patient := c // to make topics takes longer than what a test may have little time for
	patient.Timeout = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := connect(patient).EnsureTopics(ctx); err != nil {
		t.Fatal(err)
	}
	return connect(c)
}

// produceTo starts a producer with what its log says.
func produceTo(t testing.TB, cluster *Cluster) (*Producer, *logged) {
	t.Helper()
	log := new(logged)
	p := NewProducer(cluster, cluster.config.Partitions, ProducerOptions{Log: log.logger()})
	t.Cleanup(p.Close)
	return p, log
}

// logged is a log.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

var allowed = schemas.Decision{Minute: 1700000040, Site: "shop", Outcome: schemas.Allowed, Reason: schemas.ReasonGranted}

// event is a message with a decision.
func event(key, value string) Message {
	return Message{Key: []byte(key), Value: []byte(value), Time: time.Now(), Decisions: []schemas.Decision{allowed}}
}

// readAll returns all messages of the events topic, by partition and offset.
func readAll(t testing.TB, cluster *Cluster) (all []kafka.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for partition := range cluster.config.Partitions {
		first, end, err := cluster.bounds(ctx, cluster.config.Topics.Events, partition)
		for err != nil && ctx.Err() == nil { // the broker may have begun just now
			first, end, err = cluster.bounds(ctx, cluster.config.Topics.Events, partition)
		}
		if err != nil {
			t.Fatal(err)
		}
		if first == end {
			continue
		}
		reader := kafka.NewReader(kafka.ReaderConfig{
			Brokers: cluster.config.Brokers, Topic: cluster.config.Topics.Events, Partition: partition,
			MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 100 * time.Millisecond, ReadLagInterval: -1,
		})
		for at := first; at < end; {
			m, err := reader.FetchMessage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			all, at = append(all, m), m.Offset+1
		}
		reader.Close()
	}
	return all
}

// tally separates events from accounts, of which it adds up those with
// different ids.
type tally struct {
	events   map[string]int // copies by value
	accounts map[uuid.UUID]int
	sum      schemas.Account
}

func tallyOf(t testing.TB, messages []kafka.Message) tally {
	t.Helper()
	all := tally{events: map[string]int{}, accounts: map[uuid.UUID]int{}, sum: schemas.Account{}}
	for i := range messages {
		m := &messages[i]
		switch kind := string(HeaderOf(m.Headers, schemas.HeaderKind)); kind {
		case schemas.KindEvent:
			all.events[string(m.Value)]++
		case schemas.KindAccount:
			id, err := uuid.FromBytes(HeaderOf(m.Headers, schemas.HeaderBatch))
			if err != nil {
				t.Fatalf("account at %d: %v", m.Offset, err)
			}
			if all.accounts[id]++; all.accounts[id] > 1 {
				continue
			}
			if err := all.sum.Add(m.Value); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("message of kind %q", kind)
		}
	}
	return all
}

// wait waits until a condition holds.
func wait(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// TestMain fails when goroutines of this package or of the client are left
// after all tests.
func TestMain(m *testing.M) {
	code := m.Run()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left := leaked()
		if left == "" {
			break
		}
		if time.Now().After(deadline) {
			fmt.Println("goroutines are left:\n" + left)
			code = 1
			break
		}
	}
	os.Exit(code)
}

func leaked() string {
	buffer := make([]byte, 1<<20)
	var found []string
	for _, g := range strings.Split(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(g, "sekisho/stream.") && !strings.Contains(g, "sekisho/stream.TestMain") || strings.Contains(g, "segmentio/kafka-go") {
			found = append(found, g)
		}
	}
	return strings.Join(found, "\n\n")
}

func name(i int) string { return fmt.Sprintf("event %06d", i) }
