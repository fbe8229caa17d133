package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"flag"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func BenchmarkSum(b *testing.B) {
	const kind, id = "visitor_id", "123e4567-e89b-12d3-a456-426614174000"
	h := testHasher(b)
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.Sum(kind, id)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				h.Sum(kind, id)
			}
		})
	})
	// What is given up for being faster.
	b.Run("HMAC-SHA256", func(b *testing.B) {
		pool := sync.Pool{New: func() any { return hmac.New(sha256.New, make([]byte, 32)) }}
		b.ReportAllocs()
		for b.Loop() {
			mac := pool.Get().(interface {
				io.Writer
				Reset()
				Sum([]byte) []byte
			})
			mac.Reset()
			io.WriteString(mac, kind)
			io.WriteString(mac, id)
			mac.Sum(nil)
			pool.Put(mac)
		}
	})
}

// BenchmarkSet measures sets of several sizes, and beside them a plain Go map,
// which allows no writer. A hundred million are measured only when asked for:
//
//	go test -run - -bench Set/100M ./enforcer/registry
func BenchmarkSet(b *testing.B) {
	check := func(name string, entries uint64) {
		if entries < 1e8 || strings.Contains(flag.Lookup("test.bench").Value.String(), name) {
			b.Run(name, func(b *testing.B) { benchmarkSet(b, entries) })
		}
	}
	check("1M", 1e6)
	check("10M", 1e7)
	check("100M", 1e8)
}

func benchmarkSet(b *testing.B, entries uint64) {
	before := heap()
	s := new(Set)
	for i := range entries {
		s.Add(hashOf(i), weeks(300))
	}
	bytes := float64(heap()-before) / float64(entries)
	b.Run("miss", func(b *testing.B) {
		for i := uint64(0); b.Loop(); i++ {
			if s.Contains(absent(i)) {
				b.Fatal("a hash is found that was never added")
			}
		}
		b.ReportMetric(bytes, "B/entry")
	})
	b.Run("hit", func(b *testing.B) {
		for i := uint64(0); b.Loop(); i++ {
			if !s.Contains(hashOf(mix(i) % entries)) {
				b.Fatal("an entry is missing")
			}
		}
	})
	parallel := func(name string, hash func(i uint64) Hash, want bool) {
		b.Run(name, func(b *testing.B) {
			var goroutines atomic.Uint64
			b.RunParallel(func(pb *testing.PB) {
				for i := goroutines.Add(1) << 32; pb.Next(); i++ {
					if s.Contains(hash(i)) != want {
						b.Error("wrong answer")
						return
					}
				}
			})
		})
	}
	parallel("miss-parallel", absent, false)
	parallel("hit-parallel", func(i uint64) Hash { return hashOf(mix(i) % entries) }, true)

	if entries <= 1e7 {
		benchmarkMap(b, entries)
	}
	// The least that a lookup can take: one read from as much memory as the filters have.
	b.Run("one-read", func(b *testing.B) {
		memory := make([]uint64, entries/4)
		for i := range memory {
			memory[i] = 1
		}
		for i := uint64(0); b.Loop(); i++ {
			h := absent(i)
			if at, _ := bits.Mul64(h.high, uint64(len(memory))); memory[at] == h.low {
				b.Fatal("wrong answer")
			}
		}
	})

	path := filepath.Join(b.TempDir(), "snapshot")
	b.Run("snapshot-write", func(b *testing.B) {
		for b.Loop() {
			file, err := os.Create(path)
			if err != nil {
				b.Fatal(err)
			}
			if err := errors.Join(s.WriteSnapshot(file, nil), file.Close()); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, entries)
	})
	b.Run("snapshot-read", func(b *testing.B) {
		for b.Loop() {
			file, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := ReadSnapshot(file); err != nil {
				b.Fatal(err)
			}
			file.Close()
		}
		perSecond(b, entries)
	})
	b.Run("expire-nothing", func(b *testing.B) {
		for b.Loop() {
			s.Expire(weeks(1))
		}
		perSecond(b, entries)
	})
	b.Run("miss-while-adding", func(b *testing.B) { // without pause, growth included
		var adding sync.WaitGroup
		var stop atomic.Bool
		var added uint64
		adding.Go(func() {
			for i := uint64(1 << 40); !stop.Load(); i++ {
				s.Add(hashOf(i), weeks(1))
				added++
			}
		})
		for i := uint64(0); b.Loop(); i++ {
			if s.Contains(absent(i)) {
				b.Fatal("a hash is found that was never added")
			}
		}
		stop.Store(true)
		adding.Wait()
		b.ReportMetric(float64(added)/b.Elapsed().Seconds(), "adds/s")
		s.Expire(weeks(2))
	})
	b.Run("add", func(b *testing.B) { // makes the set larger, growth included
		for i := entries; b.Loop(); i++ {
			s.Add(hashOf(i), weeks(300))
		}
		perSecond(b, 1)
	})
}

func benchmarkMap(b *testing.B, entries uint64) {
	before := heap()
	m := make(map[Hash]struct{})
	for i := range entries {
		m[hashOf(i)] = struct{}{}
	}
	bytes := float64(heap()-before) / float64(entries)
	b.Run("map-miss", func(b *testing.B) {
		for i := uint64(0); b.Loop(); i++ {
			if _, found := m[absent(i)]; found {
				b.Fatal("a hash is found that was never added")
			}
		}
		b.ReportMetric(bytes, "B/entry")
	})
	b.Run("map-hit", func(b *testing.B) {
		for i := uint64(0); b.Loop(); i++ {
			if _, found := m[hashOf(mix(i)%entries)]; !found {
				b.Fatal("an entry is missing")
			}
		}
	})
}

func absent(i uint64) Hash { return hashOf(1<<48 + i) }

// heap is what is in use after a collection, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// perSecond reports how many entries a second the operations went through.
func perSecond(b *testing.B, entries uint64) {
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
