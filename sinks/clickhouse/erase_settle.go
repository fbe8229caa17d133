package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// patience is how long an insert may take until it is ended. Whose insert was
// ended tries again.
const patience = 10 * time.Second

// settleInserts returns when all inserts that are under way have ended, on all
// servers: those of sinks and replays, which after some patience it ends, and
// those of others that name the database, or are run in it and need not name it,
// which it waits for. After that nothing is stored that was begun before.
func (s *Store) settleInserts(ctx context.Context) error {
	ours := "(startsWith(query_id, " + quote(s.config.Database+"/") + ") OR startsWith(initial_query_id, " + quote(s.config.Database+"/") + "))"
	database := quote(s.config.Database)
	begun, err := s.underWay(ctx, "("+ours+" OR query_kind IN ('Insert', 'AsyncInsertFlush', 'Create') AND (current_database = "+database+" OR position(query, "+database+") > 0))")
	if err != nil {
		return err
	}
	hopeless := time.Now().Add(s.config.Timeout + patience)
	for deadline := time.Now().Add(patience); len(begun) > 0; {
		if time.Now().After(hopeless) {
			return fmt.Errorf("%d inserts that name database %s, or are run in it, are still under way after %s: end them (see system.processes), or what they bring could escape", len(begun), s.config.Database, s.config.Timeout)
		}
		left, err := s.underWay(ctx, "query_id IN ("+begun.list()+")")
		if err != nil {
			return err
		}
		begun = left
		if time.Now().After(deadline) && len(begun) > 0 {
			err := s.conn.Exec(ctx, "KILL QUERY"+s.dialect().OnCluster()+" WHERE "+ours+" AND query_id IN ("+begun.list()+") ASYNC")
			if err != nil {
				return fmt.Errorf("cannot end inserts that are under way: %w", err)
			}
			deadline = time.Now().Add(patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// queries are the ids of some queries.
type queries []string

func (q queries) list() string {
	quoted := make([]string, len(q))
	for i := range q {
		quoted[i] = quote(q[i])
	}
	return strings.Join(quoted, ", ")
}

// underWay lists the queries of a condition. One that was killed while it waits
// for its data will fail when that comes, so it counts as ended.
func (s *Store) underWay(ctx context.Context, condition string) (list queries, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT query_id FROM "+s.everywhere("system.processes")+
		" WHERE "+condition+" AND NOT (is_cancelled AND read_rows = 0) AND query_kind != 'Select'")
	if err != nil {
		return nil, fmt.Errorf("cannot list the inserts that are under way: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("cannot list the inserts that are under way: %w", err)
		}
		list = append(list, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot list the inserts that are under way: %w", err)
	}
	return list, nil
}
