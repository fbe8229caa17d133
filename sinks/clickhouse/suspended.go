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
// Two clocks tell: the wall clock, which goes on while a machine sleeps, and the
// steady one, which nobody sets back.
//
// A query that takes long is no suspension.
type suspension struct {
	wall, steady atomic.Int64 // when it last ticked, by either clock; 0 when it does not tick
	until        atomic.Int64 // by the steady clock
	times        atomic.Int64
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

// origin is where the steady clock begins, so that it is never 0.
var origin = time.Now().Add(-time.Hour)

func steadyNow() int64 { return int64(time.Since(origin)) }

// watch ticks until ctx ends.
func (s *suspension) watch(ctx context.Context) {
	s.tick(time.Now().UnixNano(), steadyNow())
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.tick(0, 0)
			return
		case <-ticker.C:
			s.count()
			s.tick(time.Now().UnixNano(), steadyNow())
		}
	}
}

func (s *suspension) tick(wall, steady int64) {
	s.wall.Store(wall)
	s.steady.Store(steady)
}

// count returns how many suspensions there have been.
func (s *suspension) count() int64 {
	wall, steady := s.wall.Load(), s.steady.Load()
	nowWall, nowSteady := time.Now().UnixNano(), steadyNow()
	if wall != 0 && nowWall-wall > int64(maxGap) || steady != 0 && nowSteady-steady > int64(maxGap) {
		s.until.Store(nowSteady + int64(quarantine))
		s.times.Add(1)
		// Only now, lest another sees no gap.
		s.wall.CompareAndSwap(wall, nowWall)
		s.steady.CompareAndSwap(steady, nowSteady)
	}
	return s.times.Load()
}

// settle waits until the last suspension is over with its consequences, and
// returns the count. assignment ends when the partition turns out to be another's.
func (s *suspension) settle(assignment context.Context) (int64, error) {
	for {
		times := s.count()
		left := time.Duration(s.until.Load() - steadyNow())
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
