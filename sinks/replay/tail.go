package replay

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// Tail shows records as they arrive, as far as they may be shown: what is left of
// each as of now.
type Tail struct {
	Cluster  *stream.Cluster
	Reviewer *Reviewer
	// Selection is what is shown; To is not looked at.
	Selection Selection
	Outcomes  []schemas.Outcome // of records; all when empty
	Log       *slog.Logger
	// Show is given each record in turn, of a partition in its order. An error
	// of it ends the tail.
	Show func(*schemas.Record) error

	withheld atomic.Int64
	mu       sync.Mutex // held while records are shown
}

// Withheld returns how many records were not shown, since nobody may have
// anything of them any more.
func (t *Tail) Withheld() int64 { return t.withheld.Load() }

// Run shows records until ctx ends or Show fails.
func (t *Tail) Run(ctx context.Context) error {
	topic := t.Cluster.Config().Topics.Events
	t.Selection.To = Point{Now: true}
	spans, err := t.Selection.spans(ctx, t.Cluster, topic)
	if err != nil {
		return err
	}
	for i := range spans {
		spans[i].To = math.MaxInt64
	}
	following, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stream.NewConsumer(t.Cluster, stream.ConsumerOptions{
		MaxMessages: 500, MaxWait: 100 * time.Millisecond, Spans: spans, Log: t.Log,
	}, func(ctx context.Context, _ int, messages []kafka.Message) error {
		if err := t.show(ctx, messages); errors.As(err, new(*showError)) {
			stop(err)
		} else if err != nil {
			return err
		}
		return nil
	}).Follow(following)
	var failed *showError
	if errors.As(context.Cause(following), &failed) {
		return failed.error
	}
	return nil
}

// showError is an error of Show.
type showError struct{ error }

func (t *Tail) show(ctx context.Context, messages []kafka.Message) error {
	if err := t.Reviewer.Barrier(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var decoder schemas.RecordDecoder
	var record schemas.Record
	for i := range messages {
		m := &messages[i]
		if string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) != schemas.KindEvent || decoder.Decode(m.Value, &record) != nil || !t.Selection.has(&record) {
			continue
		}
		own, anonymised, _ := t.Reviewer.Whole(&record)
		if own == nil && anonymised == nil {
			t.withheld.Add(1)
		}
		for _, r := range []*schemas.Record{own, anonymised} {
			if r == nil || len(t.Outcomes) > 0 && !slices.Contains(t.Outcomes, r.Outcome) {
				continue
			}
			for i := range r.Grants {
				r.Grants[i].Own = nil // sealed, and the recipient's alone
			}
			if err := t.Show(r); err != nil {
				return &showError{err}
			}
		}
	}
	return nil
}
