package stream

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// A note goes with every commit, comes to whoever has the partition next, and is not
// taken from a member whose partition it is no longer.
func TestNote(t *testing.T) {
	cluster := open(t, testConfig(startBroker(t)))
	fill(t, cluster, 10, time.Now())
	events := cluster.config.Topics.Events
	committed := func() Commit {
		got, err := cluster.Commits(t.Context(), "noted", events, 2)
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	// run handles messages of partition 0 until some offset, and returns what was left
	// to it and its note.
	run := func(handle func(ctx context.Context, n *Note, first int64)) (left string, note *Note) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := NewConsumer(cluster, ConsumerOptions{Group: "noted", MaxMessages: 5, MaxWait: time.Minute, Log: discard()},
			func(ctx context.Context, partition int, messages []kafka.Message) error {
				if partition != 0 {
					return nil
				}
				n := NoteOf(ctx)
				if note == nil {
					var err error
					if left, err = n.Left(ctx); err != nil {
						t.Error(err)
					}
					note = n
				}
				if n != note {
					t.Error("another note for another run")
				}
				handle(ctx, n, messages[0].Offset)
				if messages[0].Offset == 5 {
					cancel()
					return context.Canceled
				}
				return nil
			})
		var running sync.WaitGroup
		running.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		running.Wait()
		return left, note
	}
	left, first := run(func(ctx context.Context, n *Note, offset int64) {
		switch offset {
		case 0:
			if err := n.Keep(ctx, "kept"); err != nil {
				t.Error(err)
			}
			if got, want := committed(), (Commit{0, "kept"}); got != want {
				t.Errorf("%+v is committed, want %+v", got, want)
			}
			n.Set("set")
		case 5:
			if got, want := committed(), (Commit{5, "set"}); got != want {
				t.Errorf("%+v is committed, want %+v", got, want)
			}
		}
	})
	if left != "" {
		t.Errorf("%q was left by nobody", left)
	}
	left, second := run(func(ctx context.Context, n *Note, offset int64) {
		if err := first.Keep(ctx, "too late"); err == nil {
			t.Error("a note was taken from who lost the partition")
		}
	})
	if left != "set" || second == first {
		t.Errorf("%q was left", left)
	}
	// What was left is gone on with.
	if got, want := committed(), (Commit{5, "set"}); got != want {
		t.Errorf("%+v is committed, want %+v", got, want)
	}
}

// What a note says of messages beyond a consumer's bounds does not keep it from being done.
func TestNoteWithinSpans(t *testing.T) {
	cluster := open(t, testConfig(startBroker(t)))
	fill(t, cluster, 20, time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := NewConsumer(cluster, ConsumerOptions{Group: "noted", MaxMessages: 5, MaxWait: time.Minute, Log: discard(), Spans: []Span{{0, 0, 10}}},
		func(ctx context.Context, partition int, messages []kafka.Message) error {
			NoteOf(ctx).SetFrom("text", messages[4].Offset, messages[4].Offset+3)
			return nil
		})
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	wait(t, "the end is committed", func() bool {
		commits, err := cluster.Commits(ctx, "noted", cluster.config.Topics.Events, 1)
		if err != nil {
			t.Fatal(err)
		}
		return commits[0].Offset == 10
	})
	cancel()
	running.Wait()
}
