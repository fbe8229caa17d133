package spool

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrFull: the spool has its most bytes, or the disk has no room.
	ErrFull = errors.New("the spool is full")
	// ErrClosed: the spool takes nothing more.
	ErrClosed = errors.New("the spool is closed")
	// ErrTooLarge: no spool takes such a record.
	ErrTooLarge = errors.New("the record is too large for the spool")
)

// Spool keeps records in a directory. Append may be called by any number at
// once; Next, Done and SetAside of one lane by one at a time.
type Spool struct {
	fs          FS
	limit       int64
	segmentSize int64
	log         *slog.Logger
	lock        io.Closer

	wake  chan struct{}
	ended chan struct{}

	records  atomic.Int64 // not done
	refusing atomic.Bool  // the last Append failed, and so would another
	owing    atomic.Bool  // something damaged could not be set aside yet
	damaged  atomic.Uint64
	unfinished,
	kept atomic.Uint64 // files with what is damaged
	keptBytes atomic.Int64 // in them
	removed   atomic.Uint64

	mu       sync.Mutex
	closed   bool
	waiting  []*request
	lanes    map[uint32]*lane
	segments map[uint64]*segment
	bytes    int64 // that all segments count against the limit

	// Only the writer touches these.
	active  *segment
	file    File
	buffer  []byte
	number  uint64 // of the last segment
	refused int    // bytes that were refused last
}

// request is a record that waits to be written.
type request struct {
	lane   uint32
	at     int64
	record []byte
	done   chan error

	offset int64
	size   int
}

// lane is the order of the records of one lane.
type lane struct {
	refs []ref
	head int
}

// ref is where a record is.
type ref struct {
	segment *segment
	at      int64
	offset  uint32
	size    uint32
}

func (l *lane) push(r ref) { l.refs = append(l.refs, r) }

func (l *lane) len() int { return len(l.refs) - l.head }

func (l *lane) pop() {
	l.refs[l.head] = ref{}
	if l.head++; l.head == len(l.refs) {
		l.refs, l.head = nil, 0
	} else if l.head >= 1024 && l.head*2 >= len(l.refs) {
		l.refs, l.head = append([]ref(nil), l.refs[l.head:]...), 0
	}
}

// Open takes the directory of the configuration and finds what is in it. It
// fails when the directory cannot be made or read, or when another process has
// it; never because of what a file holds.
func Open(c Config, log *slog.Logger) (*Spool, error) {
	d, err := openDirectory(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot make the spool's directory (collector.spool.dir): %w", err)
	}
	s, err := openFS(d, int64(c.MaxBytes), min(max(int64(c.MaxBytes)/64, 1<<20), 16<<20), log)
	if err != nil {
		return nil, fmt.Errorf("cannot use the spool's directory %s (collector.spool.dir): %w", c.Dir, err)
	}
	return s, nil
}

func openFS(fs FS, limit, segmentSize int64, log *slog.Logger) (*Spool, error) {
	lock, err := fs.Lock()
	if err != nil {
		return nil, err
	}
	s := &Spool{
		fs: fs, limit: limit, segmentSize: segmentSize, log: log, lock: lock,
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
		lanes: map[uint32]*lane{}, segments: map[uint64]*segment{},
	}
	if err := s.recover(); err != nil {
		lock.Close()
		return nil, err
	}
	go s.work()
	return s, nil
}

// Append puts a record into a lane and returns when it is on disk, or with why
// it may not be. All that wait at the same time share one sync. The record is
// not kept.
func (s *Spool) Append(lane int, record []byte) error {
	if len(record) > MaxRecord {
		return ErrTooLarge
	}
	r := &request{lane: uint32(lane), at: time.Now().UnixMilli(), record: record, done: make(chan error, 1)}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.waiting = append(s.waiting, r)
	s.mu.Unlock()
	s.signal()
	return <-r.done
}

func (s *Spool) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Pending returns how many records of a lane are not done.
func (s *Spool) Pending(lane int) int {
	if s.records.Load() == 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lanes[uint32(lane)]; l != nil {
		return l.len()
	}
	return 0
}

// Lanes returns the lanes that have records.
func (s *Spool) Lanes() (lanes []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, l := range s.lanes {
		if l.len() > 0 {
			lanes = append(lanes, int(id))
		}
	}
	return lanes
}

// Close writes what waits, and lets the directory go. Append fails from then
// on, and neither Next nor Done may be called. Safe to call twice.
func (s *Spool) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	s.signal()
	<-s.ended
	if again {
		return nil
	}
	for _, g := range s.segments {
		if g.journal != nil {
			_ = g.journal.Sync() // without it records come out once more
			g.journal.Close()
		}
	}
	return s.lock.Close()
}

// Stats are what an operator wants to know.
type Stats struct {
	Records  int64 // not done
	Bytes    int64 // that count against the limit
	Limit    int64
	Oldest   time.Time // when the oldest record was appended; zero for none
	Refusing bool      // the last Append failed, and so would another
	// Damaged and Unfinished are how often a part of a segment was set aside
	// since Open, and SetAside how many such files the directory has.
	Damaged, Unfinished, SetAside uint64
	// SetAsideBytes are the bytes of those files, and Removed how many of them were
	// removed since Open, having been beyond the bounds.
	SetAsideBytes int64
	Removed       uint64
}

// Stats returns them.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recount()
	st := Stats{
		Records: s.records.Load(), Bytes: s.bytes, Limit: s.limit, Refusing: s.refusing.Load(),
		Damaged: s.damaged.Load(), Unfinished: s.unfinished.Load(), SetAside: s.kept.Load(),
		SetAsideBytes: s.keptBytes.Load(), Removed: s.removed.Load(),
	}
	oldest := int64(0)
	for _, l := range s.lanes {
		if l.len() > 0 && (oldest == 0 || l.refs[l.head].at < oldest) {
			oldest = l.refs[l.head].at
		}
	}
	if oldest != 0 {
		st.Oldest = time.UnixMilli(oldest)
	}
	return st
}

// Full reports whether the spool has no room for another record of some size.
func (s *Spool) Full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes+s.segmentSize/16 > s.limit
}
