package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sekisho/schemas/policy"
)

// Retention is for how many days the events of each site are kept. The events
// of a site that it does not name are kept as long as those kept longest.
type Retention map[string]int

// RetentionOf returns the retention that the handling policy demands.
func RetentionOf(p *policy.Policy) Retention {
	r := make(Retention, len(p.Sites))
	for name, site := range p.Sites {
		r[name] = site.RetentionDays
	}
	return r
}

// expression is the table's TTL, written as ClickHouse itself writes it, so
// that it can be compared.
func (r Retention) expression() string {
	sites, days := make([]string, 0, len(r)), make([]string, 0, len(r))
	for _, site := range slices.Sorted(maps.Keys(r)) {
		sites = append(sites, quote(site))
		days = append(days, strconv.Itoa(r[site]))
	}
	longest := slices.Max(slices.Collect(maps.Values(r)))
	return fmt.Sprintf("toDate(time) + toIntervalDay(transform(site, [%s], [%s], %d))",
		strings.Join(sites, ", "), strings.Join(days, ", "), longest)
}

// RetentionChange returns the statement by which a table of events would come to
// keep to r, or "" when it does already. ClickHouse deletes rows that are past
// their time in the background.
func (s *Store) RetentionChange(ctx context.Context, events string, r Retention) (string, error) {
	if len(r) == 0 {
		return "", nil // a policy without sites lets no event in
	}
	_, table, _ := strings.Cut(s.dialect().Local(events), ".")
	var engine string
	row := s.conn.QueryRow(ctx, "SELECT engine_full FROM system.tables WHERE database = $1 AND name = $2", s.config.Database, table)
	if err := row.Scan(&engine); err != nil {
		return "", fmt.Errorf("cannot read the retention of table %s: %w", table, err)
	}
	if strings.Contains(engine, " TTL "+r.expression()+" ") {
		return "", nil
	}
	return "ALTER TABLE " + s.dialect().Local(events) + s.dialect().OnCluster() + " MODIFY TTL " + r.expression() +
		" SETTINGS alter_sync = 0", nil // or it would wait until all rows have been gone through
}

// SetRetention has the tables of events keep to r; it does nothing where they do
// already. Rows that are there are covered too.
func (s *Store) SetRetention(ctx context.Context, r Retention) error {
	tables, err := s.EventTables(ctx)
	if err != nil {
		return err
	}
	for _, table := range tables {
		statement, err := s.RetentionChange(ctx, table, r)
		if err == nil && statement != "" {
			err = s.conn.Exec(ctx, statement)
		}
		if err != nil {
			return fmt.Errorf("cannot set the retention of table %s: %w", table, err)
		}
	}
	return nil
}
