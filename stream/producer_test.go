package stream

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"sekisho/schemas"
	"sekisho/stream/kafkatest"
)

// TestAcknowledgedIsDurable reads what was acknowledged from a copy of the
// broker's disk, taken while it runs.
func TestAcknowledgedIsDurable(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	p, _ := produceTo(t, cluster)
	for i := range 50 {
		if err := p.Write(t.Context(), []Message{event(name(i), name(i)), {Decisions: []schemas.Decision{allowed}}}); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	err := os.CopyFS(dir, os.DirFS(b.Dir))
	for try := 0; errors.Is(err, fs.ErrNotExist) && try < 10; try++ { // it renames files now and then
		dir = t.TempDir()
		err = os.CopyFS(dir, os.DirFS(b.Dir))
	}
	if err != nil {
		t.Fatal(err)
	}
	found := tallyOf(t, readAll(t, open(t, testConfig(startBrokerOn(t, dir)))))
	for i := range 50 {
		if found.events[name(i)] != 1 {
			t.Errorf("%s is there %d times", name(i), found.events[name(i)])
		}
	}
	if found.sum[allowed] != 100 {
		t.Errorf("the accounts count %d events, want 100", found.sum[allowed])
	}
}

// TestOneKeyOneOrder: events of one key are read in the order of their
// acknowledgement.
func TestOneKeyOneOrder(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	p, _ := produceTo(t, cluster)
	for i := range 20 {
		if err := p.Write(t.Context(), []Message{event("visitor", name(i))}); err != nil {
			t.Fatal(err)
		}
	}
	next := 0
	for _, m := range readAll(t, cluster) {
		if string(m.Key) == "visitor" {
			if string(m.Value) != name(next) {
				t.Fatalf("%s came when it was the turn of %s", m.Value, name(next))
			}
			next++
		}
	}
}

// TestBatchesGrowWithTheLoad: what comes while a batch is in flight is the next
// one.
func TestBatchesGrowWithTheLoad(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Partitions = 1
	c.Timeout = 2 * time.Minute // one that is tried again is a request too
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	if err := p.Write(t.Context(), []Message{event("k", "once there is a leader")}); err != nil {
		t.Fatal(err)
	}
	var count sync.Mutex
	requests, records := 0, 0
	b.Watch(func(p kafkatest.Produced) {
		count.Lock()
		defer count.Unlock()
		requests, records = requests+1, records+p.Records
	})
	release := b.hang(t)
	const events = 500
	var waiters []*Waiter
	for i := range events {
		w, err := p.Submit([]Message{event("k", name(i))})
		if err != nil {
			t.Fatal(err)
		}
		waiters = append(waiters, w)
	}
	release()
	for _, w := range waiters {
		if err := w.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if requests > 3 {
		t.Errorf("%d events took %d requests: batches do not grow", events, requests)
	}
	if want := events + requests; records != want {
		t.Errorf("%d records were written, want %d, one of a batch being its account", records, want)
	}
}

// TestHealthyWithoutMore: a partition that failed, and for which nothing comes any
// more, does not make the producer unhealthy for ever once another one is well.
func TestHealthyWithoutMore(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Timeout = time.Second
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	failed, other := "k", ""
	for i := 0; other == ""; i++ {
		if key := name(i); p.partition([]byte(key)) != p.partition([]byte(failed)) {
			other = key
		}
	}
	b.stop()
	if err := p.Write(t.Context(), []Message{event(failed, "while away")}); !errors.Is(err, ErrUnavailable) || p.Healthy() {
		t.Fatalf("without a broker: %v, healthy %v", err, p.Healthy())
	}
	b.start(t)
	wait(t, "another partition's events are acknowledged", func() bool {
		return p.Write(t.Context(), []Message{event(other, "after")}) == nil
	})
	wait(t, "the producer is healthy", p.Healthy)
}

// TestBrokerAway: Write fails within the timeout while there is no broker, and
// works again by itself once there is.
func TestBrokerAway(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Timeout = time.Second
	cluster := open(t, c)
	p, log := produceTo(t, cluster)
	wait(t, "events are acknowledged", func() bool {
		return p.Write(t.Context(), []Message{event("k", "before")}) == nil
	})
	early := strings.Count(log.String(), "level=WARN") // while a leader was still being elected
	b.stop()
	for range 3 {
		started := time.Now()
		err := p.Write(t.Context(), []Message{event("k", "while away")})
		if !errors.Is(err, ErrUnavailable) {
			t.Fatalf("without a broker: %v", err)
		}
		if took := time.Since(started); took > c.Timeout+grace {
			t.Errorf("it took %v to say so, longer than the timeout of %v", took, c.Timeout)
		}
	}
	if p.Healthy() {
		t.Error("the producer calls itself healthy without a broker")
	}
	b.start(t)
	wait(t, "events are acknowledged again", func() bool {
		return p.Write(t.Context(), []Message{event("k", "after")}) == nil
	})
	if !p.Healthy() || p.Queued() != 0 {
		t.Errorf("healthy %v, queued %d after recovery", p.Healthy(), p.Queued())
	}
	found := tallyOf(t, readAll(t, cluster))
	// One that was given up may have landed, in time or not.
	if found.events["before"] == 0 || found.events["after"] == 0 {
		t.Errorf("found %v", found.events)
	}
	if n := strings.Count(log.String(), "level=WARN") - early; n != 1 {
		t.Errorf("the log has %d warnings of it, want 1:\n%s", n, log)
	}
}

// TestEveryWaiterFailsInTime: with a broker that hangs, also those whose batch
// waited for another one are told within the timeout.
func TestEveryWaiterFailsInTime(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Timeout, c.Partitions = grace/2, 1 // five batches, one after the other, would take longer than the bound
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	release := b.hang(t)
	large := strings.Repeat("x", 500<<10) // one a batch
	started := time.Now()
	var waiters []*Waiter
	for range 5 {
		w, err := p.Submit([]Message{event("k", large)})
		if err != nil {
			t.Fatal(err)
		}
		waiters = append(waiters, w)
	}
	for i, w := range waiters {
		if err := w.Wait(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("batch %d: %v", i, err)
		}
	}
	if took := time.Since(started); took > c.Timeout+grace {
		t.Errorf("the last waited %v, longer than the timeout of %v", took, c.Timeout)
	}
	release()
	wait(t, "a hung broker that goes on is written to", func() bool {
		return p.Write(t.Context(), []Message{event("k", "after")}) == nil
	})
}

// TestMemoryBoundHolds fills the queue before a broker that hangs.
func TestMemoryBoundHolds(t *testing.T) {
	b := startBroker(t)
	c := testConfig(b)
	c.MaxQueued, c.Timeout = 8<<20, 2*time.Minute
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	if err := p.Write(t.Context(), []Message{event("warm", "up"), event("up", "warm")}); err != nil {
		t.Fatal(err)
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	check := func(what string, next func(i int) []Message) {
		t.Helper()
		release := b.hang(t)
		// With a small batch of each partition in flight, what follows waits: this is
		// the bound of what waits, not of encoding whatever was taken first.
		var waiters []*Waiter
		for _, q := range p.queues {
			w, err := p.Submit([]Message{event(keyOf(p, q.partition), "first")})
			if err != nil {
				t.Fatal(err)
			}
			waiters = append(waiters, w)
			wait(t, "it is in flight", func() bool {
				q.mu.Lock()
				defer q.mu.Unlock()
				return len(q.waiting) == 0
			})
		}
		before, submitted := heap(), 0
		for {
			w, err := p.Submit(next(submitted))
			if errors.Is(err, ErrOverloaded) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if submitted++; submitted%50 == 0 { // the waiters of a test stay reachable: keep few
				waiters = append(waiters, w)
			}
		}
		if p.Queued() > int64(c.MaxQueued) {
			t.Errorf("%s: %d bytes are queued, more than the bound", what, p.Queued())
		}
		grown := heap() - before
		if bound := int64(c.MaxQueued) + int64(c.Partitions)<<20; grown > bound {
			t.Errorf("%s: the heap grew by %d KiB for %d requests, more than the bound of %d KiB", what, grown>>10, submitted, bound>>10)
		}
		if grown < int64(c.MaxQueued)/4 {
			t.Errorf("%s: the heap grew by %d KiB only: the bound leaves most memory unused", what, grown>>10)
		}
		t.Logf("%s: %d requests, heap grew by %d KiB of %d KiB", what, submitted, grown>>10, int64(c.MaxQueued)>>10)
		release()
		for _, w := range waiters {
			if err := w.Wait(t.Context()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		wait(t, "the queue is empty", func() bool { return p.Queued() == 0 })
	}
	text := strings.Repeat("0123456789", 80)
	check("typical events", func(i int) []Message { return []Message{event(name(i), text)} })
	check("empty events", func(i int) []Message { return []Message{event("", "{}")} })
	check("decisions only", func(i int) []Message {
		d := allowed
		d.Minute = int64(i)
		return []Message{{Decisions: []schemas.Decision{d, d}}}
	})
}

// keyOf returns a key of the partition.
func keyOf(p *Producer, partition int) string {
	for i := 0; ; i++ {
		if key := name(i); p.partition([]byte(key)) == partition {
			return key
		}
	}
}

// TestOneRequestLargerThanTheQueue is taken when it is alone: it would be told
// to come back for ever.
func TestOneRequestLargerThanTheQueue(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.MaxQueued = 1 << 20
	p, _ := produceTo(t, open(t, c))
	var messages []Message
	for i := range 8 {
		messages = append(messages, event(name(i), strings.Repeat("x", 300<<10)))
	}
	if err := p.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// TestCloseFlushes: what was submitted before Close is written.
func TestCloseFlushes(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	p, _ := produceTo(t, cluster)
	var waiters []*Waiter
	for i := range 300 {
		w, err := p.Submit([]Message{event(name(i), name(i))})
		if err != nil {
			t.Fatal(err)
		}
		waiters = append(waiters, w)
	}
	refused := allowed
	refused.Outcome = schemas.Rejected
	p.Count(refused)
	p.Close()
	p.Close()
	for _, w := range waiters {
		if err := w.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Submit([]Message{event("k", "late")}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Submit after Close: %v", err)
	}
	if p.Count(refused) {
		t.Error("Count takes decisions after Close")
	}
	found := tallyOf(t, readAll(t, cluster))
	if len(found.events) != 300 || found.sum[allowed] != 300 || found.sum[refused] != 1 {
		t.Errorf("found %d events, %d and %d counted", len(found.events), found.sum[allowed], found.sum[refused])
	}
}

// TestCloseEndsWithoutBroker: Close gives up within the timeout, and everyone
// is told.
func TestCloseEndsWithoutBroker(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Timeout = time.Second
	p, log := produceTo(t, open(t, c))
	b.stop()
	w, err := p.Submit([]Message{event("k", "v")})
	if err != nil {
		t.Fatal(err)
	}
	p.Count(allowed)
	started := time.Now()
	p.Close()
	if took := time.Since(started); took > 2*c.Timeout+grace {
		t.Errorf("Close took %v", took)
	}
	if err := w.Wait(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the waiter was told %v", err)
	}
	if !strings.Contains(log.String(), "missing from the account") {
		t.Errorf("the log does not tell of the lost decision:\n%s", log)
	}
}

// TestBatchesStayBelowTheBrokersLimit with payloads that do not compress, and
// with accounts larger than their events.
func TestBatchesStayBelowTheBrokersLimit(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Partitions = 1
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	var size sync.Mutex
	largest := 0
	b.Watch(func(p kafkatest.Produced) {
		size.Lock()
		defer size.Unlock()
		largest = max(largest, p.Batch)
	})
	random := rand.NewChaCha8([32]byte{})
	check := func(what string, messages []Message) {
		t.Helper()
		if err := p.Write(t.Context(), messages); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		size.Lock()
		defer size.Unlock()
		t.Logf("%s: the largest batch is %d KiB", what, largest>>10)
		largest = 0
	}
	noise := func(size int) []byte {
		value := make([]byte, size)
		random.Read(value)
		return value
	}
	var messages []Message
	for _, size := range []int{700 << 10, 60 << 10, 500 << 10, 300 << 10, 768<<10 - 200, 1, 767 << 10} {
		messages = append(messages, Message{Key: []byte("k"), Value: noise(size), Decisions: []schemas.Decision{allowed}})
	}
	check("large events", messages)
	messages = nil
	for range 20_000 {
		messages = append(messages, Message{Key: noise(8), Value: noise(1), Decisions: []schemas.Decision{allowed}})
	}
	check("many tiny events", messages)
	messages = nil
	for i := range 20_000 {
		d := schemas.Decision{Minute: int64(random.Uint64() >> 1), Site: name(i), Recipient: strings.Repeat("r", 60), Reason: schemas.ReasonMalformedConsent}
		messages = append(messages, Message{Decisions: []schemas.Decision{d}})
	}
	check("many different decisions", messages)

	if err := p.Write(t.Context(), []Message{{Key: []byte("k"), Value: noise(768 << 10)}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a record beyond the limit: %v", err)
	}
	if found := readAll(t, cluster); len(found) < 7+20_000 {
		t.Errorf("%d messages arrived", len(found))
	}
}

// TestLostAcknowledgementLeavesCopies with the same account id, so that they
// are counted once.
func TestLostAcknowledgementLeavesCopies(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	p, _ := produceTo(t, cluster)
	check := func(what string, err *kerr.Error) {
		t.Helper()
		fault := b.Fault(&kafkatest.Fault{Topic: cluster.config.Topics.Events, Err: err, Count: 2})
		if err := p.Write(t.Context(), []Message{event("k", what)}); err != nil {
			t.Fatal(err)
		}
		if fault.Hits() != 2 {
			t.Errorf("%s: %d faults, want 2", what, fault.Hits())
		}
	}
	check("timed out", kerr.RequestTimedOut)
	check("swallowed, and the connection cut", nil)
	check("too few replicas after append", kerr.NotEnoughReplicasAfterAppend)
	found := tallyOf(t, readAll(t, cluster))
	for value, copies := range found.events {
		if copies != 3 {
			t.Errorf("%s: %d copies, want 3", value, copies)
		}
	}
	if len(found.accounts) != 3 || found.sum[allowed] != 3 {
		t.Errorf("%d account ids count %d events, want 3 and 3", len(found.accounts), found.sum[allowed])
	}
	for id, copies := range found.accounts {
		if copies != 3 {
			t.Errorf("account %s: %d copies, want 3", id, copies)
		}
	}
}

// TestConcurrentWriters: every event is there once and counted once, whoever
// wrote at the same time.
func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	p, _ := produceTo(t, cluster)
	const writers, each = 8, 25
	refused := schemas.Decision{Outcome: schemas.Rejected}
	p.Count(refused)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if err := p.Write(t.Context(), []Message{event(name(i), name(w*each+i))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	found := tallyOf(t, readAll(t, cluster))
	if len(found.events) != writers*each || found.sum[allowed] != writers*each {
		t.Errorf("%d events, %d counted, want %d", len(found.events), found.sum[allowed], writers*each)
	}
	if found.sum[refused] != 1 {
		t.Errorf("%d refused events are counted, want 1", found.sum[refused])
	}
	for id, copies := range found.accounts {
		if copies != 1 {
			t.Errorf("account %s was written %d times", id, copies)
		}
	}
}

// A client whose clock is ahead keeps nobody's events out: Kafka refuses a whole
// batch for one message of the future.
func TestClockAhead(t *testing.T) {
	cluster := open(t, testConfig(startBroker(t)))
	p, _ := produceTo(t, cluster)
	ahead := event("a", "ahead")
	ahead.Time = time.Now().Add(12 * time.Hour)
	if err := p.Write(t.Context(), []Message{ahead, event("a", "right")}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range readAll(t, cluster) {
		if string(HeaderOf(m.Headers, schemas.HeaderKind)) != schemas.KindEvent {
			continue
		}
		n++
		if m.Time.After(time.Now()) || string(m.Value) == "ahead" && !m.Time.Equal(m.Time.Truncate(time.Hour)) {
			t.Errorf("%s has the time %s", m.Value, m.Time)
		}
	}
	if n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}
