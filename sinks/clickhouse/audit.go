package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"sekisho/schemas"
)

// StoredEvent is what an event is looked for by.
type StoredEvent struct {
	Site string
	Type schemas.EventType
	ID   uuid.UUID
	Time time.Time
}

// Copies returns how many rows each of the events has in the table of events, near
// its time.
func (s *Store) Copies(ctx context.Context, wanted []StoredEvent) ([]uint64, error) {
	copies := make([]uint64, len(wanted))
	if len(wanted) == 0 {
		return copies, nil
	}
	table, err := newWanted()
	if err != nil {
		return nil, err
	}
	places := make(map[eventKey][]int, len(wanted))
	for i, e := range wanted {
		key := eventKey{site: e.Site, kind: e.Type, id: e.ID}
		places[key] = append(places[key], i)
		start := e.Time.UnixMilli() - e.Time.UnixMilli()%fiveMinutes
		for _, near := range [...]int64{start - fiveMinutes, start, start + fiveMinutes} { // see find
			table.add(&event{eventKey: key}, near)
		}
	}
	if err := table.finish(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	rows, err := s.conn.Query(ch.Context(ctx, ch.WithExternalTable(table.table)), `
		SELECT site, type, id, count() FROM `+s.Table(Events)+`
		PREWHERE id IN (SELECT id FROM wanted)
		WHERE (site, type, toStartOfFiveMinutes(time)) IN (SELECT site, type, time FROM wanted)
			AND (id, toStartOfFiveMinutes(time)) IN (SELECT id, time FROM wanted)
		GROUP BY site, type, id`)
	if err != nil {
		return nil, fmt.Errorf("cannot look for stored events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key eventKey
		var kind string
		var n uint64
		if err := rows.Scan(&key.site, &kind, &key.id, &n); err != nil {
			return nil, fmt.Errorf("cannot look for stored events: %w", err)
		}
		if key.kind.UnmarshalText([]byte(kind)) != nil {
			continue
		}
		for _, i := range places[key] {
			copies[i] = n
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot look for stored events: %w", err)
	}
	return copies, nil
}

// Rows gives take every row of the table of events whose time is from one time,
// included, to another.
func (s *Store) Rows(ctx context.Context, from, to time.Time, take func(StoredEvent)) error {
	ctx, cancel := long(ctx)
	defer cancel()
	rows, err := s.conn.Query(ctx, "SELECT site, type, id, time FROM "+s.Table(Events)+
		" WHERE time >= fromUnixTimestamp64Milli($1, 'UTC') AND time < fromUnixTimestamp64Milli($2, 'UTC')", from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return fmt.Errorf("cannot read the stored events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e StoredEvent
		var kind string
		if err := rows.Scan(&e.Site, &kind, &e.ID, &e.Time); err != nil {
			return fmt.Errorf("cannot read the stored events: %w", err)
		}
		if e.Type.UnmarshalText([]byte(kind)) != nil {
			e.Type = schemas.UnknownType // of no event of ours
		}
		take(e)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("cannot read the stored events: %w", err)
	}
	return nil
}

// Anew reports whether the sink has stored events of another topic than this one
// as it is now: of another name, or before it was made anew.
func (s *Store) Anew(ctx context.Context, topic string) (anew bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	var others uint64
	row := s.conn.QueryRow(ctx, "SELECT count() FROM "+s.Table("decisions")+" WHERE (topic != $1 OR incarnation > 0) AND reason NOT IN ($2, $3)",
		topic, schemas.ReasonWithheld.String(), schemas.ReasonErased.String())
	if err := row.Scan(&others); err != nil {
		return false, fmt.Errorf("cannot read what is counted: %w", err)
	}
	return others > 0, nil
}

// Counted returns what the table of decisions counts in minutes from one time,
// included, to another: of the topic as it is now, and of it as it was before it
// was last made anew. What was taken back after a collector had let it through is
// left out, since no account on the topic has it.
func (s *Store) Counted(ctx context.Context, topic string, from, to time.Time) (now, before schemas.Account, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	rows, err := s.conn.Query(ctx, `
		SELECT (kafka_partition, incarnation) IN (
				SELECT kafka_partition, max(incarnation) FROM `+s.Table("decisions")+` WHERE topic = $1 GROUP BY kafka_partition
			) AS current, toUnixTimestamp(minute), site, type, recipient, outcome, reason, sum(count)
		FROM `+s.Table("decisions")+`
		WHERE topic = $1 AND minute >= $2 AND minute < $3 AND reason NOT IN ($4, $5)
		GROUP BY ALL`, topic, from, to, schemas.ReasonWithheld.String(), schemas.ReasonErased.String())
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read what is counted: %w", err)
	}
	defer rows.Close()
	now, before = schemas.Account{}, schemas.Account{}
	for rows.Next() {
		var d schemas.Decision
		var current uint8
		var minute uint32
		var kind, outcome, reason string
		var n uint64
		if err := rows.Scan(&current, &minute, &d.Site, &kind, &d.Recipient, &outcome, &reason, &n); err != nil {
			return nil, nil, fmt.Errorf("cannot read what is counted: %w", err)
		}
		d.Minute = int64(minute)
		if d.Read([]byte(kind), []byte(outcome), []byte(reason)) != nil {
			return nil, nil, fmt.Errorf("cannot read what is counted: this version does not know the decision %s/%s/%s", kind, outcome, reason)
		}
		if current == 1 {
			now[d] += n
		} else {
			before[d] += n
		}
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("cannot read what is counted: %w", err)
	}
	return now, before, nil
}
