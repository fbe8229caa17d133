package spool

import (
	"errors"
	"fmt"
	"slices"
)

// maxSegment is the longest file that is taken for a segment.
const maxSegment = 64 << 20

var errOversize = errors.New("the file is too large for a segment")

// recover finds what is in the directory.
func (s *Spool) recover() error {
	names, err := s.fs.Names()
	if err != nil {
		return err
	}
	slices.Sort(names) // the order in which they were written
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	for _, name := range names {
		number, suffix, ok := numberOf(name)
		if !ok {
			continue
		}
		s.number = max(s.number, number)
		switch suffix {
		case openSuffix, sealedSuffix:
			s.restore(&segment{number: number, suffix: suffix}, known)
		case doneSuffix:
			if !known[fileName(number, openSuffix)] && !known[fileName(number, sealedSuffix)] {
				_ = s.fs.Remove(name)
			}
		}
	}
	s.mu.Lock()
	s.prune()
	s.mu.Unlock()
	s.sweep()
	if n := s.records.Load(); n > 0 {
		s.log.Info("the spool holds events that Kafka has not got yet", "batches", n, "bytes", s.bytes)
	}
	return nil
}

// restore takes up a segment that an earlier process wrote. known are the names
// in the directory.
func (s *Spool) restore(g *segment, known map[string]bool) {
	s.segments[g.number] = g
	data, err := s.contents(g.name())
	if err != nil {
		s.damaged.Add(1)
		s.log.Error("a segment of the spool cannot be read and is set aside; its events are lost unless they can be restored from it",
			"segment", g.name(), "error", err)
		g.unreadable = true
		return
	}
	c := scan(data, g.number)
	if g.suffix == sealedSuffix && !c.sealed {
		// Its end is missing, were it only the seal.
		c.damaged, c.tail = append(c.damaged, c.tail), extent{}
	}
	for _, e := range c.damaged {
		if g.damage = append(g.damage, e); !known[g.partName(e)] {
			s.damaged.Add(1)
			s.log.Error("a part of the spool is damaged and is set aside; its events are lost unless they can be restored from it",
				"segment", g.name(), "offset", e.from, "bytes", e.to-e.from)
		}
	}
	if e := c.tail; e.from < e.to {
		if g.damage = append(g.damage, e); !known[g.partName(e)] {
			s.unfinished.Add(1)
			s.log.Warn("a crash cut short the last write to a segment of the spool; it is set aside, though nobody was told that it is on disk unless it is damaged",
				"segment", g.name(), "offset", e.from, "bytes", e.to-e.from)
		}
	}
	s.index(g, c.records, s.journalOf(g))
	g.size = c.tail.from
	if s.setAside(g) && g.suffix == openSuffix {
		s.complete(g, c.sealed)
	}
}

// index puts a segment's records into their lanes, but for those that are done.
func (s *Spool) index(g *segment, records []found, done map[int64]bool) {
	for _, f := range records {
		g.cost += costOf(f.size)
		if done[f.offset] {
			continue
		}
		l := s.lanes[f.lane]
		if l == nil {
			l = new(lane)
			s.lanes[f.lane] = l
		}
		l.push(ref{segment: g, at: f.at, offset: uint32(f.offset), size: uint32(f.size)})
		g.left++
		s.records.Add(1)
	}
	s.bytes += g.cost
}

// journalOf reads which records of a segment are done.
func (s *Spool) journalOf(g *segment) map[int64]bool {
	name := fileName(g.number, doneSuffix)
	data, err := s.contents(name)
	if err != nil {
		return nil
	}
	if torn := len(data) % doneSize; torn > 0 {
		// What is appended must be in step again.
		if f, err := s.fs.Open(name); err == nil {
			if f.Truncate(int64(len(data)-torn)) != nil {
				_ = s.fs.Remove(name)
			}
			_ = f.Close()
		}
	}
	return doneOf(data, g.number)
}

// complete makes a segment that a crash left open a complete one, so that
// damage to its end is noticed from now on. It is as well if that fails.
func (s *Spool) complete(g *segment, sealed bool) {
	f, err := s.fs.Open(g.name())
	if err != nil {
		return
	}
	defer f.Close()
	if !sealed {
		if err = f.Truncate(g.size); err == nil {
			_, err = f.Write(appendSeal(nil, g.number, g.size))
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil && s.fs.Rename(g.name(), fileName(g.number, sealedSuffix)) == nil {
		g.suffix = sealedSuffix
	}
}

func (s *Spool) contents(name string) ([]byte, error) {
	f, err := s.fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > maxSegment {
		return nil, errOversize
	}
	data := make([]byte, size)
	if n, err := f.ReadAt(data, 0); n < len(data) {
		return nil, fmt.Errorf("cannot read it whole: %w", err)
	}
	return data, nil
}
