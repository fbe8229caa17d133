package stream

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// slowConn answers late for the first time.
type slowConn struct {
	net.Conn
	once sync.Once
}

func (c *slowConn) Read(b []byte) (int, error) {
	c.once.Do(func() { time.Sleep(stall * 2 / 3) })
	return c.Conn.Read(b)
}

// TestReaderThatIsSlowToBegin gets on, though it takes its connections longer than
// a reader may be silent that has begun. (It was made anew again and again, and
// never read anything, on a busy machine: events and resets waited for ever.)
func TestReaderThatIsSlowToBegin(t *testing.T) {
	t.Parallel()
	c := testConfig(startBroker(t))
	c.Partitions = 1
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	write(t, p, 0, 50)
	if err := cluster.Report(t.Context(), schemas.Progress{Recipient: "store", To: 7, State: schemas.Done, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	cluster.dialer.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &slowConn{Conn: conn}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	spans, err := cluster.Spans(ctx, c.Topics.Events)
	if err != nil {
		t.Fatal(err)
	}
	var handled atomic.Int64
	consumer := NewConsumer(cluster, ConsumerOptions{MaxMessages: 100, MaxWait: 50 * time.Millisecond, Spans: spans, Log: discard()},
		func(_ context.Context, _ int, messages []kafka.Message) error {
			handled.Add(int64(len(messages)))
			return nil
		})
	running.Go(func() { consumer.Follow(ctx) })
	progress := NewProgress(cluster)
	running.Go(func() { progress.Follow(ctx, discard()) })
	wait(t, "the events are handled", func() bool { return handled.Load() >= 50 })
	wait(t, "the report is known", func() bool { _, _, ok := progress.Of("store", 0, 7, time.Now()); return ok })
}
