package forward_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/sinks/forward"
	"sekisho/sinks/standin"
	"sekisho/stream"
)

// TestRestart: a forwarder that is stopped in the middle of a run finishes what is
// under way and commits it, so that the next one sends nothing twice, also to
// Google.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events := 0
	more := func() {
		for range 4 { // so that what shares a request is far apart on the topic
			w.buys(t, 100)
		}
		events += 400
	}
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	v.Misbehave(standin.Fault{Kind: standin.Delay, Delay: standin.Duration(20 * time.Millisecond)})
	slow := func(c *forward.Config) { c.Concurrency = 2 }
	sent := 0.0
	for tries, stopped := 0, 0; stopped < 3; tries++ {
		if tries == 20 {
			t.Fatal("it was never stopped in the middle")
		}
		if sent > float64(events)-150 {
			more()
		}
		f := w.start(t, v.recipient, v.kind, slow)
		eventually(t, "some are sent", func() bool { return f.events("sent") > 40 })
		f.stop()
		if sent += f.events("sent"); sent < float64(events) {
			stopped++
		}
	}
	f := w.start(t, v.recipient, v.kind)
	eventually(t, "the rest is sent", func() bool { return sent+f.events("sent") >= float64(events) })
	if got := v.Received(); got.Events != uint64(events) || got.Doubled > 0 {
		t.Errorf("Google has %d events, %d doubled", got.Events, got.Doubled)
	}
	if n := f.count("sekisho_forward_maybe_twice_events_total"); n > 0 {
		t.Errorf("%v events are counted as sent twice", n)
	}
}

// TestRebalance: when another forwarder joins, and later leaves, partitions go from
// one to the other in the middle of runs, and nothing is sent twice.
func TestRebalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events := 0.0
	more := func() { w.buys(t, 300); events += 300 }
	for range 8 {
		more()
	}
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	v.Misbehave(standin.Fault{Kind: standin.Delay, Delay: standin.Duration(20 * time.Millisecond)})
	slow := func(c *forward.Config) { c.Concurrency = 1 }
	first := w.start(t, v.recipient, v.kind, slow)
	eventually(t, "some are sent", func() bool { return first.events("sent") > 100 })
	second := w.start(t, v.recipient, v.kind, slow)
	eventually(t, "the other one sends too", func() bool {
		if first.events("sent")+second.events("sent") > events-1000 { // whoever is there first leaves some to the other
			more()
		}
		return second.events("sent") > 50
	})
	t.Logf("sent %v, the other %v", first.events("sent"), second.events("sent"))
	first.stop()
	v.Misbehave()
	eventually(t, "all are sent", func() bool { return first.events("sent")+second.events("sent") >= events })
	if got := v.Received(); got.Events != uint64(events) || got.Doubled > 0 {
		t.Errorf("Google has %d events, %d doubled", got.Events, got.Doubled)
	}
	if n := first.count("sekisho_forward_maybe_twice_events_total") + second.count("sekisho_forward_maybe_twice_events_total"); n > 0 {
		t.Errorf("%v events are counted as sent twice", n)
	}
}

// TestStoppedBehindAShortRun: what a forwarder that was stopped had sent is not sent again
// by the one after the next, though that one was stopped when it had worked on less.
// (What lay behind was forgotten, and went to Google twice, uncounted.)
func TestStoppedBehindAShortRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const events = 400
	for range 4 {
		w.buys(t, events/4)
	}
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	const requests = 30 // of which each has a few events, far apart on the topic
	v.Misbehave(standin.Fault{Kind: standin.Delay, Times: requests}, standin.Fault{Kind: standin.Throttle})
	first := w.start(t, v.recipient, v.kind)
	eventually(t, "some are sent", func() bool { return first.events("sent") >= requests })
	first.stop()
	all := []*forwarder{first}
	v.Misbehave()
	for range 3 {
		f := w.prepare(t, v.recipient, v.kind)
		all = append(all, f)
		ctx, cancel := context.WithCancel(t.Context())
		short := stream.NewConsumer(w.cluster, stream.ConsumerOptions{
			Group: v.recipient + "-" + w.config.Topics.Events, MaxMessages: 5, MaxWait: 20 * time.Millisecond, Log: discard,
		}, func(run context.Context, partition int, messages []kafka.Message) error {
			defer cancel()
			return f.Handle(run, partition, messages)
		})
		if err := short.Run(ctx); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(count func(*forwarder) float64) (n float64) {
		for _, f := range all {
			n += count(f)
		}
		return n
	}
	all = append(all, w.start(t, v.recipient, v.kind))
	eventually(t, "the rest is sent", func() bool {
		return sum(func(f *forwarder) float64 { return f.events("sent") }) >= events
	})
	if got := v.Received(); got.Events != events || got.Doubled > 0 {
		t.Errorf("Google has %d events, %d doubled", got.Events, got.Doubled)
	}
	if n := sum(func(f *forwarder) float64 { return f.count("sekisho_forward_maybe_twice_events_total") }); n > 0 {
		t.Errorf("%v events are counted as sent twice", n)
	}
}

// TestTakenOver: whoever takes over from a forwarder that was killed counts what
// that may have sent, where the recipient does not know an event again: once, though it
// has to try a few times. (It counted them at each.)
func TestTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buys(t, 100)
	topic := w.config.Topics.Events
	spans, err := w.cluster.Spans(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vendors(t) {
		half := map[int]stream.Commit{}
		want := 0.0
		for _, span := range spans {
			half[span.Partition] = stream.Commit{Note: fmt.Sprintf("sent=%d", span.To/2)}
			want += float64(span.To / 2)
		}
		group := v.recipient + "-" + topic
		if err := w.cluster.SetCommits(t.Context(), group, topic, half); err != nil {
			t.Fatal(err)
		}
		var checked atomic.Int64
		w.check = func() error {
			if checked.Add(1) <= 4 {
				return errors.New("not yet")
			}
			return nil
		}
		f := w.start(t, v.recipient, v.kind)
		eventually(t, "all are sent", func() bool { return f.events("sent") == 100 })
		if v.recipient != "google" {
			want = 0
		}
		if n := f.count("sekisho_forward_maybe_twice_events_total"); n != want {
			t.Errorf("%s: %v events are counted as sent twice, want %v", v.recipient, n, want)
		}
	}
}
