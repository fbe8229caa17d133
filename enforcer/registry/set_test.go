package registry

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hashOf is the i-th of a sequence of distinct hashes that look random.
func hashOf(i uint64) Hash { return Hash{mix(i), mix(^i)} }

// mix is the finalizer of splitmix64, a permutation of the integers.
func mix(i uint64) uint64 {
	i *= 0x9e3779b97f4a7c15
	i = (i ^ i>>30) * 0xbf58476d1ce4e5b9
	i = (i ^ i>>27) * 0x94d049bb133111eb
	return i ^ i>>31
}

func weeks(n int) time.Time { return time.Unix(epoch+int64(n)*seconds, 0) }

// crowded is a random hash out of few, whose searches run into each other and
// around the end of a table.
func crowded(r *rand.Rand) Hash {
	const last = tagMask
	high := r.Uint64N(2) << 63
	switch r.IntN(3) {
	case 0:
		high |= last - r.Uint64N(30)
	case 1:
		high |= last / 2
	case 2:
		high |= r.Uint64N(1000) << (tagBits - 10)
	}
	return Hash{high, 1 + r.Uint64N(20)}
}

func spread(r *rand.Rand) Hash { return hashOf(r.Uint64N(20_000)) }

// TestModel compares a set with a plain map, over random operations.
func TestModel(t *testing.T) {
	check := func(name string, seed uint64, draw func(*rand.Rand) Hash) {
		r := rand.New(rand.NewPCG(seed, 0))
		s, model, now := new(Set), map[Hash]int{}, 0
		for step := range 60_000 {
			h := draw(r)
			_, in := model[h]
			switch op := r.IntN(1000); {
			case op < 1:
				now += r.IntN(3)
				removed := 0
				for h, week := range model {
					if week <= now {
						delete(model, h)
						removed++
					}
				}
				if got := s.Expire(weeks(now)); got != removed {
					t.Fatalf("%s, step %d: Expire removed %d, want %d", name, step, got, removed)
				}
			case op < 20:
				if got := s.Remove(h); got != in {
					t.Fatalf("%s, step %d: Remove says %v, want %v", name, step, got, in)
				}
				delete(model, h)
			case op < 500:
				week := now + 1 + r.IntN(50)
				if got := s.Add(h, weeks(week)); got == in {
					t.Fatalf("%s, step %d: Add says %v, want %v", name, step, got, !in)
				}
				model[h] = max(model[h], week)
			default:
				if got := s.Contains(h); got != in {
					t.Fatalf("%s, step %d: Contains says %v, want %v", name, step, got, in)
				}
			}
			if s.Len() != len(model) {
				t.Fatalf("%s, step %d: Len is %d, want %d", name, step, s.Len(), len(model))
			}
		}
		for h := range model {
			if !s.Contains(h) {
				t.Errorf("%s: an entry is missing at the end", name)
			}
		}
	}
	for seed := range uint64(3) {
		check("spread", seed, spread)
		check("crowded", seed, crowded)
	}
}

func TestZeroHash(t *testing.T) {
	s := new(Set)
	if s.Contains(Hash{}) || s.Add(Hash{}, weeks(1)) || s.Contains(Hash{}) || s.Len() != 0 {
		t.Error("the zero hash got into a set")
	}
}

func TestExpiry(t *testing.T) {
	check := func(expires, now time.Time, want bool) {
		t.Helper()
		s := new(Set)
		s.Add(hashOf(1), expires)
		if s.Expire(now); s.Contains(hashOf(1)) != want {
			t.Errorf("what expires %v is there at %v: %v, want %v", expires, now, !want, want)
		}
	}
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	check(at, at.AddDate(0, 0, -1), true)
	check(at, at.AddDate(0, 0, 7), false)
	check(weeks(10), weeks(10).Add(-1), true)
	check(weeks(10), weeks(10), false)
	check(weeks(10).Add(1), weeks(10).Add(time.Second), true)
	check(weeks(10).Add(1), weeks(11), false)
	check(time.Time{}, weeks(1_000_000), true)
	check(weeks(5000), weeks(4998), true)
	check(weeks(5000), weeks(1_000_000), true)
	check(time.Unix(-1, 0), time.Unix(0, 0), true)
	check(time.Unix(-1, 0), weeks(2), false)
	for day := range 1000 {
		expires := at.AddDate(0, 0, day).Add(time.Duration(day) * time.Hour)
		check(expires, expires.Add(-1), true)
		check(expires, expires.AddDate(0, 0, 7), false)
	}
}

func TestLaterExpiryHolds(t *testing.T) {
	s := new(Set)
	s.Add(hashOf(1), weeks(20))
	s.Add(hashOf(1), weeks(10))
	if s.Expire(weeks(15)); !s.Contains(hashOf(1)) {
		t.Error("adding again made the expiry earlier")
	}
	s.Add(hashOf(1), weeks(30))
	if s.Expire(weeks(25)); !s.Contains(hashOf(1)) {
		t.Error("adding again did not make the expiry later")
	}
	if s.Expire(weeks(30)); s.Contains(hashOf(1)) {
		t.Error("the entry did not expire")
	}
}

// TestReadersDuringGrowth: once Add has returned, readers find the entry, while
// the set grows, loses others and is written out; and they find nothing else.
func TestReadersDuringGrowth(t *testing.T) {
	const entries = 30_000
	s := new(Set)
	var added atomic.Uint64 // so many first hashes are in
	var done atomic.Bool
	var readers, writers sync.WaitGroup
	for seed := range uint64(4) {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for !done.Load() {
				in := added.Load()
				if in > 0 && !s.Contains(hashOf(r.Uint64N(in))) {
					t.Error("an entry is missing")
					return
				}
				if in > 0 && !s.Contains(hashOf(in-1)) {
					t.Error("the newest entry is missing")
					return
				}
				if s.Contains(hashOf(1<<40 + r.Uint64())) {
					t.Error("a hash is found that was never added")
					return
				}
			}
		})
	}
	writers.Go(func() {
		for i := range uint64(entries) {
			s.Add(hashOf(i), weeks(100))
			added.Store(i + 1)
		}
	})
	writers.Go(func() {
		for i := range uint64(entries / 10) {
			s.Add(hashOf(1<<41+i), weeks(1))
			if i%500 == 0 {
				s.Expire(weeks(2))
			}
			s.Add(hashOf(i), weeks(200)) // only the expiry changes, or it comes early
		}
	})
	writers.Go(func() {
		for !done.Load() {
			in := added.Load()
			copied := reread(t, s)
			for i := range in {
				if !copied.Contains(hashOf(i)) {
					t.Error("a snapshot lacks what was added before")
					return
				}
			}
			if in == entries {
				return
			}
		}
	})
	writers.Wait()
	done.Store(true)
	readers.Wait()
	s.Expire(weeks(2))
	if s.Len() != entries {
		t.Errorf("Len is %d, want %d", s.Len(), entries)
	}
}

// Halves of two entries must not be taken for one.
func TestHalvesDoNotMix(t *testing.T) {
	s := new(Set)
	for i := range uint64(50) {
		s.Add(Hash{i, i}, weeks(1))
	}
	for i := range uint64(50) {
		for j := range uint64(50) {
			if want := i == j && i != 0; s.Contains(Hash{i, j}) != want {
				t.Errorf("Contains({%d %d}) is %v", i, j, !want)
			}
		}
	}
}

// A reader that waits for the head of an entry must find the tail there. A few
// rounds, because a reader is seldom quick enough to see it otherwise.
func TestTailComesBeforeHead(t *testing.T) {
	const ahead = 16 // buckets, so that the reader is never behind the writer
	for range 10 {
		table := newTable(300_000)
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := range table.buckets {
				middle := (float64(i) + 0.5) / float64(len(table.buckets)) // of the bucket
				table.add(headOf(Hash{high: uint64(middle * (1 << tagBits))}, 1), 1)
			}
		})
		for i := 0; i < len(table.buckets); i += ahead {
			b := &table.buckets[i]
			for atomic.LoadUint64(&b.heads[0]) == 0 {
				if runtime.GOMAXPROCS(0) == 1 {
					runtime.Gosched()
				}
			}
			if atomic.LoadUint64(&b.tails[0]) == 0 {
				t.Fatal("half an entry was seen")
			}
		}
		writer.Wait()
	}
}

// The promise is at most 20 bytes for each of ten million entries, at any
// moment of growth. A shard's share of ten million does for the test.
func TestBytesPerEntry(t *testing.T) {
	s := new(Set)
	if s.Bytes() > 4096 {
		t.Errorf("an empty set has %d bytes", s.Bytes())
	}
	for i := range uint64(50_000) {
		h := hashOf(i)
		s.Add(Hash{h.high >> shardBits, h.low}, weeks(1))
		if n := s.Len(); n >= 30_000 && s.Bytes() > 20*n {
			t.Fatalf("%d entries have %d bytes", n, s.Bytes())
		}
	}
	if s.Remove(Hash{hashOf(0).high >> shardBits, hashOf(0).low}); s.Len() != 49_999 || s.Bytes() > 20*s.Len() {
		t.Errorf("%d entries have %d bytes", s.Len(), s.Bytes())
	}
	if s.Expire(weeks(1)); s.Len() != 0 || s.Bytes() > 4096 {
		t.Errorf("after all expired, %d entries have %d bytes", s.Len(), s.Bytes())
	}
}
