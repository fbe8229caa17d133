package ingest

import (
	"bytes"
	"sync/atomic"
)

// budget bounds the memory that all requests under way take for their bodies
// and what is made of them. Nobody waits for it: what does not fit is told to
// come back.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take takes bytes for a request that has so many already, or reports that
// there are not so many left. A request that is alone always fits: it would
// never fit otherwise.
func (b *budget) take(n, already int64) bool {
	if used := b.used.Add(n); used > b.limit && used > n+already {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// Memory, in bytes: of a parsed value and its name; of an event beside its texts, in
// the session's lists; and of what its records have that is not from the body.
const (
	valueSize  = 24
	eventSize  = 512
	recordSize = 700
)

// valuesIn returns the most values that a JSON text has. Text that looks like
// JSON counts too.
func valuesIn(body []byte) int {
	return 1 + bytes.Count(body, []byte{','}) + bytes.Count(body, []byte{'['}) + bytes.Count(body, []byte{'{'})
}

// parsing is the most memory that the parser takes for so many values: its list of
// them grows to twice its size at most, and the smaller one is in use meanwhile.
func parsing(values int) int64 { return int64(3 * valueSize * values) }

// reusable is the most memory that a session may keep for later requests: a few
// large ones must not make all sessions large.
const reusable = 1 << 20

// What is remembered of the texts of a request's events, and of what was made of
// them, is forgotten with it, and keeps its memory: that of the lists, and of as much
// text as the body had, up to a bound.
const (
	recalledLists = 14 << 10
	mostRecalled  = 72 << 10
)

// retained is the memory that the session has kept from earlier requests.
func (s *session) retained() int64 {
	return int64(cap(s.body)+cap(s.decoded)+cap(s.values)) + eventSize*int64(cap(s.results)) + valueSize*int64(s.parsed) + s.recalled
}

// fits makes sure of the memory for parsing a body, and for its texts that are
// written with escapes.
func (s *session) fits(b *budget, body []byte) bool {
	values := valuesIn(body)
	s.parsed = max(s.parsed, values)
	return s.need(b, int64(cap(s.body)+cap(s.decoded)+2*len(body))+parsing(values))
}

// fitsEvents makes sure of the memory for deciding about the events of a body
// and writing them, in two forms at most.
func (s *session) fitsEvents(b *budget, body []byte) bool {
	each := eventSize + 2*(recordSize+len(s.agent))
	needed := s.held + int64(2*len(body)+s.events*each)
	if s.events > 1 { // see takeBody
		before := s.recalled
		s.recalled = max(before, min(int64(recalledLists+4*len(body)), mostRecalled))
		needed += s.recalled - before
	}
	return s.need(b, needed)
}

// need makes sure that the request has taken so many bytes from the budget.
func (s *session) need(b *budget, bytes int64) bool {
	if bytes <= s.held {
		return true
	}
	if !b.take(bytes-s.held, s.held) {
		return false
	}
	s.held = bytes
	return true
}
