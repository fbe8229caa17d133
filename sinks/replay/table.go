package replay

import (
	"context"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse"
)

// table replays into a table of the events' structure, by the sink's own
// machinery: each event once, whatever happens. Decisions were counted when the
// events came and are not counted again.
type table struct {
	store *clickhouse.Store
	name  string
	id    string // of this table, not of another of the name
	sink  *clickhouse.Sink
	log   *slog.Logger
}

// Table makes a target of a table, which it makes when it is not there. stop
// ends what goes on in the background.
func Table(ctx context.Context, store *clickhouse.Store, name string, sink *clickhouse.Sink, log *slog.Logger) (target Target, stop func(), err error) {
	t := &table{store: store, name: name, sink: sink, log: log}
	err = clickhouse.Ask(ctx, t.unanswered, func() error {
		if err := store.CreateEvents(ctx, name); err != nil {
			return err
		}
		t.id, err = store.TableID(ctx, name)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return t, sink.Watch(), nil
}

// unanswered says that ClickHouse is asked again.
func (t *table) unanswered(err error, pause time.Duration) {
	t.log.Warn("ClickHouse does not tell of the table that is replayed into; trying again", "pause", pause, "error", err)
}

func (t *table) Name() string { return "table:" + t.store.Table(t.name) }

// Begin does nothing: events that are in the table already are found.
func (t *table) Begin(context.Context) (made string, err error) { return t.id, nil }

func (t *table) GoOn(ctx context.Context, made string, done int64) error {
	if made != t.id {
		return ErrAnew
	}
	if done == 0 {
		return nil
	}
	return clickhouse.Ask(ctx, t.unanswered, func() error {
		filled, err := t.store.Filled(ctx, t.name)
		if err == nil && !filled {
			err = ErrAnew
		}
		return err
	})
}

func (t *table) Review(v *Reviewer, r *schemas.Record) ([][]byte, Verdict) {
	return only(v, r, policy.Store)
}

func (t *table) Handle(ctx context.Context, partition int, messages []kafka.Message) error {
	return t.sink.Handle(ctx, partition, messages)
}

// only is the review of targets that are one recipient.
func only(v *Reviewer, r *schemas.Record, recipient string) ([][]byte, Verdict) {
	left, review := v.Only(r, recipient)
	why := Verdict{review.Outcome, review.Reason}
	if left == nil {
		return nil, why
	}
	return [][]byte{left.AppendJSON(nil)}, why
}
