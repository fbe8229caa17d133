package stream

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"sekisho/schemas"
)

// transact writes records in a transaction.
func transact(t *testing.T, c Config, records ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.TransactionalID("copier"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
}

// Who follows or reads a topic that was copied so gets to its end too: a registry of
// resets is ready, and waits for no more.
func TestFollowersPassMarks(t *testing.T) {
	t.Parallel()
	c := testConfig(startBroker(t))
	cluster := open(t, c)
	value := func(n byte) []byte { reset := resetOf(n); return reset.AppendJSON(nil) }
	report := schemas.Progress{Recipient: "google", From: 3, To: 4, State: schemas.Done, At: time.Now()}
	const each = 2
	for range each {
		transact(t, c, &kgo.Record{Topic: c.Topics.Resets, Key: []byte("a"), Value: value(1)}, &kgo.Record{Topic: c.Topics.Resets, Key: []byte("b"), Value: value(2)})
		transact(t, c, &kgo.Record{Topic: c.Topics.Progress, Key: report.Key(), Value: report.AppendJSON(nil)})
	}
	end := func(topic string) int64 {
		_, end, err := cluster.bounds(t.Context(), topic, 0)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	wait(t, "every transaction has its mark", func() bool { return end(c.Topics.Resets) == each*3 && end(c.Topics.Progress) == each*2 })

	f := follow(t, cluster)
	wait(t, "the registry is ready", f.ready)
	if behind, _ := f.Lag(); !f.has(1, 2) || behind != 0 || f.Applied() != each*3 {
		t.Errorf("it has %v, is at %d and %d behind", f.all(), f.Applied(), behind)
	}
	barrier, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if err := f.Barrier(barrier); err != nil {
		t.Error(err)
	}
	appendResets(t, f.Resets, 3)
	wait(t, "it goes on behind the marks", func() bool { return f.has(3) && f.Applied() == each*3+1 })

	reports := NewProgress(cluster)
	took := 2 * stall
	for range 3 { // a busy machine is slow sometimes, and who waits is always
		begun := time.Now()
		if err := reports.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		took = min(took, time.Since(begun))
	}
	if state, _, ok := reports.Of("google", 3, 4, report.At); !ok || state != schemas.Done {
		t.Errorf("what was reported is %v, %t", state, ok)
	}
	if took >= 2*stall {
		t.Error("the end of the topic was found by waiting")
	}
}

// Who copies a topic may do so in transactions. Their marks have offsets and are no
// messages: a consumer gets to the end of the topic, and is not behind.
func TestMarksOfTransactions(t *testing.T) {
	t.Parallel()
	c := testConfig(startBroker(t))
	c.Partitions = 1
	cluster := open(t, c)
	const each = 3
	for range each {
		transact(t, c, &kgo.Record{Topic: c.Topics.Events, Value: []byte("a")}, &kgo.Record{Topic: c.Topics.Events, Value: []byte("b")})
	}
	// Kafka writes the mark of a transaction after it has answered.
	var spans []Span
	wait(t, "every transaction has its mark", func() bool {
		var err error
		spans, err = cluster.Spans(t.Context(), c.Topics.Events)
		return err == nil && len(spans) == 1 && spans[0].To == each*3
	})
	for name, within := range map[string][]Span{"all": nil, "a span": spans} {
		var handled atomic.Int64
		consumer := NewConsumer(cluster, ConsumerOptions{Group: name, MaxMessages: 1000, MaxWait: 50 * time.Millisecond, Spans: within, Log: discard()},
			func(_ context.Context, _ int, messages []kafka.Message) error {
				handled.Add(int64(len(messages)))
				return nil
			})
		running, stop := context.WithCancel(t.Context())
		var member sync.WaitGroup
		member.Go(func() { _ = consumer.Run(running) })
		wait(t, name+" is handled and nothing is behind", func() bool { return handled.Load() == 2*each && consumer.Lag() == 0 })
		if within != nil {
			wait(t, "the span is committed", func() bool {
				commits, err := cluster.Commits(t.Context(), name, c.Topics.Events, 1)
				return err == nil && commits[0].Offset == spans[0].To
			})
		}
		stop()
		member.Wait()
	}
}
