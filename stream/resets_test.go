package stream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream/kafkatest"
)

// testMaxAge stands for MaxLagAge, which is long for tests.
const testMaxAge = 3 * time.Second

// follower follows the resets as a collector does.
type follower struct {
	*Resets
	log *logged

	mu   sync.Mutex
	seen []byte // last byte of each hash
	stop func()
}

func follow(t testing.TB, cluster *Cluster) *follower {
	t.Helper()
	f := prepare(t, cluster)
	f.begin(t)
	return f
}

// prepare makes a follower that follows nothing yet.
func prepare(t testing.TB, cluster *Cluster) *follower {
	t.Helper()
	f := &follower{log: new(logged)}
	f.Resets = NewResets(cluster, func(r *schemas.Reset) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen = append(f.seen, r.Hash[15])
	}, f.log.logger())
	f.maxAge = testMaxAge
	return f
}

func (f *follower) begin(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.Follow(ctx) })
	f.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(f.stop)
}

func (f *follower) has(want ...byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range want {
		if !slices.Contains(f.seen, n) {
			return false
		}
	}
	return true
}

func (f *follower) all() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

func (f *follower) ready() bool { return f.Ready() == nil }

func resetOf(n byte) schemas.Reset {
	return schemas.Reset{Field: schemas.VisitorID, Hash: [16]byte{15: n}, At: time.Now(), Pseudonyms: []string{"k1.0"}}
}

func appendResets(t testing.TB, r *Resets, numbers ...byte) {
	t.Helper()
	var resets []schemas.Reset
	for _, n := range numbers {
		resets = append(resets, resetOf(n))
	}
	if _, err := r.Append(t.Context(), resets); err != nil {
		t.Fatal(err)
	}
}

// TestResetsReachEveryFollower: those who follow already, soon, and those who
// come later, before they are ready.
func TestResetsReachEveryFollower(t *testing.T) {
	t.Parallel()
	cluster := open(t, testConfig(startBroker(t)))
	one, two := follow(t, cluster), follow(t, cluster)
	if err := NewResets(cluster, nil, discard()).Ready(); !errors.Is(err, ErrNotCaughtUp) {
		t.Errorf("before following: %v", err)
	}
	wait(t, "both are ready on an empty topic", func() bool { return one.ready() && two.ready() })
	appendResets(t, one.Resets, 1)
	appendResets(t, two.Resets, 2, 3)
	wait(t, "both have all", func() bool { return one.has(1, 2, 3) && two.has(1, 2, 3) })

	late := follow(t, cluster)
	wait(t, "the late one is ready", late.ready)
	if !late.has(1, 2, 3) {
		t.Error("it is ready before it has all resets")
	}
	wait(t, "nothing is missing", func() bool { n, _ := late.Lag(); return n == 0 })
}

// TestFollowerWithoutBroker is not ready, not at the start and not for long
// when it loses the broker; and comes back by itself with what it missed.
func TestFollowerWithoutBroker(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	cluster := open(t, c)
	early := follow(t, cluster)
	wait(t, "it is ready", early.ready)
	appendResets(t, early.Resets, 1)
	wait(t, "it has the reset", func() bool { return early.has(1) })
	b.stop()
	lost := time.Now()

	late := follow(t, cluster)
	wait(t, "readiness is lost", func() bool { return !early.ready() })
	if err := early.Ready(); !errors.Is(err, ErrStale) {
		t.Errorf("the reason is %v", err)
	}
	// The bound counts from when it last heard of the broker.
	if _, age := early.Lag(); time.Now().Add(-age).After(lost) || age < testMaxAge {
		t.Errorf("%v after the broker was gone, the resets are %v old: want more, and at least %v", time.Since(lost), age, testMaxAge)
	}
	if err := late.Ready(); !errors.Is(err, ErrNotCaughtUp) {
		t.Errorf("one that never saw the topic: %v", err)
	}

	b.start(t)
	wait(t, "a reset can be appended", func() bool {
		_, err := NewResets(cluster, nil, discard()).Append(t.Context(), []schemas.Reset{resetOf(2)})
		return err == nil
	})
	wait(t, "both have all and are ready", func() bool {
		return early.has(1, 2) && late.has(1, 2) && early.ready() && late.ready()
	})
}

// TestAppendOutlivesARestart of the broker that is shorter than the timeout.
func TestAppendOutlivesARestart(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Timeout = 4 * time.Minute
	cluster := open(t, c)
	resets := NewResets(cluster, nil, discard())
	appendResets(t, resets, 1)
	b.stop()
	done := make(chan error)
	go func() {
		_, err := resets.Append(t.Context(), []schemas.Reset{resetOf(2)})
		done <- err
	}()
	b.start(t)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestAppendWithoutBrokerFailsInTime.
func TestAppendWithoutBrokerFailsInTime(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Timeout = 500 * time.Millisecond
	resets := NewResets(open(t, c), nil, discard())
	b.stop()
	started := time.Now()
	if _, err := resets.Append(t.Context(), []schemas.Reset{resetOf(1)}); err == nil {
		t.Error("it is acknowledged by nobody")
	}
	if took := time.Since(started); took > 2*c.Timeout+grace {
		t.Errorf("it took %v", took)
	}
}

// TestHungBrokerMakesStale: that connections stay open says nothing.
func TestHungBrokerMakesStale(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	f := follow(t, open(t, testConfig(b)))
	wait(t, "it is ready", f.ready)
	release := b.hang(t)
	wait(t, "readiness is lost", func() bool { return errors.Is(f.Ready(), ErrStale) })
	release()
	wait(t, "it is ready again", f.ready)
}

// TestCorruptResetStopsReadiness: it might be any identifier's, so nothing is
// let through rather than something wrong.
func TestCorruptResetStopsReadiness(t *testing.T) {
	t.Parallel()
	secret := "CANARY-of-a-corrupt-record"
	cluster := open(t, testConfig(startBroker(t)))
	early := follow(t, cluster)
	wait(t, "it is ready", early.ready)
	appendResets(t, early.Resets, 1)
	err := produced(cluster.client.Produce(t.Context(), &kafka.ProduceRequest{
		Topic: cluster.config.Topics.Resets, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{Key: kafka.NewBytes([]byte("k")), Value: kafka.NewBytes([]byte(`{"` + secret + `"`))}),
	}))
	if err != nil {
		t.Fatal(err)
	}
	appendResets(t, early.Resets, 2)
	late := follow(t, cluster)
	wait(t, "who was ready is so no more", func() bool { return errors.Is(early.Ready(), ErrStale) })
	if err := late.Ready(); !errors.Is(err, ErrNotCaughtUp) {
		t.Errorf("who came later: %v", err)
	}
	for _, f := range []*follower{early, late} {
		wait(t, "the log names the offset", func() bool { return strings.Contains(f.log.String(), "offset 1 ") })
		if log := f.log.String(); strings.Contains(log, secret) {
			t.Errorf("the log quotes the record:\n%s", log)
		}
	}
	if early.has(2) || late.has(2) {
		t.Error("the corrupt record was passed over")
	}
}

// TestTopicMadeAnew: a follower that has read further than the topic goes has
// lost its place, and reads it from the beginning.
func TestTopicMadeAnew(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	cluster := open(t, c)
	f := follow(t, cluster)
	wait(t, "it is ready", f.ready)
	appendResets(t, f.Resets, 1, 2, 3)
	wait(t, "it has all", func() bool { return f.has(1, 2, 3) })
	if err := b.DeleteTopic(c.Topics.Resets); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendResets(t, f.Resets, 4)
	wait(t, "it has what the new topic has", func() bool { return f.has(4) && f.ready() })
}

// TestCompactedTopicIsReadWhole: compaction leaves holes in the offsets.
func TestCompactedTopicIsReadWhole(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	resets := NewResets(cluster, nil, discard())
	for range 5 {
		appendResets(t, resets, 1, 2)
	}
	appendResets(t, resets, 3)
	if err := b.Compact(cluster.config.Topics.Resets); err != nil {
		t.Fatal(err)
	}
	f := follow(t, cluster)
	wait(t, "it is ready", f.ready)
	if !f.has(1, 2, 3) {
		t.Errorf("it has %v", f.seen)
	}
	appendResets(t, resets, 4)
	wait(t, "it goes on", func() bool { return f.has(4) })
}

// TestOldResetsAreKept: nothing takes a reset or a receipt for its age.
func TestOldResetsAreKept(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	old := resetOf(1)
	old.At = time.Now().Add(-5 * 365 * 24 * time.Hour)
	r := NewResets(cluster, nil, discard())
	if _, err := r.Append(t.Context(), []schemas.Reset{old}); err != nil {
		t.Fatal(err)
	}
	if !kafkatest.Apache { // there retention is a thread of its own, and soon enough
		if err := b.Compact(cluster.config.Topics.Resets); err != nil {
			t.Fatal(err)
		}
	}
	f := follow(t, cluster)
	wait(t, "it is ready", f.ready)
	if !f.has(1) {
		t.Error("a reset of five years ago is gone")
	}
}

// TestReadinessUnderAFlow: resets that keep coming do not make a follower
// unready, which is always a little behind.
func TestReadinessUnderAFlow(t *testing.T) {
	t.Parallel()
	r := NewResets(nil, nil, discard())
	now, next := time.Now().Add(-time.Minute), int64(0)
	for range 100 { // always 500 ms of work behind the end
		now = now.Add(500 * time.Millisecond)
		if err := r.noteEnd(next+1000, now, next); err != nil {
			t.Fatal(err)
		}
		next += 600
		r.applied(next, nil)
	}
	if age := now.Sub(r.complete); age > 2*time.Second {
		t.Errorf("it is taken to be %v behind", age)
	}
}

// TestTopicEndLagsBehindTheReader: an end that was asked for before more was
// read does not mean that the topic became shorter.
func TestTopicEndLagsBehindTheReader(t *testing.T) {
	t.Parallel()
	r := NewResets(nil, nil, discard())
	r.applied(10, nil)
	if err := r.noteEnd(9, time.Now(), 8); err != nil {
		t.Error(err)
	}
	if err := r.noteEnd(9, time.Now(), 10); !errors.Is(err, errShorter) {
		t.Errorf("a shorter topic: %v", err)
	}
}

// TestBarrier waits for what was acknowledged before it, and for nothing else.
func TestBarrier(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	r := follow(t, cluster)
	wait(t, "it has caught up", r.ready)
	for n := byte(1); n <= 20; n++ {
		offset, err := r.Append(t.Context(), []schemas.Reset{resetOf(n)})
		if err != nil || offset != int64(n)-1 {
			t.Fatalf("reset %d is at offset %d: %v", n, offset, err)
		}
		if err := r.Barrier(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !r.has(n) || r.Applied() < int64(n) {
			t.Fatalf("after the barrier reset %d is not applied; %d are", n, r.Applied())
		}
	}
	b.stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.Barrier(ctx); err == nil {
		t.Error("it passes without a broker")
	}
}
