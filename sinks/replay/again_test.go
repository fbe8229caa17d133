package replay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sekisho/schemas"
	"sekisho/sinks/replay"
	"sekisho/stream"
)

// What operators do: start a replay again later, twice at a time, and after what it
// went into, or came from, was made anew.

// interrupt begins a replay and breaks it off when some of it is done.
func (w *world) interrupt(t *testing.T, r *replay.Replay, runs int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r.Target = &failing{Target: r.Target, stop: stop, left: runs, after: true}
	if _, err := r.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("the replay was not interrupted: %v", err)
	}
}

// A time ago is counted back from when the replay was begun, also when it goes on
// hours later. (What had become older than that meanwhile was left out.)
func TestReplayKeepsItsTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 400)...)
	begun := func(later time.Duration) *replay.Replay {
		r := w.replay(w.intoTable(t, "events_again"))
		r.Wanted = "2640h 24h"
		r.Selection.From = replay.Point{Time: when.Add(later)}
		r.Selection.To = replay.Point{Time: when.Add(90*24*time.Hour + later)}
		return r
	}
	w.interrupt(t, begun(0), 2)
	w.run(t, begun(60*24*time.Hour))
	if rows := w.ask(t, "SELECT uniqExact(id) FROM "+w.store.Table("events_again")); rows != 360 {
		t.Errorf("%d events were replayed, want 360", rows)
	}
}

// Who begins the same replay at the same time shares in it. (Each took the plan
// from the other, and both failed.)
func TestReplaysBegunTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 400)...)
	for _, again := range []bool{false, true} {
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 4 {
			r := w.replay(w.intoTable(t, "events_again"))
			r.Again = again
			all.Go(func() {
				<-start
				if _, err := r.Run(t.Context()); err != nil && !errors.Is(err, replay.ErrComplete) {
					t.Errorf("replay %d, again %v: %v", i, again, err)
				}
			})
		}
		close(start)
		all.Wait()
		if rows, events := w.ask(t, "SELECT count() FROM "+w.store.Table("events_again")), w.ask(t, "SELECT uniqExact(id) FROM "+w.store.Table("events_again")); rows != 400 || events != 400 {
			t.Errorf("again %v: %d rows of %d events, want 400", again, rows, events)
		}
	}
}

// What goes to a third party goes once, also when two begin the same at the same instant
// and neither knows of the other when it keeps its plan. (All went again by the second
// plan, and what the first had under way by both.)
func TestBegunAtTheSameInstant(t *testing.T) {
	t.Parallel()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	w := newWorldOn(t, k.ListenAddrs()[0])
	w.send(t, w.visits(t, 100)...)
	// The first plan is kept once the second is on its way, and that is kept once the
	// first has been carried out.
	both, done := make(chan struct{}), make(chan struct{})
	var plans atomic.Int64
	k.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if strings.HasSuffix(r.(*kmsg.OffsetCommitRequest).Group, ".plan") {
			switch plans.Add(1) {
			case 1:
				k.SleepControl(func() { <-both })
			case 2:
				close(both)
				k.SleepControl(func() { <-done })
			}
		}
		return nil, nil, false
	})
	var mu sync.Mutex
	sent := map[string]int{}
	target := replay.Recipient("google", func(_ context.Context, partition int, messages []kafka.Message) error {
		mu.Lock()
		defer mu.Unlock()
		for i := range messages {
			sent[fmt.Sprintf("%d/%d", partition, messages[i].Offset)]++
		}
		return nil
	})
	var all sync.WaitGroup
	first := sync.OnceFunc(func() { close(done) })
	for range 2 {
		all.Go(func() {
			defer first()
			if _, err := w.replay(target).Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if plans.Load() < 2 {
		t.Error("only one kept a plan")
	}
	twice := 0
	for _, n := range sent {
		twice += n - 1
	}
	if len(sent) == 0 || twice > 0 {
		t.Errorf("of %d events %d went twice", len(sent), twice)
	}
}

// What is wanted may be long, as of hundreds of sites: a plan fits into the note that
// Kafka takes all the same, and is known by what is wanted. (Kafka refused it.)
func TestReplayOfManySites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 40)...)
	target, topic := w.intoTable(t, "events_again"), w.cluster.Config().Topics.Events
	many := func(last string) *replay.Replay {
		r := w.replay(target)
		for i := range 600 {
			r.Selection.Sites = append(r.Selection.Sites, fmt.Sprintf("site-%d", i))
		}
		r.Selection.Sites = append(r.Selection.Sites, last)
		r.Wanted = strings.Join(r.Selection.Sites, ",")
		return r
	}
	w.interrupt(t, many("shop"), 1)
	notes, err := w.cluster.Commits(t.Context(), "sekisho-replay-"+target.Name()+".plan", topic, partitions)
	if err != nil || len(notes) != partitions {
		t.Fatalf("the plan is %v, %v", notes, err)
	}
	for _, c := range notes {
		if len(c.Note) > 1024 {
			t.Errorf("a note has %d bytes", len(c.Note))
		}
	}
	if _, err := many("news").Run(t.Context()); !errors.Is(err, replay.ErrOther) {
		t.Errorf("another one ended with %v", err)
	}
	w.run(t, many("shop"))
	if rows := w.ask(t, "SELECT uniqExact(id) FROM "+w.store.Table("events_again")); rows != 40 {
		t.Errorf("%d events were replayed, want 40", rows)
	}
}

// Of different ones into the same, begun at the same time, one is carried out and
// whole; the others say so.
func TestOtherReplaysBegunTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sites := []string{"shop", "news"}
	var records []*schemas.Record
	for i := range 400 {
		r := w.visit(t, i, when.Add(time.Duration(i)*time.Minute))
		r.Event.Set(schemas.Site, sites[i%2])
		records = append(records, r)
	}
	w.send(t, records...)
	var all sync.WaitGroup
	start, ended := make(chan struct{}), make([]error, 2)
	for i := range ended {
		r := w.replay(w.intoTable(t, "events_again"))
		r.Selection.Sites, r.Wanted = sites[i:i+1], sites[i]
		all.Go(func() {
			<-start
			_, ended[i] = r.Run(t.Context())
		})
	}
	close(start)
	all.Wait()
	if ended[0] != nil && ended[1] != nil {
		t.Fatalf("neither was carried out: %v; %v", ended[0], ended[1])
	}
	for i, err := range ended {
		if n := w.ask(t, fmt.Sprintf("SELECT uniqExact(id) FROM %s WHERE site = '%s'", w.store.Table("events_again"), sites[i])); err == nil && n != 200 {
			t.Errorf("replay %d is complete with %d events, want 200", i, n)
		}
	}
}

// handling calls itself before each run is handled.
type handling struct {
	replay.Target
	before func()
}

func (h *handling) Handle(ctx context.Context, partition int, messages []kafka.Message) error {
	h.before()
	return h.Target.Handle(ctx, partition, messages)
}

// Who carries out a plan writes nothing more once another has taken its place: the
// other one has a group of its own, and would not know of it.
func TestReplayIsSuperseded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 400)...)
	target, topic := w.intoTable(t, "events_again"), w.cluster.Config().Topics.Events
	var mu sync.Mutex
	handled := 0
	r := w.replay(&handling{target, func() {
		mu.Lock()
		defer mu.Unlock()
		if handled++; handled > 1 {
			return
		}
		plan := "sekisho-replay-" + target.Name() + ".plan"
		notes, err := w.cluster.Commits(t.Context(), plan, topic, partitions)
		if err != nil {
			t.Error(err)
		}
		for id, c := range notes {
			notes[id] = stream.Commit{Offset: c.Offset, Note: strings.Replace(c.Note, `"wanted":"all"`, `"wanted":"other"`, 1)}
			notes[id] = stream.Commit{Offset: c.Offset, Note: strings.Replace(notes[id].Note, `{"id":"`, `{"id":"of-another-`, 1)}
		}
		if err := w.cluster.SetCommits(t.Context(), plan, topic, notes); err != nil {
			t.Error(err)
		}
	}})
	if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "begun anew elsewhere") {
		t.Errorf("it ended with %v", err)
	}
	// The other partition's run may have been under way.
	if handled > partitions {
		t.Errorf("%d runs were handled after it was superseded", handled-1)
	}
}

// A replay does not go on in the middle where the first half is gone. (It did, and
// said that all was done.)
func TestReplayIntoWhatWasMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 400)...)
	name := w.cluster.Config().Topics.Events + "-copy"
	copied := func() replay.Target {
		target, err := replay.Topic(t.Context(), w.cluster, name)
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	check := func(what string, target func() replay.Target, drop func(), rows func() uint64) {
		t.Helper()
		w.interrupt(t, w.replay(target()), 3)
		drop()
		if _, err := w.replay(target()).Run(t.Context()); !errors.Is(err, replay.ErrAnew) || !strings.Contains(err.Error(), "--again") {
			t.Fatalf("%s: it goes on: %v", what, err)
		}
		again := w.replay(target())
		again.Again = true
		w.run(t, again)
		if n := rows(); n != 400 {
			t.Errorf("%s: %d events, want 400", what, n)
		}
	}
	check("a table", func() replay.Target { return w.intoTable(t, "events_again") },
		func() { w.execute(t, "DROP TABLE "+w.store.Table("events_again")+" SYNC") },
		func() uint64 { return w.ask(t, "SELECT count() FROM "+w.store.Table("events_again")) })
	check("an emptied table", func() replay.Target { return w.intoTable(t, "events_anew") },
		func() { w.execute(t, "TRUNCATE TABLE "+w.store.Table("events_anew")) },
		func() uint64 { return w.ask(t, "SELECT count() FROM "+w.store.Table("events_anew")) })
	check("a topic", copied, func() { w.deleteTopic(t, name) }, func() uint64 { return uint64(len(w.topic(t, name))) })
}

// deleteTopic deletes a topic and waits until it is gone.
func (w *world) deleteTopic(t *testing.T, name string) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(w.cluster.Config().Brokers...)}
	answer, err := client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{name}})
	if err == nil {
		err = answer.Errors[name]
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topic to be gone", func() bool {
		meta, err := client.Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{name}})
		return err == nil && errors.Is(meta.Topics[0].Error, kafka.UnknownTopicOrPartition)
	})
}

// What was begun of a longer topic is not gone on with. (It waited until the topic was
// as long as it had been, and took what came for the range.)
func TestReplayOfAShorterTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 40)...)
	target, events := w.intoTable(t, "events_again"), w.cluster.Config().Topics.Events
	w.interrupt(t, w.replay(target), 1)
	plan := "sekisho-replay-" + target.Name() + ".plan"
	notes, err := w.cluster.Commits(t.Context(), plan, events, partitions)
	if err != nil || len(notes) != partitions {
		t.Fatalf("the plan is %v, %v", notes, err)
	}
	w.deleteTopic(t, events)
	if _, err := w.cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	// With a topic Kafka forgets its notes, but not with messages that it loses.
	if err := w.cluster.SetCommits(t.Context(), plan, events, notes); err != nil {
		t.Fatal(err)
	}
	w.send(t, w.visits(t, 10)...)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	if _, err := w.replay(target).Run(ctx); err == nil || !strings.Contains(err.Error(), "--again") {
		t.Errorf("it goes on: %v", err)
	}
	r := w.replay(target)
	r.Again = true
	if counts := w.run(t, r); counts.Chosen != 10 {
		t.Errorf("%+v, want the 10 events of the new topic", counts)
	}
}
