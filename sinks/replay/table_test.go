package replay_test

import (
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/sinks/clickhouse"
	"sekisho/sinks/replay"
)

// A replay that is begun while ClickHouse is being restarted waits for it: its table is
// made, and what an earlier one has left in it is found. (It ended with an error.)
func TestReplayBeginsWhileClickHouseIsGone(t *testing.T) {
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var gone atomic.Int32 // times that it still is
	open := make(chan net.Conn, 100)
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server.NativeAddr())
			if err != nil || gone.Add(-1) >= 0 {
				from.Close()
				continue
			}
			open <- from
			go func() { _, _ = io.Copy(to, from); to.Close() }()
			go func() { _, _ = io.Copy(from, to); from.Close() }()
		}
	}()
	c := w.store.Config()
	c.Addresses = []string{l.Addr().String()}
	store, err := clickhouse.Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	gone.Store(2)
	sink := clickhouse.NewSink(store, w.cluster, clickhouse.SinkOptions{Gate: w.gate(), Log: discard, Metrics: metrics.NewSet(), Dead: w.letters.Append, Table: "events_again"})
	target, stop, err := replay.Table(t.Context(), store, "events_again", sink, discard)
	if err != nil || gone.Load() > 0 {
		t.Fatalf("the table is not made: %v", err)
	}
	t.Cleanup(stop)
	made, err := target.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, "INSERT INTO "+w.store.Table("events_again")+" (id, time) SELECT generateUUIDv4(), now64(3)")
	gone.Store(2)
	for len(open) > 0 {
		(<-open).Close()
	}
	if err := target.GoOn(t.Context(), made, 1); err != nil || gone.Load() > 0 {
		t.Errorf("what was replayed is not found: %v", err)
	}
}
