package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"
)

// find marks the events that are in the table already and returns how many.
//
// A copy of an event has the event's time: the client said it, or it is in the
// version 7 id, or the event was received once and written to Kafka twice. So
// the sorting key leads to the few granules where a copy must be.
//
// The exception is an event without a time under an id of another version. Its
// time is that of receipt, so a request sent again has another one, and its
// neighbourhood is searched too. (An anonymised event has an id of version 8
// and a coarse time.)
func (e *events) find(ctx context.Context, s *Store, table string) (int, error) {
	exact, err := newWanted()
	if err != nil {
		return 0, err
	}
	for i := range e.list {
		exact.add(&e.list[i], e.list[i].time)
	}
	found, err := e.search(ctx, s, table, exact, "time")
	if err != nil {
		return 0, err
	}
	near, err := newWanted()
	if err != nil {
		return 0, err
	}
	for i := range e.list {
		row := &e.list[i]
		if version := row.id.Version(); row.stored || version == 7 || version == 8 {
			continue
		}
		start := row.time - row.time%fiveMinutes
		near.add(row, start-fiveMinutes)
		near.add(row, start)
		near.add(row, start+fiveMinutes)
	}
	more, err := e.search(ctx, s, table, near, "toStartOfFiveMinutes(time)")
	return found + more, err
}

// fiveMinutes is how far the neighbourhood reaches, at least, to both sides. A
// client that may send an event again later than that has to say its time, or to
// give it an id of version 7. All others are found for as long as they are stored.
const fiveMinutes = int64(5 * time.Minute / time.Millisecond)

// search asks which of the wanted events are there and marks them.
func (e *events) search(ctx context.Context, s *Store, table string, w *wanted, timeKey string) (found int, err error) {
	if len(w.ids) == 0 {
		return 0, nil
	}
	if err := w.finish(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	// The ids, which are compared fast, say which rows are wanted; the rest is
	// for the index to say where they are. A row whose id is wanted at the time
	// of another wanted event is a copy nevertheless, so taking it is right.
	rows, err := s.conn.Query(ch.Context(ctx, ch.WithExternalTable(w.table)), `
		SELECT site, type, id FROM `+s.Table(table)+`
		PREWHERE id IN (SELECT id FROM wanted)
		WHERE (site, type, `+timeKey+`) IN (SELECT site, type, time FROM wanted)`)
	if err != nil {
		return 0, fmt.Errorf("cannot look for events that are stored already: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key eventKey
		var kind string
		if err := rows.Scan(&key.site, &kind, &key.id); err != nil {
			return 0, fmt.Errorf("cannot look for events that are stored already: %w", err)
		}
		if key.kind.UnmarshalText([]byte(kind)) != nil {
			continue
		}
		if i, ok := e.index[key]; ok && !e.list[i].stored {
			e.list[i].stored = true
			found++
		}
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("cannot look for events that are stored already: %w", err)
	}
	return found, nil
}

// wanted is the table of what is looked for, which goes with the query.
type wanted struct {
	table *ext.Table
	sites []string
	types []string
	times []int64
	ids   []uuid.UUID
}

func newWanted() (*wanted, error) {
	table, err := ext.NewTable("wanted",
		ext.Column("site", "String"), ext.Column("type", "String"),
		ext.Column("time", "DateTime64(3, 'UTC')"), ext.Column("id", "UUID"))
	return &wanted{table: table}, err
}

func (w *wanted) add(row *event, time int64) {
	w.sites = append(w.sites, row.site)
	w.types = append(w.types, row.kind.String())
	w.times = append(w.times, time)
	w.ids = append(w.ids, row.id)
}

func (w *wanted) finish() error {
	for i, values := range []any{w.sites, w.types, w.times, w.ids} {
		if _, err := w.table.Block().Columns[i].Append(values); err != nil {
			return fmt.Errorf("cannot look for events that are stored already: %w", err)
		}
	}
	return nil
}
