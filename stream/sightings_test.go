package stream

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func TestSightings(t *testing.T) {
	var s Sightings
	begun, last := time.Now(), time.Time{}
	check := func(first, end, mark int64, want string) {
		t.Helper()
		for !time.Now().After(last) { // some clocks go in steps
		}
		at := s.Since([]kafka.Message{{Offset: first, Time: begun.Add(-time.Hour)}, {Offset: end - 1, HighWaterMark: mark, Time: begun.Add(-time.Hour)}})
		got := "before"
		if at.After(last) {
			got = "now"
		}
		if last = at; got != want || at.Before(begun) {
			t.Errorf("%d to %d of %d: seen %s, want %s", first, end, mark, got, want)
		}
	}
	check(0, 10, 100, "now")
	check(10, 60, 100, "before")
	check(60, 100, 120, "before")
	check(100, 101, 120, "now") // it came since
	check(90, 120, 120, "before")
	check(120, 121, 0, "now")
	check(0, 10, 10, "now") // made anew
	check(10, 12, 12, "now")
}
