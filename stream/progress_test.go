package stream

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"sekisho/schemas"
)

// TestProgress: of each reset the latest report counts, of several the one that
// leaves most to do.
func TestProgress(t *testing.T) {
	t.Parallel()
	cluster := open(t, testConfig(startBroker(t)))
	p := NewProgress(cluster)
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	minute := 0
	report := func(from, to int64, state schemas.ProgressState) {
		t.Helper()
		minute++
		at := start.Add(time.Duration(minute) * time.Minute)
		if err := cluster.Report(t.Context(), schemas.Progress{Recipient: "google", From: from, To: to, State: state, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(from, to int64, want string) {
		t.Helper()
		if err := p.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		state, at, ok := p.Of("google", from, to, start)
		got := "nothing"
		if ok {
			got = fmt.Sprintf("%v at %d", state, at.Minute())
		}
		if got != want {
			t.Errorf("%d to %d: got %s, want %s", from, to, got, want)
		}
	}
	check(0, 1, "nothing")
	report(0, 10, schemas.Asked) // 1
	check(0, 10, "asked at 1")
	check(3, 4, "asked at 1")
	check(9, 11, "nothing")
	report(0, 5, schemas.Done) // 2, in the place of 1
	check(0, 5, "done at 2")
	check(0, 10, "nothing")
	report(5, 10, schemas.Done) // 3
	check(0, 10, "done at 3")
	report(10, 12, schemas.Unsupported) // 4
	check(9, 12, "unsupported at 4")
	report(2, 3, schemas.Failed) // 5
	check(0, 12, "failed at 5")
	check(3, 12, "unsupported at 4")
	report(1, 9, schemas.Done) // 6: tried again
	check(0, 10, "done at 6")
	if _, _, ok := p.Of("meta", 0, 1, start); ok {
		t.Error("another recipient has its reports")
	}

	// What is reported of others, whose offsets these were before the topic was made
	// anew, tells nothing. (A ticket was done before its reset was looked at.)
	anew := start.Add(10 * time.Minute)
	if _, _, ok := p.Of("google", 0, 5, anew); ok {
		t.Error("resets are done that were accepted after the report")
	}
	minute = 10
	report(0, 5, schemas.Asked) // 11
	check(0, 5, "asked at 11")
	if state, _, ok := p.Of("google", 0, 5, anew); !ok || state != schemas.Asked {
		t.Errorf("they are %v, %t", state, ok)
	}

	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	follower := NewProgress(cluster)
	following.Go(func() { follower.Follow(ctx, discard()) })
	defer func() { stop(); following.Wait() }()
	report(12, 13, schemas.Done)
	wait(t, "it is known", func() bool { _, _, ok := follower.Of("google", 12, 13, start); return ok })
}
