package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"sekisho/schemas"
	"sekisho/stream/kafkatest"
)

// TestRefusedAreCountedAfterAnOutage: decisions that nobody waits for outlive a
// broker that is away for longer than the timeout, and are counted once even
// when an acknowledgement was lost.
func TestRefusedAreCountedAfterAnOutage(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Timeout = 300 * time.Millisecond
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	refused := schemas.Decision{Minute: 1700000040, Outcome: schemas.Rejected, Reason: schemas.ReasonUnreadable}
	fault := b.Fault(&kafkatest.Fault{Err: kerr.NotEnoughReplicasAfterAppend, Count: -1})
	for range 10 {
		p.Count(refused)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := fault.Wait(ctx, 3); err != nil { // longer than one timeout
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), []Message{event("k", "v")}); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("unacknowledged: %v", err)
	}
	b.stop()
	for range 10 {
		p.Count(refused)
	}
	b.Mend()
	b.start(t)
	wait(t, "all refused events are counted", func() bool {
		return tallyOf(t, readAll(t, cluster)).sum[refused] >= 20
	})
	if n := tallyOf(t, readAll(t, cluster)).sum[refused]; n != 20 {
		t.Errorf("%d refused events are counted, want 20", n)
	}
}

// TestRefusedTakeLittleMemory however long Kafka is away.
func TestRefusedTakeLittleMemory(t *testing.T) {
	t.Parallel()
	p := &Producer{refused: schemas.Account{}, queues: []*queue{{wake: make(chan struct{}, 1)}}}
	const minutes = 100_000 // 69 days
	for minute := range int64(minutes) {
		p.Count(schemas.Decision{Minute: minute * 60, Outcome: schemas.Rejected})
	}
	if rows := len(p.refused); rows > maxRefused+100 {
		t.Errorf("%d rows", rows)
	}
	if n := total(p.refused); n != minutes {
		t.Errorf("%d are counted, want %d", n, minutes)
	}
}

// TestRefusedWaitForNobody: Count returns at once before a broker that hangs.
func TestRefusedWaitForNobody(t *testing.T) {
	b := startBroker(t)
	c := testConfig(b)
	p, _ := produceTo(t, open(t, c))
	release := b.hang(t)
	started := time.Now()
	for range 10_000 {
		p.Count(allowed)
	}
	if took := time.Since(started); took > c.Timeout/3 {
		t.Errorf("it took %v", took)
	}
	release()
}
