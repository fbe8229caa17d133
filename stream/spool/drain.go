package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

var errDamaged = errors.New("it is not as it was written")

// Record is a record that came out.
type Record struct {
	Payload []byte
	At      time.Time // when it was appended

	ref ref
}

// Next returns the first records of a lane that are not done: one at least,
// where there is one, and more while they are at most so many bytes. What turns
// out to be damaged is set aside. On an error there may be records before it.
func (s *Spool) Next(lane int, maxBytes int) (records []Record, err error) {
	for {
		refs := s.first(lane, maxBytes)
		if len(refs) == 0 {
			return nil, nil
		}
		records, bad, err := s.read(refs)
		if bad < 0 || err != nil || len(records) > 0 {
			return records, err
		}
		s.spoil(uint32(lane), refs[bad], errDamaged)
	}
}

// first returns where the first records of a lane are.
func (s *Spool) first(lane int, maxBytes int) (refs []ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[uint32(lane)]
	if l == nil {
		return nil
	}
	total := 0
	for _, r := range l.refs[l.head:] {
		if total += int(r.size); len(refs) > 0 && total > maxBytes {
			break
		}
		refs = append(refs, r)
	}
	return refs
}

// read reads records up to the first that is damaged, whose place it returns,
// or -1.
func (s *Spool) read(refs []ref) (records []Record, bad int, err error) {
	var file File
	var open *segment
	defer func() {
		if file != nil {
			file.Close()
		}
	}()
	for i, r := range refs {
		if r.segment != open {
			if file != nil {
				file.Close()
			}
			if file, err = s.open(r.segment); err != nil {
				file = nil
				if errors.Is(err, fs.ErrNotExist) {
					return records, i, nil
				}
				return records, -1, fmt.Errorf("cannot read the spool: %w", err)
			}
			open = r.segment
		}
		frame := make([]byte, r.size)
		if _, err := file.ReadAt(frame, int64(r.offset)); err != nil {
			return records, i, nil
		}
		_, payload, ok := readFrame(frame, r.segment.number, int64(r.offset))
		if !ok {
			return records, i, nil
		}
		records = append(records, Record{Payload: payload, At: time.UnixMilli(r.at), ref: r})
	}
	return records, -1, nil
}

// open opens a segment, whose name may change meanwhile.
func (s *Spool) open(g *segment) (file File, err error) {
	for range 3 {
		s.mu.Lock()
		name := g.name()
		s.mu.Unlock()
		if file, err = s.fs.Open(name); !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return nil, err
}

// Done says that records, the first ones of their lane, need not come out
// again.
func (s *Spool) Done(lane int, records []Record) {
	for i := 0; i < len(records); {
		n := i + 1
		for n < len(records) && records[n].ref.segment == records[i].ref.segment {
			n++
		}
		s.done(uint32(lane), records[i:n])
		i = n
	}
}

// done is Done for records of one segment.
func (s *Spool) done(id uint32, records []Record) {
	g := records[0].ref.segment
	s.mu.Lock()
	l := s.lanes[id]
	for range records {
		l.pop()
	}
	if l.len() == 0 {
		delete(s.lanes, id)
	}
	s.records.Add(-int64(len(records)))
	g.left -= len(records)
	finished, writing := g.left == 0, g.writing
	if !finished {
		s.note(g, records)
	}
	s.mu.Unlock()
	switch {
	case finished && writing:
		s.signal() // the writer gives it up
	case finished:
		s.sweep()
	}
}

// note writes to the segment's journal. It need not be durable: without it
// records come out once more.
func (s *Spool) note(g *segment, records []Record) {
	name := fileName(g.number, doneSuffix)
	if g.journal == nil {
		file, err := s.fs.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			file, err = s.fs.Create(name)
		}
		if err != nil {
			return
		}
		g.journal = file
	}
	var entries []byte
	for i := range records {
		entries = appendDone(entries, g.number, records[i].ref.offset)
	}
	if _, err := g.journal.Write(entries); err != nil {
		// A part of an entry would put those behind it out of step.
		_ = g.journal.Close()
		g.journal = nil
		_ = s.fs.Remove(name)
	}
}

// sweep removes the segments of which nothing is left, once what is damaged in
// them has been set aside.
func (s *Spool) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if g.left == 0 && !g.writing && s.setAside(g) {
			s.remove(g)
		}
	}
}

func (s *Spool) remove(g *segment) {
	if g.journal != nil {
		_ = g.journal.Close()
		g.journal = nil
	}
	if g.unreadable {
		_ = s.fs.Rename(g.name(), fileName(g.number, damagedSuffix))
		s.prune()
	} else if err := s.fs.Remove(g.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("cannot remove a segment of the spool; its events are sent once more after a restart", "segment", g.name(), "error", err)
	}
	_ = s.fs.Remove(fileName(g.number, doneSuffix))
	delete(s.segments, g.number)
	s.bytes -= g.cost
}
