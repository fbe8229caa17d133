package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// maxKept is the most bytes of damaged parts that the directory keeps, but for
// one that is larger by itself, and keptFor is for how long it keeps them.
const (
	maxKept = 64 << 20
	keptFor = 30 * 24 * time.Hour
)

func (g *segment) partName(e extent) string {
	return fmt.Sprintf("%016x-%d%s", g.number, e.from, damagedSuffix)
}

// SetAside sets aside the first record of a lane, which nobody can make sense
// of, and reports why.
func (s *Spool) SetAside(lane int, record Record, why error) { s.spoil(uint32(lane), record.ref, why) }

// spoil takes the first record of a lane out of it and sets it aside.
func (s *Spool) spoil(id uint32, r ref, why error) {
	s.damaged.Add(1)
	s.mu.Lock()
	s.log.Error("a record of the spool is set aside; its events are lost unless they can be restored from it",
		"segment", r.segment.name(), "offset", r.offset, "bytes", r.size, "partition", id, "error", why)
	r.segment.damage = append(r.segment.damage, extent{int64(r.offset), int64(r.offset) + int64(r.size)})
	s.setAside(r.segment)
	s.mu.Unlock()
	s.done(id, []Record{{ref: r}})
}

// setAside copies what is damaged in a segment to files of their own, and
// reports whether that is done. The lock is held.
func (s *Spool) setAside(g *segment) bool {
	if len(g.damage) == 0 {
		return true
	}
	for len(g.damage) > 0 {
		if err := s.copyPart(g, g.damage[0]); err != nil {
			if !s.owing.Swap(true) {
				s.signal() // the writer tries again
				s.log.Warn("cannot set aside what is damaged in the spool; trying again until there is room", "segment", g.name(), "error", err)
			}
			return false
		}
		g.damage = g.damage[1:]
	}
	_ = s.fs.Sync()
	s.prune()
	return true
}

// copyPart copies a part of a segment. Of one that the disk does not give, the
// whole segment is kept when nothing else is left of it.
func (s *Spool) copyPart(g *segment, e extent) error {
	from, err := s.fs.Open(g.name())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody removed it: nothing is left to keep
	}
	if err != nil {
		return err
	}
	defer from.Close()
	part := make([]byte, e.to-e.from)
	if _, err := from.ReadAt(part, e.from); err != nil && len(part) > 0 {
		g.unreadable = true
		return nil
	}
	to, err := s.fs.Create(g.partName(e))
	if errors.Is(err, fs.ErrExist) {
		if s.holds(g.partName(e), len(part)) {
			return nil // by an earlier process
		}
		// That process did not come to its end.
		if err = s.fs.Remove(g.partName(e)); err == nil {
			to, err = s.fs.Create(g.partName(e))
		}
	}
	if err != nil {
		return err
	}
	_, err = to.Write(part)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		_ = s.fs.Remove(g.partName(e))
	}
	return err
}

// holds reports whether a file has so many bytes.
func (s *Spool) holds(name string, bytes int) bool {
	f, err := s.fs.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	size, err := f.Size()
	return err == nil && size == int64(bytes)
}

// setAsideAgain sets aside what could not be before: the disk was full, mostly.
func (s *Spool) setAsideAgain() {
	s.mu.Lock()
	done := true
	for _, g := range s.segments {
		done = s.setAside(g) && done
	}
	s.mu.Unlock()
	if done {
		s.owing.Store(false)
		s.log.Info("what is damaged in the spool is set aside now")
	}
	s.sweep()
}

// part is a file with what is damaged.
type part struct {
	name string
	size int64
	at   time.Time // when it was set aside
}

// parts lists them, the oldest first, and adds their sizes up.
func (s *Spool) parts() (all []part, total int64) {
	names, _ := s.fs.Names()
	for _, name := range names {
		if !strings.HasSuffix(name, damagedSuffix) {
			continue
		}
		p := part{name: name, at: time.Now()}
		if f, err := s.fs.Open(name); err == nil {
			p.size, _ = f.Size()
			if at, err := f.Modified(); err == nil {
				p.at = at
			}
			_ = f.Close()
		}
		all, total = append(all, p), total+p.size
	}
	slices.SortFunc(all, func(a, b part) int { return cmp.Compare(a.name, b.name) })
	return all, total
}

// prune keeps the damaged parts within their bounds: the oldest go. The lock is
// held.
func (s *Spool) prune() {
	all, total := s.parts()
	over := time.Now().Add(-keptFor)
	kept := all[:0]
	for i, p := range all {
		if !p.at.Before(over) && (total <= maxKept || i == len(all)-1) {
			kept = append(kept, p)
			continue
		}
		if err := s.fs.Remove(p.name); err != nil {
			s.log.Warn("cannot remove a damaged part of the spool that is beyond the bounds", "file", p.name, "error", err)
			kept = append(kept, p)
			continue
		}
		s.log.Warn("a damaged part of the spool is removed: they are kept for 30 days, and 64 MiB of them", "file", p.name, "bytes", p.size)
		s.removed.Add(1)
		total -= p.size
	}
	s.kept.Store(uint64(len(kept)))
	s.keptBytes.Store(total)
}

// recount finds how many damaged parts are left: an operator who has seen to one
// moves it away. The lock is held.
func (s *Spool) recount() {
	if s.kept.Load() == 0 {
		return
	}
	all, total := s.parts()
	s.kept.Store(uint64(len(all)))
	s.keptBytes.Store(total)
}
