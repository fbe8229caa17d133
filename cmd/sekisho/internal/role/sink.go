package role

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/enforcer"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse"
	"sekisho/stream"
)

// Sink is the role that writes events to ClickHouse and takes out what was
// reset.
type Sink struct {
	*running
	subjects *Subjects
	stop     context.CancelFunc
}

// CheckSink reports what of the configuration a sink could not work with.
func CheckSink(c *config.Config) error { return CheckCollector(c) }

// StartSink starts to write what Kafka has to ClickHouse, whose tables must be
// there, to erase what is reset, and to take back the consent receipts of whom
// it belonged to.
func StartSink(c *config.Config, cluster *stream.Cluster, store *clickhouse.Store, set *metrics.Set, log *slog.Logger) (*Sink, error) {
	p, err := LoadPolicy(c.Policy)
	if err != nil {
		return nil, err
	}
	keys, _, err := Secrets(c.Keys)
	if err != nil {
		return nil, err
	}
	// What it anonymises would be other events than collectors make of their copies, and
	// what it withholds be counted again.
	if err := checkSecret(cluster, keys, log); err != nil {
		return nil, err
	}
	var table atomic.Pointer[enforcer.Table]
	table.Store(enforcer.Compile(p))
	letters := stream.NewDeadLetters(cluster, set)
	letters.Expect(policy.Store, table.Load().SiteNames())
	ctx, stop := context.WithCancel(context.Background())
	if err := WatchPolicy(ctx, c.Policy, func(p *policy.Policy) {
		table.Store(enforcer.Compile(p))
		letters.Expect(policy.Store, table.Load().SiteNames())
	}, set, log); err != nil {
		stop()
		return nil, err
	}
	following, ended := context.WithCancel(context.Background())
	withdrawn := new(enforcer.Withdrawn)
	watch := &keyWatch{keys: keys}
	resets := stream.NewResets(cluster, watch.follow(withdrawn.Put, log, "a sink must not go on under another secret, and does not start under it"), log)
	keep := newSnapshots(c.Registry.Dir, "sink", pseudonymsID, withdrawn.Sets(), resets, set, log)
	followed := start(func() error { keep.run(following); return nil })
	gate := clickhouse.NewGate(table.Load, keys, withdrawn, resets)
	subjects, err := NewSubjects(c, cluster, store, table.Load, withdrawn, resets)
	if err != nil {
		stop()
		ended()
		return nil, err
	}
	sink := clickhouse.NewSink(store, cluster, clickhouse.SinkOptions{
		Gate: gate, Log: log, Metrics: set, Dead: letters.Append,
	})
	eraser := clickhouse.NewEraser(store, cluster, clickhouse.EraserOptions{Gate: gate, Log: log, Metrics: set})
	// One does not go on without the others.
	others := []*running{
		start(func() error { defer stop(); return eraser.Run(ctx) }),
		start(func() error { defer stop(); return stream.WithdrawReceipts(ctx, cluster, set, log) }),
	}
	return &Sink{subjects: subjects, running: start(func() error {
		defer func() { ended(); <-followed.Done() }() // a run that is finished asks for the resets
		// Partitions are for those who can work on them.
		if err := awaitResets(ctx, resets); err != nil {
			return nil // told to stop
		}
		err := sink.Run(ctx)
		stop()
		for _, other := range others {
			<-other.Done()
			err = errors.Join(err, other.Err())
		}
		return err
	}), stop: stop}, nil
}

// awaitResets returns when what has been reset is known, or ctx ends.
func awaitResets(ctx context.Context, resets *stream.Resets) error {
	for resets.Ready() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// Ready is nil: a sink that waits for partitions or for ClickHouse is as it
// should be, and its lag tells.
func (r *Sink) Ready() error { return nil }

// Pages are what the sink adds to the admin listener: POST /export, POST /erase.
func (r *Sink) Pages() []Page { return r.subjects.Pages() }

// Stop finishes the batch under way. An erasure under way is carried out again
// by whoever comes next.
func (r *Sink) Stop(ctx context.Context) error {
	r.stop()
	select {
	case <-r.Done():
		return r.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
