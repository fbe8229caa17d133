package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/sinks/replay"
	"sekisho/stream"
)

// held does not handle anything until it may.
type held struct {
	replay.Target
	begun func()
	may   <-chan struct{}
}

func (h *held) Handle(ctx context.Context, partition int, messages []kafka.Message) error {
	h.begun()
	select {
	case <-h.may:
	case <-ctx.Done():
		return ctx.Err()
	}
	return h.Target.Handle(ctx, partition, messages)
}

// onLine calls itself with what is logged.
type onLine func(string)

func (f onLine) Write(line []byte) (int, error) {
	f(string(line))
	return len(line), nil
}

// A replay that is begun anew does not break off one that another process is
// carrying out. (It took the plan away before it found that it may not.)
func TestReplayIsNotBrokenOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 40)...)
	target := w.intoTable(t, "events_again")
	begun, may, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := w.replay(&held{Target: target, begun: sync.OnceFunc(func() { close(begun) }), may: may}).Run(t.Context())
		first <- err
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	second := w.replay(w.intoTable(t, "events_again"))
	second.Again = true
	second.Log = slog.New(slog.NewTextHandler(onLine(func(line string) {
		if strings.Contains(line, "waiting for another process") {
			cancel()
		}
	}), nil))
	if _, err := second.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it did not wait: %v", err)
	}
	close(may)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// The plan is kept again while the replay is under way. (Kafka forgot it after seven
// days, and the replay broke off.)
func TestPlanIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 40)...)
	target := w.intoTable(t, "events_again")
	begun, may, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	r := w.replay(&held{Target: target, begun: sync.OnceFunc(func() { close(begun) }), may: may})
	r.KeepEvery(time.Millisecond)
	go func() {
		_, err := r.Run(t.Context())
		done <- err
	}()
	<-begun
	group, topic := "sekisho-replay-"+target.Name()+".plan", w.cluster.Config().Topics.Events
	plan := func() map[int]stream.Commit {
		commits, err := w.cluster.Commits(t.Context(), group, topic, 1)
		if err != nil {
			t.Fatal(err)
		}
		return commits
	}
	want := plan()
	old := stream.Commit{Offset: want[0].Offset - 1, Note: want[0].Note}
	if err := w.cluster.SetCommits(t.Context(), group, topic, map[int]stream.Commit{0: old}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for plan()[0] != want[0] {
		select {
		case <-ctx.Done():
			t.Fatal("it is not kept again")
		case err := <-done:
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	close(may)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What a process that was killed left in the group is waited for.
func TestReplayAfterOneWasKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, w.visits(t, 40)...)
	target := w.intoTable(t, "events_again")
	first := w.run(t, w.replay(target))
	topic := w.cluster.Config().Topics.Events
	plan, err := w.cluster.Commits(t.Context(), "sekisho-replay-"+target.Name()+".plan", topic, 1)
	if err != nil {
		t.Fatal(err)
	}
	var note struct{ ID string }
	if err := json.Unmarshal([]byte(plan[0].Note), &note); err != nil {
		t.Fatal(err)
	}
	group := "sekisho-replay-" + target.Name() + "." + note.ID
	if commits, err := w.cluster.Commits(t.Context(), group, topic, 1); err != nil || len(commits) == 0 {
		t.Fatalf("%s is not the group that carried the plan out: %v, %v", group, commits, err)
	}
	w.killMember(t, group)
	again := w.replay(target)
	again.Again = true
	waited := false
	again.Log = slog.New(slog.NewTextHandler(onLine(func(line string) {
		waited = waited || strings.Contains(line, "waiting for another process")
	}), nil))
	if counts := w.run(t, again); counts.Read != first.Read || !waited {
		t.Errorf("%d messages were read, want %d; it waited: %v", counts.Read, first.Read, waited)
	}
}

// killMember joins the group and is gone without leaving it.
func (w *world) killMember(t *testing.T, group string) {
	t.Helper()
	var mu sync.Mutex
	var sockets []net.Conn
	dead := false
	dialer := &kafka.Dialer{DialFunc: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case dead:
			c.Close()
			return nil, net.ErrClosed
		}
		sockets = append(sockets, c)
		return c, nil
	}}
	g, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: w.cluster.Config().Brokers, Topics: []string{w.cluster.Config().Topics.Events}, Dialer: dialer,
		SessionTimeout: 15 * time.Second, // it is still to be found when the replay begins
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	dead = true
	for _, c := range sockets {
		c.Close()
	}
	mu.Unlock()
	g.Close()
	if n, err := w.cluster.Members(t.Context(), group); n != 1 || err != nil {
		t.Fatalf("the group has %d members, want the one that was killed (%v)", n, err)
	}
}
