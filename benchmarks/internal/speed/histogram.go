package speed

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets that are 1/32 of their value wide. The
// zero value is ready.
type Histogram struct {
	counts [64 * subBuckets]uint32
	n      uint64
}

const subBuckets = 32

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - 6 // leaves 32 to 63
	return shift*subBuckets + int(v>>shift)
}

// top is the greatest duration in a bucket.
func top(bucket int) time.Duration {
	if bucket < 2*subBuckets {
		return time.Duration(bucket)
	}
	shift := bucket/subBuckets - 1
	return time.Duration((uint64(bucket-shift*subBuckets)+1)<<shift - 1)
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.n++
}

// Merge adds another's counts.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.n += other.n
}

// Quantile returns the duration that a part of all, from 0 to 1, does not
// exceed, and 0 when there are none.
func (h *Histogram) Quantile(part float64) time.Duration {
	want := uint64(part*float64(h.n-min(h.n, 1))) + 1
	seen := uint64(0)
	for i, n := range h.counts {
		if seen += uint64(n); n > 0 && seen >= want {
			return top(i)
		}
	}
	return 0
}
