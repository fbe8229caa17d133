package clickhouse

import (
	"strings"
	"testing"

	"sekisho/schemas"
)

// Events that have nothing stand between those that have something, and after them;
// another run has nothing of the one before.
func TestValues(t *testing.T) {
	var v, numbers values
	for run, texts := range []map[int]string{{2: "two", 3: "", 5: "five"}, {0: "none", 1: "one"}, {}} {
		v.reset()
		numbers.reset()
		for i := range 8 {
			if text, ok := texts[i]; ok {
				v.put(i, schemas.URL, text)
				numbers.put(i, schemas.Engagement, map[bool]string{true: "7", false: "0"}[text != ""])
			}
		}
		for i := range int32(8) {
			want, n := texts[int(i)], int64(0)
			if want != "" {
				n = 7
			}
			if got := v.text(i); got != want {
				t.Errorf("run %d: event %d has %q, want %q", run, i, got, want)
			}
			if got := numbers.number(i); got != n {
				t.Errorf("run %d: event %d has %d, want %d", run, i, got, n)
			}
		}
	}
}

// Runs in which one field after the other is large keep no memory for all of them.
func TestMemoryOfRuns(t *testing.T) {
	var e events
	large := strings.Repeat("x", 4096)
	for _, f := range []schemas.Field{schemas.URL, schemas.Title, schemas.Referrer, schemas.UserAgent, schemas.UTMSource} {
		e.reset()
		for i := range 8 << 10 { // 32 MiB
			e.values[f].put(i, f, large)
		}
	}
	e.reset()
	kept := 0
	for f := range e.values {
		kept += cap(e.values[f].texts)
	}
	if kept > 2*maxKept {
		t.Errorf("%d MiB are kept", kept>>20)
	}
}
