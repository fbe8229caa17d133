package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// maxKept is the most bytes of damaged parts that the directory keeps.
const maxKept = 64 << 20

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
			s.log.Warn("cannot set aside what is damaged in the spool; trying again later", "segment", g.name(), "error", err)
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
		return nil // by an earlier process
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

// prune keeps the damaged parts within their bound: the oldest go.
func (s *Spool) prune() {
	type kept struct {
		name string
		size int64
	}
	names, _ := s.fs.Names()
	var parts []kept
	var total int64
	for _, name := range names {
		if !strings.HasSuffix(name, damagedSuffix) {
			continue
		}
		part := kept{name: name}
		if f, err := s.fs.Open(name); err == nil {
			part.size, _ = f.Size()
			_ = f.Close()
		}
		parts, total = append(parts, part), total+part.size
	}
	slices.SortFunc(parts, func(a, b kept) int { return cmp.Compare(a.name, b.name) })
	for len(parts) > 1 && total > maxKept {
		s.log.Warn("a damaged part of the spool is removed to make room for later ones", "file", parts[0].name, "bytes", parts[0].size)
		_ = s.fs.Remove(parts[0].name)
		total -= parts[0].size
		parts = parts[1:]
	}
	s.kept.Store(uint64(len(parts)))
}

// recount finds how many damaged parts are left: an operator who has seen to one
// moves it away.
func (s *Spool) recount() {
	if s.kept.Load() == 0 {
		return
	}
	names, err := s.fs.Names()
	if err != nil {
		return
	}
	n := uint64(0)
	for _, name := range names {
		if strings.HasSuffix(name, damagedSuffix) {
			n++
		}
	}
	s.kept.Store(n)
}
