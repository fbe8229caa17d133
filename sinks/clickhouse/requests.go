package clickhouse

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"sekisho/schemas"
)

// Request is a line of the audit log: who asked for what about whom.
type Request struct {
	// Actor is who asked, as they said.
	Actor string
	// Action is export, erase, reset, or opt_out or opt_in with the recipient.
	Action string
	// Field is the kind of the identifier, and Hash its hash under the key of the
	// registry, which leads to no row.
	Field schemas.Field
	Hash  [16]byte
	// Ticket of the erasure, once it is accepted; "" before.
	Ticket string
	// At is when; now when it is zero.
	At time.Time
	// Offset of it on the resets topic, or nil.
	Offset *int64
}

// Audit writes to the audit log, the table audit: nothing changes or erases what
// is in it. Nobody is given data, and nothing is erased, before the request is
// there.
func (s *Store) Audit(ctx context.Context, requests ...Request) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+s.Table("audit")+" (at, actor, action, kind, subject, ticket, offset)")
	if err != nil {
		return fmt.Errorf("cannot write to the audit log: %w", err)
	}
	defer func() { _ = batch.Abort() }() // unless it is sent
	for _, r := range requests {
		if r.At.IsZero() {
			r.At = time.Now()
		}
		if err := batch.Append(r.At, r.Actor, r.Action, r.Field.String(), hex.EncodeToString(r.Hash[:]), r.Ticket, r.Offset); err != nil {
			return fmt.Errorf("cannot write to the audit log: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("cannot write to the audit log: %w", err)
	}
	return nil
}
