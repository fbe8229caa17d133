package clickhouse

import (
	"testing"
	"time"
)

func TestRetentionExpression(t *testing.T) {
	check := func(in Retention, want string) {
		t.Helper()
		if got := in.expression(); got != want {
			t.Errorf("%v\ngot  %s\nwant %s", in, got, want)
		}
	}
	check(Retention{"shop": 30}, "toDate(time) + toIntervalDay(transform(site, ['shop'], [30], 30))")
	check(Retention{"shop": 30, "news": 90, "a.b": 7}, "toDate(time) + toIntervalDay(transform(site, ['a.b', 'news', 'shop'], [7, 90, 30], 90))")
	check(Retention{`it's\`: 1}, `toDate(time) + toIntervalDay(transform(site, ['it\'s\\'], [1], 1))`)
}

func TestRetention(t *testing.T) {
	s := bareStore(t)
	migrate := func(r Retention) {
		t.Helper()
		if err := s.Migrate(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if statement, err := s.RetentionChange(t.Context(), Events, r); statement != "" || err != nil {
			t.Errorf("still to be done after Migrate: %s (%v)", statement, err)
		}
	}
	migrate(Retention{"shop": 30, "news": 400, `it's\`: 3})
	for _, site := range []string{"shop", "news", "gone"} {
		for _, days := range []int{20, 100, 500} {
			at := time.Now().AddDate(0, 0, -days)
			err := s.conn.Exec(t.Context(), "INSERT INTO "+s.Table("events")+" (site, id, time) VALUES ($1, generateUUIDv4(), $2)", site, at)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(site string, want uint64) {
		t.Helper()
		if err := s.conn.Exec(t.Context(), "OPTIMIZE TABLE "+s.Table("events")+" FINAL"); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE site = "+quote(site)); got != want {
			t.Errorf("%s has %d events left, want %d", site, got, want)
		}
	}
	check("shop", 1)
	check("news", 2)
	check("gone", 2) // as long as those kept longest

	// A new policy is shorter, also for rows that are there.
	migrate(Retention{"shop": 30, "news": 30})
	eventually(t, "rows past the new time are deleted", func() bool {
		return ask(t, s, "SELECT count() FROM system.mutations WHERE database = "+quote(s.config.Database)+" AND NOT is_done") == 0
	})
	check("shop", 1)
	check("news", 1)
	check("gone", 1)
}
