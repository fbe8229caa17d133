package speed

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all Histogram
	var list []time.Duration
	for range 8 {
		var h Histogram
		for range 5000 {
			d := time.Duration(r.ExpFloat64() * float64(3*time.Millisecond))
			h.Add(d)
			list = append(list, d)
		}
		all.Merge(&h)
	}
	slices.Sort(list)
	for _, part := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := list[int(part*float64(len(list)-1))]
		if got := all.Quantile(part); got < want || float64(got) > float64(want)*(1+1.0/subBuckets)+1 {
			t.Errorf("%v: %s, want %s", part, got, want)
		}
	}
	if got := new(Histogram).Quantile(0.5); got != 0 {
		t.Errorf("of none: %s", got)
	}
}

func TestEveryDurationIsInItsBucket(t *testing.T) {
	before := -1
	for _, d := range []time.Duration{0, 1, 31, 32, 63, 64, 65, 127, 128, 1000, 1023, 1024, time.Second, time.Hour, 1<<62 - 1} {
		b := bucketOf(d)
		if b < before || top(b) < d || b > 0 && top(b-1) >= d {
			t.Errorf("%d is in bucket %d, up to %d", d, b, top(b))
		}
		before = b
	}
}
