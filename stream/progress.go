package stream

import (
	"context"

	"sekisho/schemas"
)

// Report tells how far resets have come with a recipient. To report the same
// again does no harm.
func (c *Cluster) Report(ctx context.Context, p schemas.Progress) error {
	_, err := c.Append(ctx, c.config.Topics.Progress, 0, []Entry{{Time: p.At, Key: p.Key(), Value: p.AppendJSON(nil)}})
	return err
}
