package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sekisho/schemas"
)

// place is a table that could hold a pseudonym, and where in it.
type place struct {
	database, table string
	conditions      []string // one a column, true of a row that bears an erased pseudonym
	events          string   // the name under which it holds events, "" when it does not
}

func (p *place) name() string { return identifier(p.database) + "." + identifier(p.table) }

// where is true of the rows that bear an erased pseudonym.
func (p *place) where() string { return strings.Join(p.conditions, " OR ") }

// own are the tables of the database that nothing a client says gets into.
var own = []string{"erasing", "audit", "migrations", "decisions"}

// places finds the tables that could hold a pseudonym: every column of texts in
// every table of the database, whoever made it, and in tables elsewhere that a
// materialized view fills from one of those. What cannot be searched, or holds
// texts and cannot be changed, is left: erasure is incomplete until that is gone.
//
// In our tables an identifier's column is a pseudonym or is empty. In others it may
// stand amid a text, in whatever an operator made of it.
func (s *Store) places(ctx context.Context, batch uint64) (places []place, left unsearchable, err error) {
	tables, err := s.tables(ctx)
	if err != nil {
		return nil, nil, err
	}
	columns, err := s.textColumns(ctx)
	if err != nil {
		return nil, nil, err
	}
	events, err := s.EventTables(ctx)
	if err != nil {
		return nil, nil, err
	}
	from := fmt.Sprintf(" FROM %s WHERE batch = %d)", s.Table("erasing"), batch)
	whole, digits := "(SELECT pseudonym"+from, fmt.Sprintf("(SELECT substring(pseudonym, -%d)", pseudonymDigits)+from
	for _, t := range reached(tables, s.config.Database) {
		p := place{database: t.database, table: t.name}
		if i := slices.IndexFunc(events, func(name string) bool { return t.key() == s.dialect().Local(name) }); i >= 0 {
			p.events = events[i]
		}
		if !t.stores() || strings.HasPrefix(t.name, ".tmp.") || t.database == s.config.Database && slices.Contains(own, strings.TrimSuffix(t.name, "_local")) {
			continue
		}
		for _, c := range columns[t.key()] {
			f, ok := schemas.FieldNamed([]byte(c.name))
			if p.events != "" && ok && schemas.Identifiers.Has(f) {
				p.conditions = append(p.conditions, identifier(c.name)+" IN "+whole)
				continue
			}
			if p.events != "" && (ok || slices.Contains(described, c.name)) {
				continue // pseudonyms stand in the identifiers' columns alone
			}
			condition, err := c.condition(digits)
			if err != nil {
				left = append(left, fmt.Sprintf("cannot erase from table %s: %s", t.key(), err))
			}
			if condition != "" {
				p.conditions = append(p.conditions, condition)
			}
		}
		if len(p.conditions) == 0 {
			continue
		}
		if !strings.HasSuffix(t.engine, "MergeTree") {
			left = append(left, fmt.Sprintf("cannot erase from table %s: it has texts, and its engine %s is not one of the MergeTree family: drop it, or keep it in a database of its own", t.key(), t.engine))
			continue
		}
		places = append(places, p)
	}
	detached, err := s.detached(ctx, places)
	return places, append(left, detached...), err
}

// unsearchable says of tables that not all can be erased from them as they are, and
// what to do.
type unsearchable []string

func (u unsearchable) Error() string { return strings.Join(u, "; ") }

// described are the columns of the events table that say what the gateway
// decided and what the site's own properties are.
var described = []string{"properties", "properties_number", "outcome", "reason", "policy", "jurisdiction", "purposes"}

// table is a table or view as the server describes it.
type table struct {
	database, name, engine, uuid, query string
	views                               []string // that its inserts feed
}

func (t *table) key() string { return t.database + "." + t.name }

// stores reports whether the table has rows of its own.
func (t *table) stores() bool {
	switch t.engine {
	case "View", "MaterializedView", "LiveView", "WindowView", "Distributed", "Merge", "Null", "Dictionary":
		return false
	}
	return true
}

// target returns the table that a materialized view fills.
func (t *table) target() string {
	if m := viewTarget.FindStringSubmatch(t.query); m != nil {
		return strings.ReplaceAll(m[1], "`", "")
	}
	return t.database + ".inner_id." + t.uuid
}

var viewTarget = regexp.MustCompile("^CREATE MATERIALIZED VIEW [^(]*? TO ((?:`[^`]+`|\\w+)\\.(?:`[^`]+`|\\w+))")

func (s *Store) tables(ctx context.Context) (map[string]*table, error) {
	rows, err := s.conn.Query(ctx, `
		SELECT DISTINCT database, name, engine, toString(uuid), create_table_query,
			arrayMap((d, t) -> concat(d, '.', t), dependencies_database, dependencies_table)
		FROM `+s.everywhere("system.tables")+`
		WHERE NOT is_temporary AND lower(database) NOT IN ('system', 'information_schema')`)
	if err != nil {
		return nil, fmt.Errorf("cannot list the tables: %w", err)
	}
	defer rows.Close()
	tables := map[string]*table{}
	for rows.Next() {
		t := &table{}
		if err := rows.Scan(&t.database, &t.name, &t.engine, &t.uuid, &t.query, &t.views); err != nil {
			return nil, fmt.Errorf("cannot list the tables: %w", err)
		}
		tables[t.key()] = t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot list the tables: %w", err)
	}
	return tables, nil
}

// reached returns the tables of the database, and those that are filled from
// them, in the order of their names. A view that is refreshed is not fed by inserts:
// it asks the tables that its query names, or views of them.
func reached(tables map[string]*table, database string) (list []*table) {
	seen := map[string]bool{}
	var reach func(key string)
	reach = func(key string) {
		t := tables[key]
		if t == nil || seen[key] {
			return
		}
		seen[key] = true
		list = append(list, t)
		if t.engine == "MaterializedView" {
			reach(t.target())
		}
		for _, view := range t.views {
			reach(view)
		}
	}
	for key, t := range tables {
		if t.database == database {
			reach(key)
		}
	}
	for found := 0; found < len(list); {
		found = len(list)
		for key, t := range tables {
			if !seen[key] && strings.HasSuffix(t.engine, "View") && slices.ContainsFunc(list, t.names) {
				reach(key)
			}
		}
	}
	slices.SortFunc(list, func(a, b *table) int { return strings.Compare(a.key(), b.key()) })
	return list
}

// names reports whether the table's query names another one, or seems to.
func (t *table) names(other *table) bool {
	return strings.Contains(strings.ReplaceAll(t.query, "`", ""), other.key())
}

// textColumn is a column that holds texts.
type textColumn struct{ name, kind string }

func (s *Store) textColumns(ctx context.Context) (map[string][]textColumn, error) {
	rows, err := s.conn.Query(ctx, `
		SELECT DISTINCT concat(database, '.', table), name, type FROM `+s.everywhere("system.columns")+`
		WHERE default_kind NOT IN ('ALIAS', 'EPHEMERAL') AND (type ILIKE '%String%' OR type ILIKE '%JSON%' OR type ILIKE '%Dynamic%')
			AND lower(database) NOT IN ('system', 'information_schema')
		ORDER BY ALL`)
	if err != nil {
		return nil, fmt.Errorf("cannot list the columns: %w", err)
	}
	defer rows.Close()
	columns := map[string][]textColumn{}
	for rows.Next() {
		var key string
		var c textColumn
		if err := rows.Scan(&key, &c.name, &c.kind); err != nil {
			return nil, fmt.Errorf("cannot list the columns: %w", err)
		}
		columns[key] = append(columns[key], c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot list the columns: %w", err)
	}
	return columns, nil
}

var (
	// isCounter are states of numbers and hashes alone. Not all that count are: those of
	// Map, Distinct, ArgMin and ArgMax keep the texts, too.
	isCounter = regexp.MustCompile(`^AggregateFunction\((?:uniq(?:Exact|Combined|Combined64|HLL12|Theta|UpTo)?|count|sum(?:Kahan|WithOverflow|Count)?|avg(?:Weighted)?)` +
		`(?:If|Array|ForEach|OrNull|OrDefault)*(?:\(\d+\))?,`)
	hasStates   = regexp.MustCompile(`\bAggregateFunction\(`)
	errNoSearch = errors.New("its texts cannot be searched for pseudonyms")
)

// pseudonymDigits is how many hexadecimal digits a pseudonym ends with. By these
// alone it is known: what stands before them names the key.
const pseudonymDigits = 32

// condition is true of a row whose column bears, anywhere in its texts, the digits
// of an erased pseudonym; "" when it cannot bear them. Lists, maps, tuples and JSON
// are searched as they are written. All digits that could be a pseudonym's are
// taken out and looked up, so that it matters little how many are erased.
func (c textColumn) condition(digits string) (string, error) {
	switch {
	case isCounter.MatchString(c.kind):
		return "", nil
	case hasStates.MatchString(c.kind):
		return "", fmt.Errorf("column %s is %s: %w; drop the column or the table, or keep it in a database of its own", c.name, c.kind, errNoSearch)
	}
	return fmt.Sprintf("arrayExists(x -> x IN %s, extractAll(ifNull(toString(%s), ''), '[0-9a-f]{%d}'))", digits, identifier(c.name), pseudonymDigits), nil
}

// detached finds those of the tables that have detached parts, which nothing can be
// erased from. Of the events table that is an error: rows that are erased in two
// pieces are not all counted, see [batch].
func (s *Store) detached(ctx context.Context, places []place) (left unsearchable, err error) {
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT database, table FROM "+s.everywhere("system.detached_parts")+" ORDER BY ALL")
	if err != nil {
		return nil, fmt.Errorf("cannot list detached parts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var database, table string
		if err := rows.Scan(&database, &table); err != nil {
			return nil, fmt.Errorf("cannot list detached parts: %w", err)
		}
		i := slices.IndexFunc(places, func(p place) bool { return p.database == database && p.table == table })
		if i < 0 {
			continue
		}
		left = append(left, fmt.Sprintf("cannot erase from table %s.%s: it has detached parts, which cannot be searched: attach them or drop them (see system.detached_parts)", database, table))
		if places[i].events == Events {
			return nil, left
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot list detached parts: %w", err)
	}
	return left, nil
}

// everywhere is a table on every server of the cluster, each with its own rows.
func (s *Store) everywhere(table string) string {
	if s.config.Cluster == "" {
		return table
	}
	return "clusterAllReplicas(" + quote(s.config.Cluster) + ", " + table + ")"
}

// identifier writes a name as a statement does.
func identifier(name string) string {
	return "`" + strings.ReplaceAll(quoting.Replace(name), "`", "\\`") + "`"
}
