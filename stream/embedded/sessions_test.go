package embedded

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// TestMemberKilledWhileItJoins is not given partitions for ever: the session of a
// member that does not live to see its join answered ends like any other. (Nothing
// of a partition was read any more, without an error or a lag.)
func TestMemberKilledWhileItJoins(t *testing.T) {
	k, err := Start(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	cluster := connect(t, k)
	if _, err := cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	topic := cluster.Config().Topics.Events
	join := func(dialer *kafka.Dialer) *kafka.ConsumerGroup {
		g, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
			ID: "group", Brokers: []string{k.Address()}, Topics: []string{topic}, Dialer: dialer,
			HeartbeatInterval: 200 * time.Millisecond, SessionTimeout: 6 * time.Second, RebalanceTimeout: 30 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	lasting := join(kafka.DefaultDialer)
	defer lasting.Close()
	first, err := lasting.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(first.Assignments[topic]); n != 2 {
		t.Fatalf("alone it has %d partitions, want both", n)
	}
	// The first holds the rebalance up until the other one is dead.
	dead, known := make(chan struct{}), make(chan struct{})
	first.Start(func(generation context.Context) { <-generation.Done(); <-known })
	var mu sync.Mutex
	var sockets []net.Conn
	killed := join(&kafka.Dialer{Timeout: 10 * time.Second, DialFunc: func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case <-dead:
			return nil, net.ErrClosed
		default:
		}
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		mu.Lock()
		defer mu.Unlock()
		sockets = append(sockets, c)
		return c, err
	}})
	for members := 0; members < 2 && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		members = len(k.cluster.GroupInfo("group").Members)
	}
	close(dead)
	mu.Lock()
	for _, c := range sockets {
		c.Close()
	}
	mu.Unlock()
	time.AfterFunc(time.Second, func() { close(known) }) // the broker does not tell that it is
	defer killed.Close()
	shared := false
	for {
		generation, err := lasting.Next(ctx)
		if err != nil {
			t.Fatalf("a dead member keeps its partitions: %v", err)
		}
		n := len(generation.Assignments[topic])
		if n == 2 {
			break
		}
		shared = true
	}
	if !shared {
		t.Error("the dead member never had a partition, so nothing is shown")
	}
}
