package registry

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// A table is one shard's entries: an open-addressing hash table of buckets.
// A slot is written once in a table's life, but for its expiry; whatever else
// changes makes a new table. That is what lets readers do without locks.
type table struct {
	buckets []bucket
	filters []uint64 // two for each bucket
	used    int      // slots; the writer's
}

// A bucket has eight slots, filled in order, their halves apart, so that a
// search reads one cache line of heads and only what it finds reads the tails.
//
// A slot's tail is stored before its head, so a reader that sees the head sees
// the tail. A head of zero: this slot and those after it are free.
type bucket struct {
	heads [bucketSlots]uint64
	tails [bucketSlots]uint64
}

// A head is the week of expiry above the low bits of the hash's first half, its
// tag. Of the bits left out, all but the last four are the shard's number, so two
// hashes are told apart by 124 bits. A tail is the hash's second half.
const (
	tagBits = 64 - weekBits
	tagMask = 1<<tagBits - 1

	bucketSlots   = 8
	bucketFilters = 2
	bucketBytes   = bucketSlots*16 + bucketFilters*8
)

func headOf(h Hash, w week) uint64 { return uint64(w)<<tagBits | h.high&tagMask }
func weekOf(head uint64) week      { return week(head >> tagBits) }

// A table is full with 96 % of its slots used, and is then copied into one with
// 91 % used: 18.8 to 19.8 bytes an entry. Steps that small are cheap, because
// entries lie nearly in the order of their tags: a copy goes from front to back.
const (
	fullPercent  = 96
	freshPercent = 91
)

func newTable(entries int) *table {
	n := entries*100/(freshPercent*bucketSlots) + 1
	return &table{buckets: make([]bucket, n), filters: make([]uint64, n*bucketFilters)}
}

func (t *table) full() bool { return t.used >= len(t.buckets)*bucketSlots*fullPercent/100 }

func (t *table) bytes() int {
	if t == nil {
		return 0
	}
	return int(unsafe.Sizeof(*t)) + len(t.buckets)*bucketBytes
}

// home is the filter that an entry is in. The search for the entry begins in
// that filter's bucket.
func (t *table) home(head uint64) (filter int) {
	hi, _ := bits.Mul64(head<<weekBits, uint64(len(t.filters)))
	return int(hi)
}

// filterOf is the bits that an entry has in its filter, a Bloom filter of 64 bits
// for some four entries. An absent hash finds all its bits there by accident in one
// case of two hundred. In the others its lookup ends after a single read of memory, by a
// branch that the processor foresees, so that it is in the next lookup
// before the memory has answered.
func filterOf(tail uint64) uint64 {
	return 1<<(tail&63) | 1<<(tail>>6&63) | 1<<(tail>>12&63) | 1<<(tail>>18&63)
}

func (t *table) after(bucket int) int {
	if bucket++; bucket < len(t.buckets) {
		return bucket
	}
	return 0
}

// mayHave tells that the hash is not in the table, or else that it may be. It may be
// called at any time by many at once, as may search.
func (t *table) mayHave(h Hash) bool {
	filter := filterOf(h.low)
	return atomic.LoadUint64(&t.filters[t.home(h.high)])&filter == filter
}

// search tells whether the hash is in the table. It ends because a table is
// never filled to the last slot.
func (t *table) search(h Hash) bool {
	for i := t.home(h.high) / bucketFilters; ; i = t.after(i) {
		b := &t.buckets[i]
		for j := range b.heads {
			head := atomic.LoadUint64(&b.heads[j])
			if head == 0 {
				return false
			}
			if (head^h.high)&tagMask == 0 && atomic.LoadUint64(&b.tails[j]) == h.low {
				return true
			}
		}
	}
}

// add puts an entry into a table that readers may be reading and that is not
// full. An entry that is there already keeps the later of the two expiries.
func (t *table) add(head, tail uint64) (added bool) {
	home := t.home(head)
	for i := home / bucketFilters; ; i = t.after(i) {
		b := &t.buckets[i]
		for j, other := range b.heads {
			if other == 0 {
				atomic.StoreUint64(&b.tails[j], tail)
				atomic.StoreUint64(&b.heads[j], head)
				atomic.StoreUint64(&t.filters[home], t.filters[home]|filterOf(tail))
				t.used++
				return true
			}
			if (other^head)&tagMask == 0 && b.tails[j] == tail {
				atomic.StoreUint64(&b.heads[j], max(other, head)) // the tags are the same
				return false
			}
		}
	}
}

// push puts an entry that is not there into a table that nobody reads yet.
func (t *table) push(head, tail uint64) {
	home := t.home(head)
	t.filters[home] |= filterOf(tail)
	t.used++
	for i := home / bucketFilters; ; i = t.after(i) {
		b := &t.buckets[i]
		if b.heads[bucketSlots-1] != 0 {
			continue
		}
		for j := range b.heads {
			if b.heads[j] == 0 {
				b.heads[j], b.tails[j] = head, tail
				return
			}
		}
	}
}

// each calls yield for every entry; it serves as a range function. Readers may
// use it; they get every entry that was there when it began.
func (t *table) each(yield func(head, tail uint64) bool) {
	for i := range t.buckets {
		b := &t.buckets[i]
		for j := range b.heads {
			head := atomic.LoadUint64(&b.heads[j])
			if head == 0 {
				break
			}
			if !yield(head, atomic.LoadUint64(&b.tails[j])) {
				return
			}
		}
	}
}

// copied returns a table made for the given number of entries, with those of t
// that keep accepts.
func (t *table) copied(entries int, keep func(head, tail uint64) bool) *table {
	c := newTable(entries)
	for head, tail := range t.each {
		if keep(head, tail) {
			c.push(head, tail)
		}
	}
	return c
}
