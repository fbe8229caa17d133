package ingest

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"
)

// limiter bounds the rate of each client address (IPv6: network), in memory of a fixed size
// and without locks: addresses share a fixed number of buckets by a seeded
// hash, and a bucket is only the time at which it will be empty again (GCRA).
type limiter struct {
	seed    maphash.Seed
	every   int64 // nanoseconds that a request costs
	depth   int64 // nanoseconds that may be owed
	buckets [1 << 16]atomic.Int64
}

// newLimiter returns nil, which allows all, for rate 0.
func newLimiter(rate, burst int) *limiter {
	if rate == 0 {
		return nil
	}
	every := int64(time.Second) / int64(rate)
	return &limiter{seed: maphash.MakeSeed(), every: every, depth: every * int64(burst)}
}

// allow takes a request from the address's bucket, or says after how long
// there will be room for one.
func (l *limiter) allow(client netip.Addr, now time.Time) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	bucket := &l.buckets[maphash.Comparable(l.seed, networkOf(client))%uint64(len(l.buckets))]
	t := now.UnixNano()
	for {
		have := bucket.Load()
		next := max(have, t) + l.every
		if owed := next - t; owed > l.depth {
			return time.Duration(owed - l.depth), false
		}
		if bucket.CompareAndSwap(have, next) {
			return 0, true
		}
	}
}

// networkOf is what a client is known by: whoever has an IPv6 address has 2^64
// of them.
func networkOf(client netip.Addr) netip.Addr {
	if client.Is6() {
		return netip.PrefixFrom(client, 64).Masked().Addr()
	}
	return client
}
