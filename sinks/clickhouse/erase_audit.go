package clickhouse

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// note writes into the audit log who asked for the resets and opt-outs of a run,
// before anything is erased. The log has the offset of each, so that a run that
// comes again, in whatever pieces, is not noted twice.
func (e *Eraser) note(ctx context.Context, messages []kafka.Message) error {
	noted, err := e.store.noted(ctx)
	if err != nil {
		return err
	}
	if messages[len(messages)-1].HighWaterMark <= noted { // the topic began anew
		noted = -1
	}
	var requests []Request
	for i := range messages {
		m := &messages[i]
		if len(m.Value) == 0 || m.Offset <= noted {
			continue
		}
		r, err := schemas.DecodeReset(m.Value)
		if err != nil {
			return fmt.Errorf("offset %d of topic %s: %w", m.Offset, m.Topic, err)
		}
		if r.By == "" {
			continue // an erasure, which noted it itself
		}
		offset := m.Offset
		requests = append(requests, Request{Actor: r.By, Action: actionOf(&r), Field: r.Field, Hash: r.Hash, At: r.At, Offset: &offset})
	}
	if len(requests) == 0 {
		return nil
	}
	return e.store.Audit(ctx, requests...)
}

func actionOf(r *schemas.Reset) string {
	switch {
	case r.Recipient == "":
		return "reset"
	case r.Revoked:
		return "opt_in " + r.Recipient
	}
	return "opt_out " + r.Recipient
}

// noted returns the offset of the last reset that is in the audit log, -1 for none.
func (s *Store) noted(ctx context.Context) (offset int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	if err := s.conn.QueryRow(ctx, "SELECT ifNull(max(offset), -1) FROM "+s.Table("audit")).Scan(&offset); err != nil {
		return 0, fmt.Errorf("cannot read the audit log: %w", err)
	}
	return offset, nil
}
