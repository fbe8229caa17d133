package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// Events is the table into which the sink writes what arrives. Others of its
// structure can stand beside it: those into which a range of the topic was
// replayed.
const Events = "events"

var tablePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// CreateEvents makes a table of the structure that the events table has now,
// retention included, unless it is there. The migrations must have been applied.
func (s *Store) CreateEvents(ctx context.Context, table string) error {
	if !tablePattern.MatchString(table) || strings.HasSuffix(table, "_local") {
		return fmt.Errorf("%q is no name for a table: it must be lower-case letters, digits and \"_\", at most 64, beginning with a letter, and not end with _local", table)
	}
	if table == Events {
		return fmt.Errorf("table %s is what the sink writes to: two writers would store events twice; name another table, and exchange the two when it is complete (EXCHANGE TABLES)", table)
	}
	d := s.dialect()
	err := s.conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+d.Local(table)+d.OnCluster()+" AS "+d.Local(Events))
	if err == nil && d.Cluster != "" {
		err = s.conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+d.Name(table)+d.OnCluster()+" AS "+d.Local(Events)+
			" ENGINE = "+d.Distributed(table, "cityHash64(id)"))
	}
	if err != nil {
		return unanswered(fmt.Errorf("cannot make table %s: %w", table, err))
	}
	tables, err := s.EventTables(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if t == table {
			return nil
		}
	}
	return fmt.Errorf("table %s is there and holds no events; name another", table)
}

// TableID returns what tells a table of events from another that is made later
// under its name.
func (s *Store) TableID(ctx context.Context, table string) (id string, err error) {
	_, local, _ := strings.Cut(s.dialect().Local(table), ".")
	row := s.conn.QueryRow(ctx, "SELECT toString(uuid) FROM system.tables WHERE database = $1 AND name = $2", s.config.Database, local)
	if err := row.Scan(&id); err != nil {
		return "", unanswered(fmt.Errorf("cannot look at table %s: %w", table, err))
	}
	return id, nil
}

// Filled reports whether a table of events has any rows.
func (s *Store) Filled(ctx context.Context, table string) (bool, error) {
	var n uint64
	if err := s.conn.QueryRow(ctx, "SELECT count() FROM (SELECT 1 FROM "+s.Table(table)+" LIMIT 1)").Scan(&n); err != nil {
		return false, unanswered(fmt.Errorf("cannot look into table %s: %w", table, err))
	}
	return n > 0, nil
}

// EventTables returns the tables that hold events: [Events], and those that were
// made like it. Whatever must reach all stored events goes through them.
func (s *Store) EventTables(ctx context.Context) ([]string, error) {
	rows, err := s.conn.Query(ctx, `
		SELECT name FROM system.tables
		WHERE database = $1 AND engine LIKE '%ReplacingMergeTree'
			AND (database, name) IN (SELECT database, table FROM system.columns WHERE database = $1 AND name = 'visitor_id')
		ORDER BY name`, s.config.Database)
	if err != nil {
		return nil, unanswered(fmt.Errorf("cannot list the tables of events: %w", err))
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, unanswered(fmt.Errorf("cannot list the tables of events: %w", err))
		}
		tables = append(tables, strings.TrimSuffix(name, "_local"))
	}
	if err := rows.Err(); err != nil {
		return nil, unanswered(fmt.Errorf("cannot list the tables of events: %w", err))
	}
	return tables, nil
}
