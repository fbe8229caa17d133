package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// Resets is the compacted topic of resets, which is the truth about them.
// Safe for concurrent use.
type Resets struct {
	cluster *Cluster
	apply   func(*schemas.Reset)
	log     *slog.Logger

	next   atomic.Int64 // offset up to which resets have been applied
	end    atomic.Int64 // the topic's end as last seen
	seen   atomic.Int64 // when that was, Unix nanoseconds
	caught atomic.Bool
}

// NewResets prepares to follow the topic; apply is called by Follow alone, for
// every reset, at least once, in order.
func NewResets(cluster *Cluster, apply func(*schemas.Reset), log *slog.Logger) *Resets {
	return &Resets{cluster: cluster, apply: apply, log: log}
}

// Append makes resets durable: it returns when all in-sync replicas have them.
func (r *Resets) Append(ctx context.Context, resets []schemas.Reset) error {
	records := make([]kafka.Record, len(resets))
	for i := range resets {
		records[i] = kafka.Record{
			Time:  resets[i].At,
			Key:   kafka.NewBytes(resets[i].Key()),
			Value: kafka.NewBytes(resets[i].AppendJSON(nil)),
		}
	}
	ctx, cancel := context.WithTimeout(ctx, r.cluster.config.Timeout)
	defer cancel()
	answer, err := r.cluster.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: r.cluster.config.Topics.Resets, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return fmt.Errorf("cannot write resets: %w", err)
	}
	return nil
}

// Follow applies all resets of the topic and goes on with new ones until ctx
// ends. A lost connection is taken up again where it was lost.
func (r *Resets) Follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		r.log.Warn("cannot follow the resets; trying again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (r *Resets) follow(ctx context.Context) error {
	topic := r.cluster.config.Topics.Resets
	if err := r.findEnd(ctx); err != nil {
		return err
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: r.cluster.config.Brokers, Topic: topic, Partition: 0, Dialer: r.cluster.dialer,
		MinBytes: 1, MaxBytes: 4 << 20, MaxWait: 250 * time.Millisecond,
	})
	defer reader.Close()
	if err := reader.SetOffset(max(r.next.Load(), 0)); err != nil {
		return fmt.Errorf("cannot read topic %s: %w", topic, err)
	}
	watch, stop := context.WithCancel(ctx)
	defer stop()
	go r.watchEnd(watch)
	for {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			return fmt.Errorf("cannot read topic %s: %w", topic, err)
		}
		if len(m.Value) > 0 {
			reset, err := schemas.DecodeReset(m.Value)
			if err != nil {
				// It cannot be left out: an identifier would pass.
				return fmt.Errorf("offset %d of topic %s: %w", m.Offset, topic, err)
			}
			r.apply(&reset)
		}
		r.next.Store(m.Offset + 1)
		r.note()
	}
}

// watchEnd keeps asking for the topic's end, so that the lag is known while
// nothing arrives.
func (r *Resets) watchEnd(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = r.findEnd(ctx) // Ready tells when it has failed for long
		}
	}
}

func (r *Resets) findEnd(ctx context.Context) error {
	topic := r.cluster.config.Topics.Resets
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer, err := r.cluster.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(0)}},
	})
	if err != nil {
		return fmt.Errorf("cannot find the end of topic %s: %w", topic, err)
	}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return fmt.Errorf("cannot find the end of topic %s: %w", topic, p.Error)
		}
		r.end.Store(p.LastOffset)
		r.seen.Store(time.Now().UnixNano())
	}
	r.note()
	return nil
}

func (r *Resets) note() {
	if r.next.Load() >= r.end.Load() && r.seen.Load() > 0 {
		r.caught.Store(true)
	}
}

// Lag returns how many resets of the topic have not been applied, as far as
// is known, and how old that knowledge is.
func (r *Resets) Lag() (resets int64, age time.Duration) {
	if r.seen.Load() == 0 {
		return 0, 0
	}
	return max(r.end.Load()-r.next.Load(), 0), time.Since(time.Unix(0, r.seen.Load()))
}

// MaxLagAge is the bound of invariant I2: a registry that has not heard from
// the topic for longer is not ready, since a reset might be missing from it.
const MaxLagAge = 10 * time.Second

// ErrNotCaughtUp: the registry does not have all resets yet.
var ErrNotCaughtUp = errors.New("the reset registry is not caught up yet")

// ErrStale: the registry may miss resets.
var ErrStale = errors.New("the reset registry has lost touch with Kafka")

// Ready reports why the registry cannot be relied on, or nil.
func (r *Resets) Ready() error {
	if !r.caught.Load() {
		return ErrNotCaughtUp
	}
	if _, age := r.Lag(); age > MaxLagAge {
		return ErrStale
	}
	return nil
}
