package main

import (
	"io"
	"maps"
	"testing"
)

func TestAllocations(t *testing.T) {
	const text = `goos: linux
pkg: sekisho/a
cpu: any
BenchmarkOne-2         	  100	  2351 ns/op	  46.36 MB/s	       0 B/op	       0 allocs/op
BenchmarkTwo/with-8-2  	  100	  2351 ns/op	  12 B/op	       40 allocs/op
pkg: sekisho/b
BenchmarkOne           	  100	  2351 ns/op	  12 B/op	       7 allocs/op
`
	want := map[string]int{"sekisho/a.BenchmarkOne": 0, "sekisho/a.BenchmarkTwo/with-8": 40, "sekisho/b.BenchmarkOne": 7}
	if got := allocationsIn([]byte(text)); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	check := func(name string, count int, good bool) {
		t.Helper()
		got := maps.Clone(want)
		got[name] = count
		if err := compareAllocations(io.Discard, want, got); (err == nil) != good {
			t.Errorf("%s with %d: %v", name, count, err)
		}
	}
	check("sekisho/a.BenchmarkOne", 0, true)
	check("sekisho/a.BenchmarkOne", 1, false)
	check("sekisho/a.BenchmarkTwo/with-8", 42, true)
	check("sekisho/a.BenchmarkTwo/with-8", 43, false)
	check("sekisho/b.BenchmarkOne", 6, true)
	check("sekisho/b.BenchmarkNew", 0, false)
	if err := compareAllocations(io.Discard, want, map[string]int{"sekisho/a.BenchmarkOne": 0}); err == nil {
		t.Error("what was not measured is not missed")
	}
}
