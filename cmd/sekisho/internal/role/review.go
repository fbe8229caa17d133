package role

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse"
	"sekisho/sinks/forward"
	"sekisho/sinks/replay"
	"sekisho/stream"
)

// Review is what decides about records as of now, for commands that read them.
type Review struct {
	*replay.Reviewer

	config    *config.Config
	cluster   *stream.Cluster
	table     atomic.Pointer[enforcer.Table]
	keys      *enforcer.Keys
	withdrawn enforcer.Withdrawn
	resets    *stream.Resets
	watch     *keyWatch
	set       *metrics.Set
	log       *slog.Logger
}

// StartReview starts to follow the policy, which is taken up anew when its file
// changes, and the resets, until ctx ends. It returns when all resets of the
// moment are known, and fails with ErrOtherKey when they are under another secret:
// what is sent under its names could never be forgotten, and the anonymised form of
// an event would be another event.
func StartReview(ctx context.Context, c *config.Config, cluster *stream.Cluster, log *slog.Logger) (*Review, error) {
	p, err := LoadPolicy(c.Policy)
	if err != nil {
		return nil, err
	}
	r := &Review{config: c, cluster: cluster, set: metrics.NewSet(), log: log}
	if r.keys, err = pseudonymKeys(c.Keys); err != nil {
		return nil, err
	}
	r.table.Store(enforcer.Compile(p))
	if err := WatchPolicy(ctx, c.Policy, func(p *policy.Policy) { r.table.Store(enforcer.Compile(p)) }, r.set, log); err != nil {
		return nil, err
	}
	r.watch = &keyWatch{keys: r.keys}
	r.resets = stream.NewResets(cluster, func(reset *schemas.Reset) {
		r.watch.see(reset)
		r.withdrawn.Put(reset)
	}, log)
	go r.resets.Follow(ctx)
	r.Reviewer = replay.NewReviewer(r.table.Load, r.keys, &r.withdrawn, r.resets)
	if err := r.Barrier(ctx); err != nil {
		return nil, err
	}
	return r, r.watch.Err()
}

// AnonymousIDs returns the ids that an event may have in anonymised form.
func (r *Review) AnonymousIDs(id string) []string { return r.keys.AnonymousIDs(id) }

// Gate returns what a sink asks before it stores.
func (r *Review) Gate() *clickhouse.Gate {
	return clickhouse.NewGate(r.table.Load, r.keys, &r.withdrawn, r.resets)
}

// Subjects returns what answers users about their data.
func (r *Review) Subjects(store *clickhouse.Store) (*Subjects, error) {
	return NewSubjects(r.config, r.cluster, store, r.table.Load, &r.withdrawn, r.resets)
}

// Forwarder returns the forwarder to a recipient, for a replay to hand it
// records.
func (r *Review) Forwarder(name string) (*forward.Runner, error) {
	if err := CheckForwarders(r.config, []string{name}); err != nil {
		return nil, fmt.Errorf("cannot replay to %s: %w", name, err)
	}
	kind, err := kindOf(r.config, name, r.set)
	if err != nil {
		return nil, err
	}
	return forward.New(r.cluster, forward.Options{
		Recipient: name, Kind: kind, Config: r.config.Forwarders[name].Delivery, Keys: r.keys, Table: r.table.Load,
		Withdrawn: &r.withdrawn, Resets: r.resets, Check: r.watch.Err, Log: r.log, Metrics: r.set,
	})
}
