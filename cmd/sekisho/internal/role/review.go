package role

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/enforcer"
	"sekisho/schemas/policy"
	"sekisho/sinks/replay"
	"sekisho/stream"
)

// Reviewer starts what decides about records as of now, until ctx ends: the
// policy, taken up anew when its file changes, and the resets. It returns when
// all resets of the moment are known.
func Reviewer(ctx context.Context, c *config.Config, cluster *stream.Cluster, set *metrics.Set, log *slog.Logger) (*replay.Reviewer, error) {
	p, err := LoadPolicy(c.Policy)
	if err != nil {
		return nil, err
	}
	keys, _, err := secrets(c.Keys)
	if err != nil {
		return nil, err
	}
	var table atomic.Pointer[enforcer.Table]
	table.Store(enforcer.Compile(p))
	if err := WatchPolicy(ctx, c.Policy, func(p *policy.Policy) { table.Store(enforcer.Compile(p)) }, set, log); err != nil {
		return nil, err
	}
	withdrawn := new(enforcer.Withdrawn)
	resets := stream.NewResets(cluster, withdrawn.Put, log)
	go resets.Follow(ctx)
	reviewer := replay.NewReviewer(table.Load, keys, withdrawn, resets)
	return reviewer, reviewer.Barrier(ctx)
}
