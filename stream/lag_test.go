package stream

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// TestStalledConsumerGrowsLagNotMemory: while a handler is held up, what comes
// meanwhile stays in Kafka and is told of; another group goes on.
func TestStalledConsumerGrowsLagNotMemory(t *testing.T) {
	b := startBroker(t)
	c := testConfig(b)
	c.Partitions = 1
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	gate := make(chan struct{})
	m := join(t, cluster, func(m *member) { m.gate = gate })
	var others atomic.Int64
	other := NewConsumer(cluster, ConsumerOptions{Group: "other", MaxMessages: 1000, MaxWait: 50 * time.Millisecond, Log: discard()},
		func(_ context.Context, _ int, messages []kafka.Message) error {
			others.Add(int64(len(messages)))
			return nil
		})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = other.Run(ctx) })
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)

	value := strings.Repeat("x", 10<<10)
	write := func(from, to int) {
		t.Helper()
		var messages []Message
		for i := from; i < to; i++ {
			messages = append(messages, event("k", name(i)+value))
		}
		if err := p.Write(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	write(0, 10)
	wait(t, "a run is held up", func() bool { return m.OldestAge() > 0 })
	before := heap()
	const each, rounds = 500, 16 // 80 MB
	for i := range rounds {
		write(10+i*each, 10+(i+1)*each)
	}
	const all = 10 + rounds*each
	wait(t, "the lag is told", func() bool { return m.Lag() >= all })
	wait(t, "the other group has all", func() bool { return others.Load() >= all && other.Lag() == 0 })
	wait(t, "the oldest is said to have waited", func() bool { return m.OldestAge() >= time.Second })
	if grown := heap() - before; grown > 24<<20 {
		t.Errorf("the heap grew by %d MiB while %d MiB came", grown>>20, all*len(value)>>20)
	} else {
		t.Logf("the heap grew by %d MiB while %d MiB came", grown>>20, all*len(value)>>20)
	}
	close(gate)
	wait(t, "all is handled", func() bool { return m.Lag() == 0 && m.OldestAge() == 0 })
}
