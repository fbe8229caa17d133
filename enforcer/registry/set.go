package registry

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Set is a set of hashes with their expiries, for up to some 100 million of them
// at less than 20 bytes each. The zero Set is empty and ready; it must not be
// copied. All methods may be called by many at once. Readers take no lock and are
// never held up; writers wait for each other.
//
// It is made of shards that are replaced one at a time, when they grow or lose
// entries, so that this needs little room beside the set. The garbage collector
// frees what was replaced, in its own time: a process with a large set should have a
// memory limit (GOMEMLIMIT), as any with a large heap.
type Set struct {
	mu     sync.Mutex                       // held by writers
	shards [numShards]atomic.Pointer[table] // nil when empty
	len    atomic.Int64
	bytes  atomic.Int64 // of tables
}

const (
	shardBits = 8
	numShards = 1 << shardBits
)

func shardOf(h Hash) int { return int(h.high >> (64 - shardBits)) }

// Contains tells whether the hash is in the set: always, from when Add has returned
// until the entry has expired and Expire is called. The zero Hash never is.
//
// Most of its time is waiting for memory. Whoever has several hashes to look up
// looks them up one right after the other, so that they wait together.
func (s *Set) Contains(h Hash) bool {
	t := s.shards[shardOf(h)].Load()
	return t != nil && t.mayHave(h) && t.search(h)
}

// Add puts a hash into the set, to stay at least until expires and up to a week
// longer. The zero time is never, and so is any after 2098. If the hash is
// there already, the later of the two expiries holds. It reports whether the hash
// is new. The zero Hash is no identifier and is not added.
func (s *Set) Add(h Hash, expires time.Time) bool {
	if h == (Hash{}) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shard := shardOf(h)
	t := s.shards[shard].Load()
	switch {
	case t == nil:
		t = newTable(1)
		s.replace(shard, t)
	case t.full():
		t = t.copied(t.used+1, all)
		s.replace(shard, t)
	}
	added := t.add(headOf(h, expiryWeek(expires)), h.low)
	if added {
		s.len.Add(1)
	}
	return added
}

// Remove takes a hash out of the set, as when an opt-out is taken back, and
// reports whether it was there. It copies one shard, 1/256 of the set.
func (s *Set) Remove(h Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.Contains(h) {
		return false
	}
	return s.filter(shardOf(h), func(head, tail uint64) bool {
		return (head^h.high)&tagMask != 0 || tail != h.low
	}) > 0
}

// Expire removes the entries whose time is over and returns their number. It
// goes shard by shard, so that other writers need not wait long.
func (s *Set) Expire(now time.Time) (removed int) {
	for shard := range s.shards {
		s.mu.Lock()
		removed += s.filter(shard, func(head, _ uint64) bool { return !weekOf(head).expired(now) })
		s.mu.Unlock()
	}
	return removed
}

// Replace gives the set the content of another one, such as ReadSnapshot
// returns, which must not be used any more. Readers find the new content shard
// by shard.
func (s *Set) Replace(from *Set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for shard := range s.shards {
		s.replace(shard, from.shards[shard].Load())
	}
	s.len.Store(from.len.Load())
}

// Len returns the number of hashes, with those that Expire has yet to remove.
func (s *Set) Len() int { return int(s.len.Load()) }

// Bytes returns the memory that the set takes.
func (s *Set) Bytes() int { return int(unsafe.Sizeof(*s)) + int(s.bytes.Load()) }

// filter removes the entries of a shard that keep refuses and returns their number.
func (s *Set) filter(shard int, keep func(head, tail uint64) bool) (removed int) {
	t := s.shards[shard].Load()
	if t == nil {
		return 0
	}
	for head, tail := range t.each {
		if !keep(head, tail) {
			removed++
		}
	}
	switch removed {
	case 0:
		return 0
	case t.used:
		s.replace(shard, nil)
	default:
		s.replace(shard, t.copied(t.used-removed, keep))
	}
	s.len.Add(int64(-removed))
	return removed
}

// replace shows readers another table. Those who are still in the old one find in
// it what was there when they began.
func (s *Set) replace(shard int, t *table) {
	old := s.shards[shard].Swap(t)
	s.bytes.Add(int64(t.bytes() - old.bytes()))
}

func all(head, tail uint64) bool { return true }
