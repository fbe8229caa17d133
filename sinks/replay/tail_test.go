package replay_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/sinks/replay"
)

// What arrives is shown, but for what was reset and what is not asked for.
func TestTail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.visit(t, 1, when)
	w.send(t, before)
	w.reset(t, 2)
	var mu sync.Mutex
	var shown []string
	ctx, stop := context.WithCancel(t.Context())
	tail := &replay.Tail{
		Cluster: w.cluster, Reviewer: w.reviewer(), Log: discard, Selection: replay.Selection{From: replay.Point{Now: true}, Sites: []string{"shop"}},
		Outcomes: []schemas.Outcome{schemas.Allowed},
		Show: func(r *schemas.Record) error {
			mu.Lock()
			defer mu.Unlock()
			shown = append(shown, r.Event.Get(schemas.ID))
			for i := range r.Grants {
				if len(r.Grants[i].Own) > 0 {
					t.Error("a raw identifier is shown")
				}
			}
			return nil
		},
	}
	done := make(chan error, 1)
	go func() { done <- tail.Run(ctx) }()

	elsewhere, gone := w.visit(t, 3, when), w.visit(t, 2, when)
	elsewhere.Event.Set(schemas.Site, "news")
	last := w.visit(t, 4, when)
	last.Grants[1].Own = []schemas.OwnIdentifier{{Field: schemas.GA, Text: "GA1.1.1.1"}}
	// It may not have begun yet, so what it is to show is sent until it does.
	eventually(t, "the last record to be shown", func() bool {
		w.send(t, gone, elsewhere, last)
		mu.Lock()
		defer mu.Unlock()
		return len(shown) > 0 && tail.Withheld() > 0
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, id := range shown {
		if id != last.Event.Get(schemas.ID) {
			t.Errorf("event %s is shown", id)
		}
	}

	// What is shown to somebody who is gone ends it.
	gone2 := errors.New("broken pipe")
	tail = &replay.Tail{Cluster: w.cluster, Reviewer: w.reviewer(), Log: discard, Show: func(*schemas.Record) error { return gone2 }}
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := tail.Run(limited); !errors.Is(err, gone2) {
		t.Errorf("got %v", err)
	}
}
