package stream

import (
	"context"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// TestStandstillIsTold by a member that has no partition and no lag, of one that
// nobody gets on with: here its member is stuck.
func TestStandstillIsTold(t *testing.T) {
	t.Parallel()
	c := testConfig(startBroker(t))
	c.Partitions = 1
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	gate := make(chan struct{})
	watcher := NewConsumer(cluster, ConsumerOptions{Group: "test", MaxMessages: 1, MaxWait: time.Millisecond, Log: discard()},
		func(context.Context, int, []kafka.Message) error { return nil })
	watcher.period = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); watcher.watchGroup(ctx) }()
	defer func() { cancel(); <-ended }()
	write(t, p, 0, 10)
	m := join(t, cluster, func(m *member) { m.gate = gate })
	wait(t, "the standstill is told", func() bool { return watcher.Standstill() > time.Second })
	if n := watcher.Lag(); n != 0 {
		t.Errorf("the lag of a member without partitions is %d", n)
	}
	close(gate)
	wait(t, "it is over", func() bool { return m.Lag() == 0 && watcher.Standstill() == 0 })
}
