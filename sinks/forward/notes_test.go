package forward_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sekisho/sinks/forward"
	"sekisho/sinks/standin"
	"sekisho/stream"
)

// forget has Kafka forget the groups of this deployment that have no members, as it
// does when offsets.retention.minutes are over.
func (w *world) forget(t testing.TB) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(w.config.Brokers...), Timeout: 10 * time.Second}
	list, err := client.ListGroups(t.Context(), &kafka.ListGroupsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range list.Groups {
		if !strings.Contains(g.GroupID, w.config.Topics.Events) {
			continue
		}
		members, err := w.cluster.Members(t.Context(), g.GroupID)
		if err != nil {
			t.Fatal(err)
		}
		if members > 0 {
			continue
		}
		answer, err := client.DeleteGroups(t.Context(), &kafka.DeleteGroupsRequest{GroupIDs: []string{g.GroupID}})
		if err != nil || answer.Errors[g.GroupID] != nil {
			t.Fatal(err, answer.Errors)
		}
	}
}

// TestNotesAreKept: what a forwarder notes is kept as long as it runs, though nothing
// comes for its recipient. (Kafka forgot it after seven days.)
func TestNotesAreKept(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"google", "meta"} {
		w := newWorld(t)
		w.send(t, time.Now().Add(-8*24*time.Hour), buy(1), buy(2), buy(3))
		v := vendorOf(t, name, standin.Options{Listen: "127.0.0.1:0"})
		f := w.start(t, name, v.kind)
		kept := func() uint64 {
			n, err := forward.Expired(t.Context(), w.cluster, fmt.Sprintf("%s-%s", name, w.config.Topics.Events))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		eventually(t, name+": what has expired is kept", func() bool { return kept() == 3 })
		w.forget(t)
		if n := kept(); n != 3 {
			t.Errorf("%s: afterwards %d events have expired", name, n)
		}
		w.buys(t, 20)
		eventually(t, name+": all are sent", func() bool { return f.events("sent") == 20 })
		f.stop()
		w.send(t, time.Now().Add(-8*24*time.Hour), buy(4))
		w.start(t, name, v.kind)
		eventually(t, name+": it is added to", func() bool { return kept() == 4 })
	}
}

// TestReplayedBeside: a replay to the recipient leaves notes of its own, and does not
// read the forwarder's. (It counted what had expired again, and all that the forwarder
// had sent as sent twice.)
func TestReplayedBeside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, time.Now().Add(-8*24*time.Hour), buy(1), buy(2))
	w.buys(t, 20)
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	live := w.start(t, "google", v.kind)
	eventually(t, "all are sent", func() bool { return live.settledEvents() == 22 })
	live.stop()
	group := "google-" + w.config.Topics.Events
	replayed := w.start(t, "google", v.kind, func(c *forward.Config) { c.Group = group })
	replayed.stop()
	again := stream.NewConsumer(w.cluster, stream.ConsumerOptions{
		Group: group + "-replay", MaxMessages: 100, MaxWait: 20 * time.Millisecond, Log: discard,
	}, replayed.Handle)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- again.Run(ctx) }()
	eventually(t, "all are sent again", func() bool { return replayed.settledEvents() == 22 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := replayed.count("sekisho_forward_maybe_twice_events_total"); n > 0 {
		t.Errorf("%v events are counted as sent twice", n)
	}
	if n, err := forward.Expired(t.Context(), w.cluster, group); n != 2 || err != nil {
		t.Errorf("%d events have expired, want 2 (%v)", n, err)
	}
}

// TestShortNotes: where the brokers do not take what will have to be noted, nothing is
// sent, and the log says what to do; once they do, each event is sent once. (A note grew
// while events were sent, and was lost with the commit of what had been.)
func TestShortNotes(t *testing.T) {
	t.Parallel()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	var most atomic.Int64 // bytes of a note: enough to say how far, and not what is settled
	most.Store(20)
	k.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		asked, refused := r.(*kmsg.OffsetCommitRequest), false
		answer := asked.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range asked.Topics {
			of := kmsg.NewOffsetCommitResponseTopic()
			of.Topic = topic.Topic
			for _, p := range topic.Partitions {
				to := kmsg.NewOffsetCommitResponseTopicPartition()
				to.Partition = p.Partition
				if p.Metadata != nil && int64(len(*p.Metadata)) > most.Load() {
					to.ErrorCode, refused = kerr.OffsetMetadataTooLarge.Code, true
				}
				of.Partitions = append(of.Partitions, to)
			}
			answer.Topics = append(answer.Topics, of)
		}
		return answer, nil, refused
	})
	w := newWorldOn(t, k.ListenAddrs()[0])
	said := &lockedWriter{to: new(strings.Builder)}
	w.log = said.logger()
	w.buys(t, 400)
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	f := w.start(t, v.recipient, v.kind, func(c *forward.Config) { c.MaxEvents = 100 })
	eventually(t, "the log to say what to do", func() bool { return strings.Contains(said.text(), "offset.metadata.max.bytes") })
	if n := v.Received().Events; n > 0 {
		t.Errorf("%d events were sent", n)
	}
	most.Store(4096)
	eventually(t, "all are sent", func() bool { return f.events("sent") == 400 })
	if got := v.Received(); got.Events != 400 || got.Doubled > 0 {
		t.Errorf("Google has %d events, %d doubled", got.Events, got.Doubled)
	}
	if n := f.count("sekisho_forward_maybe_twice_events_total"); n > 0 {
		t.Errorf("%v events are counted as sent twice", n)
	}
}
