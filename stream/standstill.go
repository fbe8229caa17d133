package stream

import (
	"context"
	"time"
)

// standstillPeriod is how often a member asks how far its group is.
const standstillPeriod = 15 * time.Second

// Standstill returns for how long the group has committed nothing of a partition
// though there are messages, 0 when it is nowhere so; of several partitions the
// longest. It is what Kafka says, to the quarter of a minute: partitions that
// nobody reads, or a reader that is stuck, are no member's lag. A run that takes
// long is a standstill too.
func (c *Consumer) Standstill() time.Duration {
	if since := c.still.Load(); since != nil {
		return time.Since(*since)
	}
	return 0
}

// watchGroup keeps Standstill true until ctx ends.
func (c *Consumer) watchGroup(ctx context.Context) {
	moved := map[int]int64{}     // how far each partition was
	since := map[int]time.Time{} // and since when
	for ; ctx.Err() == nil; pause(ctx, c.period) {
		spans, err := c.cluster.Spans(ctx, c.options.Topic)
		if err != nil {
			continue // a standstill goes on
		}
		commits, err := c.cluster.Commits(ctx, c.options.Group, c.options.Topic, len(spans))
		if err != nil {
			continue
		}
		var oldest *time.Time
		for _, s := range spans {
			at := commits[s.Partition].Offset // and not its note, which tells of a run under way
			if begun, ok := since[s.Partition]; !ok || at != moved[s.Partition] || max(at, s.From) >= s.To {
				moved[s.Partition], since[s.Partition] = at, time.Now()
			} else if oldest == nil || begun.Before(*oldest) {
				oldest = &begun
			}
		}
		c.still.Store(oldest)
	}
}
