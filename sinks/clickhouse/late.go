package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"sekisho/schemas"
)

// lateness is how much older than the newest an account may be before it is
// looked for in the table: it was in a collector's spool meanwhile, and if Kafka
// had it before without saying so, memory may have forgotten that.
const lateness = 10 * time.Minute

// lateAccount is an account that is not counted before it has been looked for.
type lateAccount struct {
	id     uuid.UUID
	time   time.Time
	counts schemas.Account
}

// isLate reports whether an account of that time must be looked for.
func (l *ledger) isLate(t time.Time) bool {
	if t.After(l.newest) {
		l.newest = t
	}
	return l.newest.Sub(t) > lateness
}

// findLate counts the run's late accounts that are not in the table.
func (l *ledger) findLate(ctx context.Context) error {
	if len(l.late) == 0 {
		return nil
	}
	ids, oldest := make([]uuid.UUID, len(l.late)), time.Now()
	for i, a := range l.late {
		ids[i] = a.id
		if a.time.Before(oldest) {
			oldest = a.time
		}
	}
	since := max(oldest.Add(-time.Hour).Unix(), 0) // give or take the clocks
	table, err := ext.NewTable("late", ext.Column("id", "UUID"))
	if err == nil {
		_, err = table.Block().Columns[0].Append(ids)
	}
	if err != nil {
		return fmt.Errorf("cannot find which accounts are counted: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.store.config.Timeout)
	defer cancel()
	// An account is stored after it was made.
	rows, err := l.store.conn.Query(ch.Context(ctx, ch.WithExternalTable(table)), `
		SELECT arrayJoin(account_ids) AS id FROM `+l.store.Table("decisions")+`
		WHERE topic = $1 AND incarnation = $2 AND kafka_partition = $3 AND stored >= $4 AND id IN (SELECT id FROM late)`,
		l.topic, l.incarnation, l.partition, time.Unix(since, 0))
	if err != nil {
		return fmt.Errorf("cannot find which accounts are counted: %w", err)
	}
	defer rows.Close()
	counted := map[uuid.UUID]bool{}
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("cannot find which accounts are counted: %w", err)
		}
		counted[id] = true
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("cannot find which accounts are counted: %w", err)
	}
	for _, a := range l.late {
		if counted[a.id] {
			l.repeated++
			continue
		}
		l.take(a.id, a.counts)
	}
	l.late = l.late[:0]
	return nil
}

// take adds an account to what the run adds.
func (l *ledger) take(id uuid.UUID, counts schemas.Account) {
	for d, n := range counts {
		l.sum[d] += n
	}
	l.ids = append(l.ids, id)
}
