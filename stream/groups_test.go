package stream

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// fill puts n messages on each partition of the events topic, a minute apart.
func fill(t *testing.T, cluster *Cluster, n int, from time.Time) {
	t.Helper()
	for partition := range cluster.config.Partitions {
		var entries []Entry
		for i := range n {
			entries = append(entries, Entry{Time: from.Add(time.Duration(i) * time.Minute), Value: []byte(name(i))})
		}
		if _, err := cluster.Append(t.Context(), cluster.config.Topics.Events, partition, entries); err != nil {
			t.Fatal(err)
		}
	}
}

// A consumer with bounds is handed what is within them, once, and no more.
func TestConsumerWithinSpans(t *testing.T) {
	cluster := open(t, testConfig(startBroker(t)))
	fill(t, cluster, 50, time.Now())
	events := cluster.config.Topics.Events
	handled := map[string]int{}
	var mu sync.Mutex
	stopAfter := 8 // messages, at first
	run := func(until func() bool) {
		ctx, cancel := context.WithCancel(t.Context())
		c := NewConsumer(cluster, ConsumerOptions{
			Group: "replay", MaxMessages: 4, MaxWait: 50 * time.Millisecond, Log: discard(),
			Spans: []Span{{0, 10, 30}, {1, 0, 50}},
		}, func(_ context.Context, partition int, messages []kafka.Message) error {
			mu.Lock()
			defer mu.Unlock()
			if len(handled) >= stopAfter {
				return errors.New("not now")
			}
			for _, m := range messages {
				handled[fmt.Sprintf("%d:%d", partition, m.Offset)]++
			}
			return nil
		})
		var running sync.WaitGroup
		running.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		wait(t, "the consumer has come far enough", until)
		cancel()
		running.Wait()
	}
	commits := func() map[int]Commit {
		got, err := cluster.Commits(t.Context(), "replay", events, 2)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	run(func() bool { mu.Lock(); defer mu.Unlock(); return len(handled) >= stopAfter })
	mu.Lock()
	stopAfter = 1000
	mu.Unlock()
	all := map[int]Commit{0: {Offset: 30}, 1: {Offset: 50}}
	done := func() bool { return reflect.DeepEqual(commits(), all) }
	run(done)
	run(done) // there is nothing left
	if len(handled) != 70 {
		t.Errorf("%d messages were handed out, want 70", len(handled))
	}
	for message, n := range handled {
		if n != 1 {
			t.Errorf("%s was handed out %d times", message, n)
		}
	}
}

func TestCommits(t *testing.T) {
	cluster := open(t, testConfig(startBroker(t)))
	events := cluster.config.Topics.Events
	for _, want := range []map[int]Commit{{}, {0: {Offset: 7, Note: `{"a":1}`}}, {0: {Offset: 3}, 1: {Offset: 9, Note: "b"}}} {
		if len(want) > 0 {
			if err := cluster.SetCommits(t.Context(), "plan", events, want); err != nil {
				t.Fatal(err)
			}
		}
		got, err := cluster.Commits(t.Context(), "plan", events, 2)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}

func TestOffsetsAt(t *testing.T) {
	cluster := open(t, testConfig(startBroker(t)))
	from := time.Now().Add(-time.Hour).Truncate(time.Minute)
	fill(t, cluster, 30, from)
	check := func(at time.Time, want int64) {
		t.Helper()
		got, err := cluster.OffsetsAt(t.Context(), cluster.config.Topics.Events, 2, at)
		if err != nil || !reflect.DeepEqual(got, []int64{want, want}) {
			t.Errorf("%v: got %v, want %d", err, got, want)
		}
	}
	check(from.Add(-time.Hour), 0)
	check(from, 0)
	check(from.Add(time.Second), 1)
	check(from.Add(10*time.Minute), 10)
	check(from.Add(29*time.Minute), 29)
	check(from.Add(30*time.Minute), 30)
}
