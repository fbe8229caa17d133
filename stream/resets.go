package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
	maxAge  time.Duration

	mu        sync.Mutex
	next      int64           // offset up to which resets have been applied
	changed   chan struct{}   // closed when next changes
	end       int64           // the topic's end as last seen
	goal      int64           // an end not reached yet, or the last one reached
	asked     time.Time       // when goal was asked for
	complete  time.Time       // all resets acknowledged before it have been applied
	clusterID string          // Kafka's own
	recent    []kafka.Message // the last that were applied
}

// NewResets prepares to follow the topic; apply is called by Follow alone, for
// every reset, at least once, in order.
func NewResets(cluster *Cluster, apply func(*schemas.Reset), log *slog.Logger) *Resets {
	return &Resets{cluster: cluster, apply: apply, log: log, maxAge: MaxLagAge, changed: make(chan struct{})}
}

// Append makes resets durable: it returns when all in-sync replicas have them,
// or when that is not known after kafka.timeout. They are at the offset that it
// returns and those after it. To append a reset again does no harm.
func (r *Resets) Append(ctx context.Context, resets []schemas.Reset) (offset int64, err error) {
	records := make([]Entry, len(resets))
	for i := range resets {
		records[i] = Entry{Time: resets[i].At, Key: resets[i].Key(), Value: resets[i].AppendJSON(nil)}
	}
	return r.cluster.Append(ctx, r.cluster.config.Topics.Resets, 0, records)
}

// Barrier returns when all resets that were acknowledged before the call have
// been applied, or when ctx ends. Follow must run.
func (r *Resets) Barrier(ctx context.Context) error {
	_, end, err := r.cluster.bounds(ctx, r.cluster.config.Topics.Resets, 0)
	if err != nil {
		return err
	}
	for {
		r.mu.Lock()
		reached, changed := r.next >= end, r.changed
		r.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot wait for the resets: %w", ctx.Err())
		case <-changed:
		}
	}
}

// Applied returns the offset of the resets topic up to which all resets have
// been applied.
func (r *Resets) Applied() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
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
		pause(ctx, time.Second)
	}
}

func (r *Resets) follow(ctx context.Context) error {
	topic := r.cluster.config.Topics.Resets
	id, err := r.cluster.ID(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.clusterID = id
	r.mu.Unlock()
	if err := r.findEnd(ctx); err != nil {
		return err
	}
	first, _, err := r.cluster.bounds(ctx, topic, 0)
	if err != nil {
		return err
	}
	reading, stop := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer stop(nil)
	watch.Go(func() { stop(r.watchEnd(reading)) })
	reader := newPartitionReader(reading, r.cluster, topic, 0, max(r.Applied(), first))
	defer reader.close()
	for {
		m, ok, err := reader.step(reading, 0)
		if err != nil {
			if cause := context.Cause(reading); cause != nil {
				err = cause
			}
			return fmt.Errorf("cannot read topic %s: %w", topic, err)
		}
		if !ok { // these offsets have no messages
			r.applied(reader.offset, nil)
			continue
		}
		if len(m.Value) > 0 {
			reset, err := schemas.DecodeReset(m.Value)
			if err != nil {
				// It cannot be left out: an identifier would pass.
				return fmt.Errorf("offset %d of topic %s: %w", m.Offset, topic, err)
			}
			r.apply(&reset)
		}
		r.applied(m.Offset+1, &m)
	}
}

// watchEnd keeps asking for the topic's end, so that the lag is known while
// nothing arrives. It returns why reading must begin again.
func (r *Resets) watchEnd(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	read, since := int64(-1), time.Now()
	limit, began := slowStart*stall, r.Applied()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := r.findEnd(ctx); errors.Is(err, errShorter) {
			return err // Ready tells when it fails for long in other ways
		}
		r.mu.Lock()
		next, behind := r.next, r.next < r.end
		r.mu.Unlock()
		if next != read || !behind {
			read, since = next, time.Now()
		}
		if next != began {
			limit = stall
		}
		if time.Since(since) > limit {
			return errStalled
		}
	}
}

// findEnd asks for the topic's end.
func (r *Resets) findEnd(ctx context.Context) error {
	asked, read := time.Now(), r.Applied()
	_, end, err := r.cluster.bounds(ctx, r.cluster.config.Topics.Resets, 0)
	if err != nil {
		return err
	}
	return r.noteEnd(end, asked, read)
}

// noteEnd notes where the topic ended at a time, at which it had been read up
// to an offset. An end that has not been reached yet stays the goal: a newer
// one would always be a little further.
func (r *Resets) noteEnd(end int64, asked time.Time, read int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = end
	if end < read {
		r.next, r.goal, r.complete, r.recent = 0, 0, time.Time{}, nil
		return errShorter
	}
	if r.next >= r.goal {
		r.goal, r.asked = end, asked
	}
	r.noteComplete()
	return nil
}

// applied notes that all before an offset has been applied, a message last, if any.
func (r *Resets) applied(next int64, m *kafka.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = next
	if m != nil {
		r.remember(m)
	}
	close(r.changed)
	r.changed = make(chan struct{})
	r.noteComplete()
}

func (r *Resets) noteComplete() {
	if r.next >= r.goal {
		r.complete = r.asked
	}
}

// Lag returns how many resets of the topic have not been applied, as far as
// is known, and for how long some may be missing: all that were acknowledged
// before have been applied. It is 0 before the registry has caught up.
func (r *Resets) Lag() (resets int64, age time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.complete.IsZero() {
		age = time.Since(r.complete)
	}
	return max(r.end-r.next, 0), age
}

// ResetBound is how long after its acknowledgement a reset may still not hold
// for what some collector writes to Kafka: one that does not know of it yet
// stops within MaxLagAge, and what it let through before is written or given up
// within kafka.timeout.
func (c *Config) ResetBound() time.Duration { return MaxLagAge + c.Timeout }

// MaxLagAge is the bound of invariant I2: a registry from which a reset might
// be missing that was acknowledged longer ago is not ready.
const MaxLagAge = 10 * time.Second

// ErrNotCaughtUp: the registry does not have all resets yet.
var ErrNotCaughtUp = errors.New("the reset registry is not caught up yet")

// ErrStale: the registry may miss resets.
var ErrStale = errors.New("the reset registry has lost touch with Kafka")

// Ready reports why the registry cannot be relied on, or nil.
func (r *Resets) Ready() error {
	r.mu.Lock()
	complete := r.complete
	r.mu.Unlock()
	switch {
	case complete.IsZero():
		return ErrNotCaughtUp
	case time.Since(complete) > r.maxAge:
		return ErrStale
	}
	return nil
}
