package stream

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// ReceiptsGroup is the consumer group of those who take receipts back.
const ReceiptsGroup = "sekisho-receipts"

// WithdrawReceipts follows the resets and takes the receipts of each reset
// identifier out of the consents topic, many at once, until ctx ends. It is a
// member of a consumer group, of which one works at a time.
//
// It waits for the bound of a reset before it looks: until then a collector
// that does not know of the reset may write another receipt.
func WithdrawReceipts(ctx context.Context, cluster *Cluster, set *metrics.Set, log *slog.Logger) error {
	w := &withdrawals{
		receipts: NewReceipts(cluster), bound: cluster.config.ResetBound(),
		taken: set.NewCounter("sekisho_receipts_withdrawn_total"),
	}
	c := NewConsumer(cluster, ConsumerOptions{
		Group: ReceiptsGroup, Topic: cluster.config.Topics.Resets, MaxMessages: 50_000, MaxWait: 5 * time.Second, Log: log,
	}, w.handle)
	set.NewGauge("sekisho_receipts_lag", func() float64 { return float64(c.Lag()) })
	return c.Run(ctx)
}

type withdrawals struct {
	receipts *Receipts
	bound    time.Duration
	taken    *metrics.Counter
	seen     Sightings
}

func (w *withdrawals) handle(ctx context.Context, _ int, messages []kafka.Message) error {
	reset := map[string]struct{}{}
	since := w.seen.Since(messages)
	for i := range messages {
		m := &messages[i]
		if len(m.Value) == 0 {
			continue
		}
		r, err := schemas.DecodeReset(m.Value)
		if err != nil {
			return fmt.Errorf("offset %d of topic %s: %w", m.Offset, m.Topic, err)
		}
		if r.Recipient != "" {
			continue
		}
		for _, pseudonym := range r.Pseudonyms {
			reset[pseudonym] = struct{}{}
		}
	}
	if len(reset) == 0 {
		return nil
	}
	pause(ctx, time.Until(since.Add(w.bound)))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	taken, err := w.receipts.Withdraw(ctx, reset)
	w.taken.Add(taken)
	return err
}
