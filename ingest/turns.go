package ingest

import (
	"sync"
	"sync/atomic"
	"time"
)

// turns lets a reset wait for the requests that looked into the registry before
// it: what they let through must be in Kafka before the reset is answered, or
// an event would get in afterwards.
//
// Requests take their turn in one of two counters; who waits has new ones use
// the other and watches the old one run out.
type turns struct {
	mu    sync.Mutex // held by who waits
	epoch atomic.Uint64
	busy  [2]atomic.Int64
}

// enter begins a turn, which the request must leave.
func (t *turns) enter() (epoch uint64) {
	for {
		epoch = t.epoch.Load()
		t.busy[epoch&1].Add(1)
		if t.epoch.Load() == epoch {
			return epoch
		}
		t.busy[epoch&1].Add(-1)
	}
}

func (t *turns) leave(epoch uint64) { t.busy[epoch&1].Add(-1) }

// wait returns when all turns have ended that had begun before. A turn ends
// with its write to Kafka, so within kafka.timeout. Whoever waits is in none.
func (t *turns) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.epoch.Add(1) - 1
	for t.busy[old&1].Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}
