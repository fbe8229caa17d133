package clickhouse

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// Eraser takes what was reset out of ClickHouse. It reads the resets topic as a
// consumer group of its own: the topic has one partition, so that of all erasers
// one works, and another goes on where it ends. Run makes it a member.
//
// It gathers resets for a while, since a mutation reads whole tables however
// little it is to find, and carries them out together:
//
//  1. it ends what an eraser before it left half-way;
//  2. it puts the pseudonyms into the table erasing, which the mutations ask;
//  3. it waits until every insert that is under way has ended. One of ours that
//     begins later knows these resets; see partition.insert. So what bears one of
//     the pseudonyms now is all that ever will;
//  4. it counts the rows in the table of decisions, and under a policy that keeps
//     counts inserts an anonymised row for each, unless it is there;
//  5. it deletes the rows, with one mutation a table;
//  6. it does 3 to 5 again until no row is found, on no replica: a statement of an
//     operator's, or a view that is refreshed, may have read the rows before and
//     written them elsewhere since;
//  7. it waits until the files are gone that were replaced, by these mutations or
//     otherwise, those of the table erasing, and those of tables that were dropped.
//
// Only then does it report the resets as done, see [stream.Reporter], and commit them. A
// batch that was interrupted is carried out again from its beginning; each step
// finds what an earlier attempt did.
type Eraser struct {
	store    *Store
	cluster  *stream.Cluster
	gate     *Gate
	log      *slog.Logger
	metrics  *eraserMetrics
	consumer *stream.Consumer
	sink     *Sink // whose way of inserting it shares
	topic    string

	assignment context.Context
	reporter   *stream.Reporter
}

// EraserOptions configure an eraser.
type EraserOptions struct {
	Gate    *Gate
	Log     *slog.Logger
	Metrics *metrics.Set // nil for none
}

// NewEraser prepares an eraser; the database must have been migrated before Run.
func NewEraser(s *Store, cluster *stream.Cluster, o EraserOptions) *Eraser {
	e := &Eraser{store: s, cluster: cluster, gate: o.Gate, log: o.Log, topic: cluster.Config().Topics.Resets}
	e.sink = &Sink{store: s, table: Events, log: o.Log, topic: e.topic, gate: o.Gate, partitions: map[int]*partition{}}
	e.consumer = stream.NewConsumer(cluster, stream.ConsumerOptions{
		Group:       s.config.Erasure.Group,
		Topic:       e.topic,
		MaxMessages: s.config.Erasure.MaxResets,
		MaxWait:     s.config.Erasure.MaxWait,
		Log:         o.Log,
	}, e.Handle)
	e.sink.metrics = newSinkMetrics(nil, e.consumer)
	e.metrics = newEraserMetrics(o.Metrics, e.consumer)
	return e
}

// Run erases until ctx ends.
func (e *Eraser) Run(ctx context.Context) error {
	watch, stop := context.WithCancel(context.Background())
	defer stop()
	go e.sink.suspension.watch(watch)
	return e.consumer.Run(ctx)
}

// Handle erases a run of resets; it is the consumer's handler. When it returns
// nil, no row in ClickHouse can be tied to any of them.
func (e *Eraser) Handle(ctx context.Context, _ int, messages []kafka.Message) (err error) {
	defer func() {
		if err != nil && ctx.Err() == nil {
			e.metrics.errors.Inc()
		}
	}()
	p := e.sink.partition(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.suspensions, err = e.sink.suspension.settle(ctx); err != nil {
		return err
	}
	if err := p.endInserts(ctx); err != nil {
		return err
	}
	if err := p.ledger.load(ctx); err != nil {
		return err
	}
	if e.assignment != ctx {
		if e.reporter, err = stream.NewReporter(ctx, e.cluster, policy.Store); err != nil {
			return err
		}
		e.assignment = ctx
	}
	if err := e.note(ctx, messages); err != nil {
		return err
	}
	// What an earlier attempt has counted is not counted again; so it is a batch
	// by itself.
	split := len(messages)
	for i := range messages {
		if messages[i].Offset > p.ledger.position {
			split = i
			break
		}
	}
	if messages[len(messages)-1].HighWaterMark <= p.ledger.position { // the topic began anew
		split = 0
	}
	for _, part := range []struct {
		messages []kafka.Message
		counted  bool
	}{{messages[:split], true}, {messages[split:], false}} {
		if err := e.carryOut(ctx, p, part.messages, part.counted); err != nil {
			return err
		}
	}
	return e.reporter.Tell(ctx, messages, slices.Repeat([]schemas.ProgressState{schemas.Done}, len(messages)))
}

// carryOut erases a batch.
func (e *Eraser) carryOut(ctx context.Context, p *partition, messages []kafka.Message, counted bool) error {
	begun := time.Now()
	b, err := newBatch(messages)
	if err != nil || len(b.pseudonyms) == 0 {
		return err
	}
	b.counted, b.partition = counted, p
	rows, err := e.erase(ctx, b)
	if err != nil {
		return err
	}
	e.metrics.resets.Add(b.resets)
	e.metrics.rows.Add(int(rows))
	e.metrics.batches.Inc()
	e.metrics.seconds.UpdateDuration(begun)
	e.log.Info("erased what was reset", "resets", b.resets, "rows", rows, "took", time.Since(begun).Round(time.Millisecond))
	return nil
}

// batch is resets that are erased together.
type batch struct {
	id         uint64 // names it in the table erasing
	resets     int
	pseudonyms []string
	last       int64 // offset
	counted    bool  // its rows are in the table of decisions already
	partition  *partition
}

// newBatch takes the resets out of messages. An opt-out is no reset: what is
// stored stays.
func newBatch(messages []kafka.Message) (*batch, error) {
	b := &batch{id: newBatchID()}
	for i := range messages {
		m := &messages[i]
		if len(m.Value) == 0 {
			continue
		}
		reset, err := schemas.DecodeReset(m.Value)
		if err != nil {
			// It cannot be left out: something would stay.
			return nil, fmt.Errorf("offset %d of topic %s: %w", m.Offset, m.Topic, err)
		}
		if reset.Recipient != "" {
			continue
		}
		b.resets++
		b.pseudonyms = append(b.pseudonyms, reset.Pseudonyms...)
	}
	if len(messages) > 0 {
		b.last = messages[len(messages)-1].Offset
	}
	return b, nil
}

// erase carries the batch out and returns how many rows it found.
func (e *Eraser) erase(ctx context.Context, b *batch) (rows uint64, err error) {
	places, err := e.store.places(ctx, b.id)
	if err != nil {
		return 0, err
	}
	if err := e.clear(ctx); err != nil {
		return 0, err
	}
	if err := e.name(ctx, b); err != nil {
		return 0, err
	}
	for pass := range maxPasses {
		found, n, err := e.pass(ctx, b, places)
		if err != nil {
			return 0, err
		}
		if rows += n; n == 0 {
			break
		}
		if pass == maxPasses-1 {
			return 0, fmt.Errorf("cannot erase from table %s: each time that rows are deleted there are others, %d the last time: end what copies them there", found[0].name(), n)
		}
		b.counted = true
	}
	dropped, err := e.store.dropped(ctx)
	if err != nil {
		return 0, err
	}
	if err := e.clear(ctx); err != nil {
		return 0, err
	}
	places = append(places, place{database: e.store.config.Database, table: "erasing"})
	if err := e.awaitFiles(ctx, places); err != nil {
		return 0, err
	}
	return rows, e.awaitDropped(ctx, dropped)
}

// maxPasses is far more often than rows that were read in time come up again.
const maxPasses = 5

// pass deletes the batch's rows, and returns where it found some, and how many.
// What the second one finds, an insert brought that was begun before the first had
// deleted what it read.
func (e *Eraser) pass(ctx context.Context, b *batch, places []place) (touched []place, rows uint64, err error) {
	if err := e.store.settleInserts(ctx); err != nil {
		return nil, 0, err
	}
	if err := e.store.sync(ctx, places); err != nil {
		return nil, 0, err
	}
	for _, p := range places {
		found, err := e.store.search(ctx, &p)
		if err != nil {
			return nil, 0, err
		}
		if found == 0 {
			continue
		}
		touched, rows = append(touched, p), rows+found
		if p.events != "" {
			if err := e.replace(ctx, b, &p); err != nil {
				return nil, 0, err
			}
		}
	}
	return touched, rows, e.delete(ctx, b, touched)
}

// replace counts the rows that are about to be deleted and, where the policy
// keeps counts, puts anonymised ones in their place.
func (e *Eraser) replace(ctx context.Context, b *batch, p *place) error {
	outcome := schemas.Dropped
	if e.gate.table().Erasure == policy.Anonymise {
		outcome = schemas.Anonymised
		if err := e.anonymise(ctx, b, p); err != nil {
			return err
		}
	}
	if b.counted || p.events != Events {
		return nil // what was replayed was counted where it came from
	}
	return e.count(ctx, b, p, outcome)
}
