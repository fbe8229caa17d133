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
	seed  maphash.Seed
	every int64 // nanoseconds that a request costs
	depth int64 // nanoseconds that may be owed
	// spareLocal lets this machine's own requests pass.
	spareLocal bool
	buckets    [1 << 16]atomic.Int64
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
	return l.allowMany(client, now, 1)
}

// allowMany takes what costs as much as n requests. There need be room for one
// only: what costs more than all there is would never pass, so it is owed.
func (l *limiter) allowMany(client netip.Addr, now time.Time, n int) (wait time.Duration, ok bool) {
	if l == nil || n == 0 || l.spareLocal && client.IsLoopback() {
		return 0, true
	}
	bucket := l.bucket(client)
	t := now.UnixNano()
	for {
		have := bucket.Load()
		start := max(have, t)
		if owed := start + l.every - t; owed > l.depth {
			return time.Duration(owed - l.depth), false
		}
		if bucket.CompareAndSwap(have, start+int64(n)*l.every) {
			return 0, true
		}
	}
}

// bucket is the client's, and of some others.
func (l *limiter) bucket(client netip.Addr) *atomic.Int64 {
	return &l.buckets[maphash.Comparable(l.seed, networkOf(client))%uint64(len(l.buckets))]
}

// networkOf is what a client is known by: whoever has an IPv6 address has 2^64
// of them.
func networkOf(client netip.Addr) netip.Addr {
	if client.Is6() {
		return netip.PrefixFrom(client, 64).Masked().Addr()
	}
	return client
}
