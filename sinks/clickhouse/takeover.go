package clickhouse

import (
	"context"
	"fmt"
	"time"
)

// endInserts ends inserts of the partition that are still under way: those of a
// member that had it before, and those of this one whose outcome is not known.
// Only then is what is found in the tables all that will be there.
//
// An insert that was killed while it waits for its data stays in the list until
// that comes, and then fails; one that has data is waited for.
func (p *partition) endInserts(ctx context.Context) error {
	s := p.sink.store
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	mine := "startsWith(query_id, " + quote(p.queries()) + ")"
	if err := s.conn.Exec(ctx, "KILL QUERY WHERE "+mine+" ASYNC"); err != nil {
		return fmt.Errorf("cannot end earlier inserts of partition %d: %w", p.id, err)
	}
	for {
		var left uint64
		row := s.conn.QueryRow(ctx, "SELECT count() FROM system.processes WHERE "+mine+" AND read_rows > 0")
		if err := row.Scan(&left); err != nil {
			return fmt.Errorf("cannot end earlier inserts of partition %d: %w", p.id, err)
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot end earlier inserts of partition %d: %w", p.id, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// queries is how the ids of the partition's inserts begin.
func (p *partition) queries() string {
	return fmt.Sprintf("%s/%s/%s/%d/", p.sink.store.config.Database, p.sink.table, p.ledger.topic, p.id)
}
