package throttle

import (
	"testing"
	"time"
)

func TestLines(t *testing.T) {
	when := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	var l Lines
	check := func(after time.Duration, wantLeftOut int, want bool) {
		t.Helper()
		if leftOut, ok := l.Allow(when.Add(after)); leftOut != wantLeftOut || ok != want {
			t.Errorf("after %s: %d %t", after, leftOut, ok)
		}
	}
	check(0, 0, true)
	check(time.Second, 0, false)
	check(9*time.Second, 0, false)
	check(10*time.Second, 2, true)
	check(11*time.Second, 0, false)
	check(time.Minute, 1, true)
}
