package clickhouse

import (
	"context"
	"sync/atomic"
	"time"
)

// suspension notices when the process did not run for a while: stopped by a
// signal, starved, or its machine asleep. Another member may have taken its
// partitions over meanwhile. So what it was about to send must not be sent, and
// nothing else until it has had the time to learn that they are no longer its.
//
// A query that takes long is no suspension.
type suspension struct {
	ticked atomic.Int64 // wall clock, which goes on while a machine sleeps
	until  atomic.Int64 // wall clock
	times  atomic.Int64
}

const (
	// tick is how often the process shows that it runs.
	tick = 250 * time.Millisecond
	// maxGap is how long it may not. The group waits for longer (its session
	// timeout, from the heartbeat before) until it gives partitions away.
	maxGap = 6 * time.Second
	// quarantine is a heartbeat's interval and time limit, and some.
	quarantine = 7 * time.Second
)

// watch ticks until ctx ends.
func (s *suspension) watch(ctx context.Context) {
	s.ticked.Store(time.Now().UnixNano())
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.ticked.Store(0)
			return
		case <-ticker.C:
			s.count()
			s.ticked.Store(time.Now().UnixNano())
		}
	}
}

// count returns how many suspensions there have been.
func (s *suspension) count() int64 {
	last, now := s.ticked.Load(), time.Now().UnixNano()
	if last != 0 && now-last > int64(maxGap) {
		s.until.Store(now + int64(quarantine))
		s.times.Add(1)
		s.ticked.CompareAndSwap(last, now) // only now, lest another sees no gap
	}
	return s.times.Load()
}

// settle waits until the last suspension is over with its consequences, and
// returns the count. assignment ends when the partition turns out to be another's.
func (s *suspension) settle(assignment context.Context) (int64, error) {
	for {
		times := s.count()
		left := time.Until(time.Unix(0, s.until.Load()))
		if left <= 0 {
			return times, nil
		}
		select {
		case <-assignment.Done():
			return 0, assignment.Err()
		case <-time.After(left):
		}
	}
}
