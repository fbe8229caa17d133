package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// member is a consumer that remembers what it handled.
type member struct {
	*Consumer
	log  *logged
	stop func()

	mu      sync.Mutex
	handled map[string]int // events, by how often
	runs    []string       // "partition:first-last"
	fail    error
	gate    chan struct{} // when set, the handler waits for it
}

func join(t testing.TB, cluster *Cluster, prepare ...func(*member)) *member {
	t.Helper()
	m := &member{log: new(logged), handled: map[string]int{}}
	for _, p := range prepare {
		p(m)
	}
	m.Consumer = NewConsumer(cluster, ConsumerOptions{
		Group: "test", MaxMessages: 100, MaxWait: 50 * time.Millisecond, Log: m.log.logger(),
	}, m.handle)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	m.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(m.stop)
	return m
}

func (m *member) handle(ctx context.Context, partition int, messages []kafka.Message) error {
	m.mu.Lock()
	gate, fail := m.gate, m.fail
	m.runs = append(m.runs, fmt.Sprintf("%d:%d-%d", partition, messages[0].Offset, messages[len(messages)-1].Offset))
	m.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fail != nil {
		return fail
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range messages {
		if string(HeaderOf(messages[i].Headers, schemas.HeaderKind)) == schemas.KindEvent {
			m.handled[string(messages[i].Value)]++
		}
	}
	return nil
}

func (m *member) set(change func(*member)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

func (m *member) events() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.handled)
}

// write writes events [from, to) and returns when they are acknowledged.
func write(t testing.TB, p *Producer, from, to int) {
	t.Helper()
	var messages []Message
	for i := from; i < to; i++ {
		messages = append(messages, event(name(i), name(i)))
	}
	if err := p.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// TestConsumerGoesOnWhereItCommitted: what was handled is not handed out again.
func TestConsumerGoesOnWhereItCommitted(t *testing.T) {
	t.Parallel()
	cluster := open(t, testConfig(startBroker(t)))
	p, _ := produceTo(t, cluster)
	write(t, p, 0, 150)
	first := join(t, cluster)
	wait(t, "all are handled", func() bool { return len(first.events()) == 150 })
	wait(t, "there is no lag", func() bool { return first.Lag() == 0 })
	first.stop()
	if n := first.Assigned(); n != 0 {
		t.Errorf("%d partitions are assigned after the end", n)
	}
	write(t, p, 150, 200)
	second := join(t, cluster)
	wait(t, "the new ones are handled", func() bool { return len(second.events()) >= 50 })
	second.stop()
	last := map[int]int{}
	for _, m := range []*member{first, second} {
		for _, run := range m.runs {
			var partition, from, to int
			if _, err := fmt.Sscanf(run, "%d:%d-%d", &partition, &from, &to); err != nil {
				t.Fatal(err)
			}
			if from != last[partition] {
				t.Errorf("after offset %d of partition %d came %d", last[partition]-1, partition, from)
			}
			last[partition] = to + 1
		}
	}
}

// TestFailedRunIsHandedOutAgain, whole, until it is handled; and nothing of it
// is committed before.
func TestFailedRunIsHandedOutAgain(t *testing.T) {
	t.Parallel()
	c := testConfig(startBroker(t))
	c.Partitions = 1
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	write(t, p, 0, 10)
	first := join(t, cluster, func(m *member) { m.fail = errors.New("out of order") })
	runs := func(m *member) (runs []string) { m.set(func(m *member) { runs = slices.Clone(m.runs) }); return runs }
	wait(t, "it was tried often", func() bool { return len(runs(first)) >= 4 })
	if tried := runs(first); tried[0] != tried[3] || !strings.HasPrefix(tried[0], "0:0-") {
		t.Errorf("the runs are %v, want the same one again and again", tried)
	}
	first.stop()
	second := join(t, cluster)
	wait(t, "another member handles all", func() bool { return len(second.events()) == 10 })
}

// TestLagIsReported while a handler is slow, and while it fails.
func TestLagIsReported(t *testing.T) {
	t.Parallel()
	c := testConfig(startBroker(t))
	c.Partitions = 1
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	gate := make(chan struct{})
	m := join(t, cluster, func(m *member) { m.gate = gate })
	write(t, p, 0, 250) // and an account for each batch of them
	wait(t, "the lag is known", func() bool { return m.Lag() >= 251 })
	close(gate)
	wait(t, "the lag is gone", func() bool { return m.Lag() == 0 })
}

// TestRebalanceLosesNothing: members come and go while events are written and
// handled. Every event is handled, and hardly any twice.
func TestRebalanceLosesNothing(t *testing.T) {
	t.Parallel()
	c := testConfig(startBroker(t))
	c.Partitions = 4
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	first := join(t, cluster)
	wait(t, "the first has all partitions", func() bool { return first.Assigned() == 4 })
	write(t, p, 0, 200)
	second := join(t, cluster)
	for i := 200; first.Assigned() != 2 || second.Assigned() != 2; i++ {
		write(t, p, i, i+1)
		if i == 3000 {
			t.Fatal("the members do not share the partitions")
		}
		time.Sleep(10 * time.Millisecond)
	}
	write(t, p, 3000, 3200)
	wait(t, "the first has handled some", func() bool { return len(first.events()) > 0 })
	first.stop()
	write(t, p, 3200, 3400)
	wait(t, "the second has all partitions", func() bool { return second.Assigned() == 4 })
	write(t, p, 3400, 3500)
	written := tallyOf(t, readAll(t, cluster)).events
	missing := func() (n int) {
		one, two := first.events(), second.events()
		for value := range written {
			if one[value]+two[value] == 0 {
				n++
			}
		}
		return n
	}
	wait(t, "every event is handled", func() bool { return missing() == 0 })
	one, two := first.events(), second.events()
	if len(one) == 0 || len(two) == 0 {
		t.Errorf("one handled %d events, the other %d", len(one), len(two))
	}
	again := 0
	for value := range written {
		again += one[value] + two[value] - 1
	}
	if again > 100 { // a run of one partition, at most, when a commit comes too late
		t.Errorf("%d events were handled again", again)
	}
}

// TestConsumerOutlivesABrokerRestart and loses nothing.
func TestConsumerOutlivesABrokerRestart(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	p, _ := produceTo(t, cluster)
	m := join(t, cluster)
	write(t, p, 0, 50)
	wait(t, "all are handled", func() bool { return len(m.events()) == 50 })
	b.stop()
	b.start(t)
	write(t, p, 50, 100)
	wait(t, "all are handled after the restart", func() bool { return len(m.events()) == 100 })
}

// TestConsumerOfAHungBrokerGoesOn.
func TestConsumerOfAHungBrokerGoesOn(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	p, _ := produceTo(t, cluster)
	m := join(t, cluster)
	write(t, p, 0, 50)
	wait(t, "all are handled", func() bool { return len(m.events()) == 50 })
	release := b.hang(t)
	time.AfterFunc(2*time.Second, release)
	write(t, p, 50, 100)
	wait(t, "all are handled afterwards", func() bool { return len(m.events()) == 100 })
}

// TestConsumerOfATopicMadeAnew reads it from its beginning, and does not wait
// in silence at an offset that it no longer has.
func TestConsumerOfATopicMadeAnew(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	m := join(t, cluster)
	write(t, p, 0, 100)
	wait(t, "all are handled and committed", func() bool { return len(m.events()) == 100 && m.Lag() == 0 })
	if err := b.DeleteTopic(c.Topics.Events); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, p, 100, 120)
	wait(t, "the new topic's are handled", func() bool { return len(m.events()) == 120 })
}
