package clickhouse

import (
	"slices"
	"strings"
	"testing"
)

// A table like events has all that events has.
func TestCreateEvents(t *testing.T) {
	s := migratedStore(t)
	for range 2 {
		if err := s.CreateEvents(t.Context(), "events_again"); err != nil {
			t.Fatal(err)
		}
	}
	definition := func(table string) (text string) {
		row := s.conn.QueryRow(t.Context(), "SELECT create_table_query FROM system.tables WHERE database = $1 AND name = $2", s.config.Database, table)
		if err := row.Scan(&text); err != nil {
			t.Fatal(err)
		}
		return strings.Replace(text, "."+table+" ", ".T ", 1)
	}
	if got, want := definition("events_again"), definition("events"); got != want || !strings.Contains(got, "TTL") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	tables, err := s.EventTables(t.Context())
	if err != nil || !slices.Equal(tables, []string{"events", "events_again"}) {
		t.Errorf("%v: got %v", err, tables)
	}
	for _, name := range []string{"events", "decisions", "migrations", "Events", "a b", "", "x;y", "events_local"} {
		if err := s.CreateEvents(t.Context(), name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}
