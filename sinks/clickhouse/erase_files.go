package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// awaitFiles returns when the files are gone that have been replaced in the
// tables up to now, which is soon after old_parts_lifetime. A query or a backup
// that reads them holds them up.
func (e *Eraser) awaitFiles(ctx context.Context, places []place) error {
	s := e.store
	tables := make([]string, len(places))
	for i := range places {
		tables[i] = "(" + quote(places[i].database) + ", " + quote(places[i].table) + ")"
	}
	var now time.Time
	if err := s.conn.QueryRow(ctx, "SELECT now()").Scan(&now); err != nil {
		return fmt.Errorf("cannot wait for old files to be gone: %w", err)
	}
	for begun, told := time.Now(), 10*time.Minute; ; {
		for i := range places {
			// A server with little to do looks for old files ever less often. It need
			// not be allowed to us to remind it.
			_ = s.conn.Exec(ctx, "SYSTEM START CLEANUP"+s.dialect().OnCluster()+" "+places[i].name())
		}
		var left uint64
		err := s.conn.QueryRow(ctx, "SELECT count() FROM "+s.everywhere("system.parts")+
			" WHERE (database, table) IN ("+strings.Join(tables, ", ")+") AND _state IN ('Outdated', 'Deleting') AND remove_time <= $1", now).Scan(&left)
		if err != nil {
			return fmt.Errorf("cannot wait for old files to be gone: %w", err)
		}
		if left == 0 {
			return nil
		}
		if took := time.Since(begun); took > told {
			told = 2 * took
			e.log.Warn("replaced files of erased rows are still on the disk; a query or a backup may be reading them", "parts", left, "since", took.Round(time.Second))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// dropped lists the tables that were dropped and are still on the disk, by their
// UUIDs. What was in them nobody can tell any more.
func (s *Store) dropped(ctx context.Context) (tables map[string]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT toString(uuid), concat(database, '.', table) FROM "+s.everywhere("system.dropped_tables")+
		" WHERE lower(database) NOT IN ('system', 'information_schema', '_temporary_and_external_tables')")
	if err != nil {
		return nil, fmt.Errorf("cannot list dropped tables: %w", err)
	}
	defer rows.Close()
	tables = map[string]string{}
	for rows.Next() {
		var id, name string
		if err := rows.Scan(&id, &name); err != nil {
			return nil, fmt.Errorf("cannot list dropped tables: %w", err)
		}
		tables[id] = name
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot list dropped tables: %w", err)
	}
	return tables, nil
}

// awaitDropped returns when the files of the tables are gone: ClickHouse keeps them
// for eight minutes (database_atomic_delay_before_drop_table_sec), lest they were
// dropped by mistake.
func (e *Eraser) awaitDropped(ctx context.Context, tables map[string]string) error {
	for begun, told := time.Now(), 20*time.Minute; len(tables) > 0; {
		there, err := e.store.dropped(ctx)
		if err != nil {
			return err
		}
		for id, name := range tables {
			if _, ok := there[id]; !ok {
				delete(tables, id)
			} else if took := time.Since(begun); took > told {
				told = 2 * took
				e.log.Warn("the files of a dropped table are still on the disk; see system.dropped_tables and the log of ClickHouse", "table", name, "since", took.Round(time.Second))
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return nil
}
