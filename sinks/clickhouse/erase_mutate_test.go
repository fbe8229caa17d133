package clickhouse

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// A mutation that somebody killed, or that was lost with its server, is not waited
// for in silence for ever: the batch is carried out again.
func TestVanishedMutationIsNotAwaitedForEver(t *testing.T) {
	s, cluster := migratedStore(t), topicOf(t, 1)
	s.config.Timeout = 200 * time.Millisecond
	e := NewEraser(s, cluster, EraserOptions{Gate: newGate(t, cluster), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := e.awaitMutations(ctx, &batch{id: newBatchID()}); err == nil || ctx.Err() != nil {
		t.Errorf("got %v", err)
	}
}
