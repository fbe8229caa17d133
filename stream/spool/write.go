package spool

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// leastCost is what a record counts at least, so that the limit bounds the
// memory of the index too.
const leastCost = 1 << 10

// maxGroup is the most bytes that are written at once.
const maxGroup = 4 << 20

func costOf(frame int) int64 { return max(int64(frame), leastCost) }

// work writes what waits until the spool is closed.
func (s *Spool) work() {
	defer close(s.ended)
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	for {
		var again <-chan time.Time
		if s.refusing.Load() || s.owing.Load() {
			again = time.After(probePause)
		}
		select {
		case <-s.wake:
		case <-again:
			s.tryAgain()
			continue
		case <-prune.C:
			s.mu.Lock()
			s.prune()
			s.mu.Unlock()
			continue
		}
		s.mu.Lock()
		waiting, closed := s.waiting, s.closed
		s.waiting = nil
		s.mu.Unlock()
		s.write(waiting)
		s.retire()
		if closed {
			s.seal()
			return
		}
	}
}

// write writes records and tells those who wait.
func (s *Spool) write(all []*request) {
	var group []*request
	for _, r := range all {
		size := frameSize + len(r.record)
		if err := s.reserve(costOf(size)); err != nil {
			s.tell([]*request{r}, err)
			continue
		}
		if s.active != nil && s.active.size+int64(len(s.buffer)+size) > s.segmentSize {
			s.commit(group)
			group = group[:0]
			s.seal()
		}
		if err := s.begin(); err != nil {
			s.release(costOf(size))
			s.tell([]*request{r}, fmt.Errorf("cannot begin a segment: %w", err))
			continue
		}
		r.offset, r.size = s.active.size+int64(len(s.buffer)), size
		s.buffer = appendFrame(s.buffer, s.active.number, r.offset, r.lane, r.at, r.record)
		group = append(group, r)
		if len(s.buffer) >= maxGroup {
			s.commit(group)
			group = group[:0]
		}
	}
	s.commit(group)
}

// reserve takes room for a record.
func (s *Spool) reserve(cost int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+cost > s.limit {
		return ErrFull
	}
	s.bytes += cost
	return nil
}

func (s *Spool) release(cost int64) {
	s.mu.Lock()
	s.bytes -= cost
	s.mu.Unlock()
}

// begin makes sure that there is a segment to write to. Its name is durable
// once the first commit is.
func (s *Spool) begin() error {
	if s.active != nil {
		return nil
	}
	// A number is not used again, also when nothing is left of the last one.
	number := max(s.number+1, uint64(time.Now().UnixMicro()))
	file, err := s.fs.Create(fileName(number, openSuffix))
	if err != nil {
		return err
	}
	s.number, s.file = number, file
	s.active = &segment{number: number, suffix: openSuffix, writing: true}
	s.mu.Lock()
	s.segments[number] = s.active
	s.mu.Unlock()
	return nil
}

// commit writes the buffer, syncs it, and tells the group.
func (s *Spool) commit(group []*request) {
	if len(group) == 0 {
		return
	}
	g, cost := s.active, int64(0)
	for _, r := range group {
		cost += costOf(r.size)
	}
	_, err := s.file.Write(s.buffer)
	whole := err != nil && s.file.Truncate(g.size) == nil && g.size > 0
	if err == nil {
		err = s.file.Sync()
	}
	if err == nil && g.size == 0 {
		err = s.fs.Sync()
	}
	written := int64(len(s.buffer))
	s.buffer = s.buffer[:0]
	if cap(s.buffer) > maxGroup/4 {
		s.buffer = nil
	}
	if err != nil {
		if !whole {
			s.abandon()
		}
		s.release(cost)
		s.tell(group, fmt.Errorf("cannot write a segment: %w", err))
		return
	}
	s.mu.Lock()
	for _, r := range group {
		l := s.lanes[r.lane]
		if l == nil {
			l = new(lane)
			s.lanes[r.lane] = l
		}
		l.push(ref{segment: g, at: r.at, offset: uint32(r.offset), size: uint32(r.size)})
	}
	g.size += written
	g.cost += cost
	g.left += len(group)
	s.records.Add(int64(len(group)))
	s.mu.Unlock()
	s.tell(group, nil)
}

// abandon ends the segment without a seal: after a failed sync nobody knows
// what of it is on disk but what was synced before.
func (s *Spool) abandon() {
	_ = s.file.Truncate(s.active.size) // what is told to have failed may come out again
	s.leave()
}

// leave closes the segment's file, and removes it when there is nothing in it.
func (s *Spool) leave() {
	g := s.active
	_ = s.file.Close()
	s.active, s.file = nil, nil
	s.mu.Lock()
	g.writing = false
	idle := g.left == 0
	s.mu.Unlock()
	if idle {
		s.sweep()
	}
}

// seal completes the segment.
func (s *Spool) seal() {
	g := s.active
	if g == nil {
		return
	}
	if g.size > 0 {
		_, err := s.file.Write(appendSeal(nil, g.number, g.size))
		if err == nil {
			err = s.file.Sync()
		}
		if err == nil && s.fs.Rename(g.name(), fileName(g.number, sealedSuffix)) == nil {
			s.mu.Lock()
			g.suffix = sealedSuffix
			s.mu.Unlock()
		}
	}
	s.leave()
}

// retire gives up the segment being written when all of it is done.
func (s *Spool) retire() {
	if s.active == nil {
		return
	}
	s.mu.Lock()
	idle := s.active.left == 0 && len(s.waiting) == 0
	s.mu.Unlock()
	if idle {
		s.leave()
	}
}

// tell tells those who wait, and logs when the spool begins or ends to refuse.
func (s *Spool) tell(group []*request, err error) {
	if err != nil && !errors.Is(err, ErrFull) && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	if was := s.refusing.Swap(err != nil); was != (err != nil) {
		if err != nil {
			s.log.Error("the spool takes no more events; they are refused until it does", "error", err)
		} else {
			s.log.Info("the spool takes events again")
		}
	}
	if err != nil {
		s.refused = 0
	}
	for _, r := range group {
		if err != nil {
			s.refused += frameSize + len(r.record)
		}
		r.done <- err
	}
}
