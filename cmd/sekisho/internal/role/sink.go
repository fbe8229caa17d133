package role

import (
	"context"
	"errors"
	"log/slog"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/sinks/clickhouse"
	"sekisho/stream"
)

// Sink is the role that writes events to ClickHouse.
type Sink struct {
	*running
	stop context.CancelFunc
}

// StartSink starts to write what Kafka has to ClickHouse, whose tables must be
// there, and to take back the consent receipts of whoever is reset.
func StartSink(cluster *stream.Cluster, store *clickhouse.Store, set *metrics.Set, log *slog.Logger) *Sink {
	ctx, stop := context.WithCancel(context.Background())
	sink := clickhouse.NewSink(store, cluster, clickhouse.SinkOptions{
		Log: log, Metrics: set, Dead: stream.NewDeadLetters(cluster, set).Append,
	})
	receipts := start(func() error {
		defer stop()
		return stream.WithdrawReceipts(ctx, cluster, set, log)
	})
	return &Sink{running: start(func() error {
		err := sink.Run(ctx)
		stop()
		<-receipts.Done()
		return errors.Join(err, receipts.Err())
	}), stop: stop}
}

// Ready is nil: a sink that waits for partitions or for ClickHouse is as it
// should be, and its lag tells.
func (r *Sink) Ready() error { return nil }

// Stop finishes the batch under way.
func (r *Sink) Stop(ctx context.Context) error {
	r.stop()
	select {
	case <-r.Done():
		return r.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
