package clickhouse

import (
	"cmp"
	"context"
	"errors"
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
// Where something of an operator's cannot be searched as it is, it does all this with
// the rest, says in its reports what it was, and tries again from time to time, with
// the resets that have come since. Without that it is at the end.
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
	held       string // what was reported last to be in the way
	tried      int64  // offset up to which all is erased from what could be searched; -1 for none
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
	if e.assignment != ctx {
		if e.reporter, err = stream.NewReporter(ctx, e.cluster, policy.Store); err != nil {
			return err
		}
		e.assignment, e.held, e.tried = ctx, "", -1
	}
	defer func() {
		if err != nil && ctx.Err() == nil {
			e.metrics.errors.Inc()
			err = e.hold(ctx, messages, err)
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
	if err := e.note(ctx, messages); err != nil {
		return err
	}
	end := messages[len(messages)-1].Offset
	if messages[len(messages)-1].HighWaterMark <= e.tried { // the topic began anew
		e.tried = -1
	}
	if end <= e.tried {
		if _, left, err := e.store.places(ctx, 0); err != nil || len(left) > 0 {
			return cmp.Or(err, error(&stream.Unfinished{Err: left}))
		}
	}
	var unsearched unsearchable
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
		left, err := e.carryOut(ctx, p, part.messages, part.counted)
		if err != nil {
			return err
		}
		unsearched = append(unsearched, left...)
	}
	if len(unsearched) > 0 {
		e.tried = end
		return &stream.Unfinished{Err: unsearched}
	}
	e.held, e.tried = "", -1
	return e.reporter.Tell(ctx, messages, slices.Repeat([]schemas.ProgressState{schemas.Done}, len(messages)))
}

// hold reports why the messages cannot be brought to their end for now, unless it
// said so before. What ClickHouse says could name a user: that is for the log alone.
func (e *Eraser) hold(ctx context.Context, messages []kafka.Message, why error) error {
	reason := "the last attempt failed: the sink's log says why, and it tries again"
	if left := (unsearchable)(nil); errors.As(why, &left) {
		reason = left.Error()
	}
	to := messages[len(messages)-1].Offset + 1
	if said := fmt.Sprintf("%d %s", to, reason); said != e.held {
		if err := e.reporter.Held(ctx, messages, reason); err != nil {
			return errors.Join(why, err)
		}
		e.held = said
	}
	return why
}

// carryOut erases a batch, but for what it could not search.
func (e *Eraser) carryOut(ctx context.Context, p *partition, messages []kafka.Message, counted bool) (left unsearchable, err error) {
	begun := time.Now()
	b, err := newBatch(messages)
	if err != nil || len(b.pseudonyms) == 0 {
		return nil, err
	}
	b.counted, b.partition = counted, p
	rows, left, err := e.erase(ctx, b)
	if err != nil {
		return nil, err
	}
	e.metrics.rows.Add(int(rows))
	if len(left) > 0 {
		return left, nil
	}
	e.metrics.resets.Add(b.resets)
	e.metrics.batches.Inc()
	e.metrics.seconds.UpdateDuration(begun)
	e.log.Info("erased what was reset", "resets", b.resets, "rows", rows, "took", time.Since(begun).Round(time.Millisecond))
	return nil, nil
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

// erase carries the batch out and returns how many rows it found, and what it could
// not search.
func (e *Eraser) erase(ctx context.Context, b *batch) (rows uint64, left unsearchable, err error) {
	places, left, err := e.store.places(ctx, b.id)
	if err != nil {
		return 0, nil, err
	}
	if err := e.clear(ctx); err != nil {
		return 0, nil, err
	}
	if err := e.name(ctx, b); err != nil {
		return 0, nil, err
	}
	for pass := range maxPasses {
		found, n, err := e.pass(ctx, b, places)
		if err != nil {
			return 0, nil, err
		}
		if rows += n; n == 0 {
			break
		}
		if pass == maxPasses-1 {
			return 0, nil, fmt.Errorf("cannot erase from table %s: each time that rows are deleted there are others, %d the last time: end what copies them there", found[0].name(), n)
		}
		b.counted = true
	}
	dropped, err := e.store.dropped(ctx)
	if err != nil {
		return 0, nil, err
	}
	if err := e.clear(ctx); err != nil {
		return 0, nil, err
	}
	places = append(places, place{database: e.store.config.Database, table: "erasing"})
	if err := e.awaitFiles(ctx, places); err != nil {
		return 0, nil, err
	}
	return rows, left, e.awaitDropped(ctx, dropped)
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
