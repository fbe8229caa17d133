package traffic

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"sekisho/schemas"
)

// Verifier holds the ledger against ClickHouse. Only what the run added counts,
// so it looks before and after; other traffic at the same time spoils it.
type Verifier struct {
	// Watch says where to look at third parties; nowhere when empty.
	Watch Watched

	conn     driver.Conn
	database string
	before   totals
	third    thirdParties // before
	since    time.Time
}

// totals are sums over all time.
type totals struct {
	outcomes   [schemas.NumOutcomes]uint64 // of the decisions table
	anonymised uint64                      // rows of the events table
	reset      uint64                      // allowed events that are not stored as they were, since they were reset
	kept       uint64                      // of those, in anonymised form
}

// Before looks at what is there before the run.
func Before(ctx context.Context, conn driver.Conn, database string, watch Watched) (*Verifier, error) {
	v := &Verifier{Watch: watch, conn: conn, database: database, since: time.Now().Add(-time.Minute)}
	var err error
	if v.before, err = v.totals(ctx); err != nil {
		return nil, err
	}
	v.third, err = v.look(ctx)
	return v, err
}

func (v *Verifier) totals(ctx context.Context) (t totals, err error) {
	rows, err := v.conn.Query(ctx, "SELECT outcome, sum(count) FROM "+v.database+".decisions WHERE recipient = '' GROUP BY outcome")
	if err != nil {
		return t, fmt.Errorf("cannot read decisions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var count uint64
		var outcome schemas.Outcome
		if err := rows.Scan(&name, &count); err != nil {
			return t, fmt.Errorf("cannot read decisions: %w", err)
		}
		if err := outcome.UnmarshalText([]byte(name)); err != nil {
			return t, fmt.Errorf("cannot read decisions: outcome %w", err)
		}
		t.outcomes[outcome] = count
	}
	if err := rows.Err(); err != nil {
		return t, fmt.Errorf("cannot read decisions: %w", err)
	}
	row := v.conn.QueryRow(ctx, "SELECT sum(count), sumIf(count, outcome = 'anonymised') FROM "+v.database+
		".decisions WHERE recipient = 'store' AND reason IN ('withheld', 'erased')")
	if err := row.Scan(&t.reset, &t.kept); err != nil {
		return t, fmt.Errorf("cannot read decisions: %w", err)
	}
	row = v.conn.QueryRow(ctx, "SELECT count() FROM "+v.database+".events WHERE outcome = 'anonymised'")
	if err := row.Scan(&t.anonymised); err != nil {
		return t, fmt.Errorf("cannot count events: %w", err)
	}
	return t, nil
}

// Verify waits until ClickHouse has what the ledger has, or until ctx ends,
// and returns the account. It asks again while ClickHouse does not answer.
func (v *Verifier) Verify(ctx context.Context, t *Traffic) (Account, error) {
	l := t.ledger
	for {
		var after totals
		err := insist(ctx, func() (err error) { after, err = v.totals(ctx); return err })
		if err != nil {
			return l.account, err
		}
		off, anonymised, withheld := v.difference(after, l)
		if off == 0 && anonymised == uint64(len(l.anonymised)) || !pause(ctx) {
			return v.close(ctx, l, off, anonymised, withheld)
		}
	}
}

// pause is false when ctx has ended.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(200 * time.Millisecond):
		return true
	}
}

// insist tries until it succeeds, or until ctx ends, and returns the last error.
func insist(ctx context.Context, try func() error) error {
	for {
		if err := try(); err == nil || !pause(ctx) {
			return err
		}
	}
}

// last is how long the comparison of the rows may be tried when the time for
// waiting is over.
const last = 30 * time.Second

// difference says by how many events the accounts differ from the ledger, and
// how many rows there are that the collector anonymised. What was withheld it
// leaves out: events that were answered as allowed, waited in the collector's spool
// while their visitor reset, and were dropped as they came out of it, and counted so.
func (v *Verifier) difference(after totals, l *ledger) (off, anonymised, withheld uint64) {
	a := &l.account
	for outcome, want := range map[schemas.Outcome]uint64{
		schemas.Allowed: a.Allowed, schemas.Anonymised: a.Anonymised, schemas.Dropped: a.Dropped, schemas.Rejected: a.Rejected,
	} {
		have := after.outcomes[outcome] - v.before.outcomes[outcome]
		off += max(have, want) - min(have, want)
		if outcome == schemas.Dropped && have > want && a.Resets > 0 {
			withheld = have - want
		}
	}
	if allowed := after.outcomes[schemas.Allowed] - v.before.outcomes[schemas.Allowed]; allowed+withheld == a.Allowed {
		off -= 2 * withheld
	} else {
		withheld = 0
	}
	return off, (after.anonymised - after.kept) - (v.before.anonymised - v.before.kept), withheld
}

// close compares the rows one by one and closes the account.
func (v *Verifier) close(ctx context.Context, l *ledger, off, anonymised, withheld uint64) (Account, error) {
	a := &l.account
	a.Unaccounted = off
	if err := v.verifyThird(ctx, a); err != nil {
		return *a, err
	}
	matching, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	if err := v.match(matching, l, withheld); err != nil {
		return *a, err
	}
	want := uint64(len(l.anonymised))
	if anonymised < want {
		a.Lost += want - anonymised
	} else {
		a.Doubled += anonymised - want
	}
	a.Stored += anonymised
	a.Balanced = a.Lost == 0 && a.Doubled == 0 && a.Leaked == 0 && a.Unaccounted <= a.Unanswered
	for i := range a.ThirdParties {
		a.Balanced = a.Balanced && a.ThirdParties[i].Lost == 0 && a.ThirdParties[i].Violations == 0
	}
	return *a, nil
}

// match compares the rows of the allowed events, again while some are missing, until ctx
// ends. When that ends a later comparison, the one before counts.
func (v *Verifier) match(ctx context.Context, l *ledger, withheld uint64) error {
	a := &l.account
	for compared := false; ; compared = true {
		found, err := v.matchAllowed(ctx, l)
		// Those of visitors who reset are not there, or not as they were. They are
		// counted before they are taken out, so whoever counts looks first for the rows.
		var after totals
		if err == nil {
			err = insist(ctx, func() (err error) { after, err = v.totals(ctx); return err })
		}
		switch {
		case err != nil && compared:
			return nil
		case err != nil:
			return err
		}
		a.Stored, a.Lost, a.Doubled = found.stored, found.lost, found.doubled
		a.Reset = min(after.reset-v.before.reset+withheld, a.Lost)
		if a.Lost -= a.Reset; a.Lost == 0 || !pause(ctx) {
			return nil
		}
	}
}

// matched is what there is of the allowed events.
type matched struct{ stored, lost, doubled uint64 }

// matchAllowed finds the rows of the allowed events, trying again until ctx ends.
// Plain rows are counted, not those that a merge would leave.
func (v *Verifier) matchAllowed(ctx context.Context, l *ledger) (m matched, err error) {
	var times map[uuid.UUID]uint64
	err = insist(ctx, func() (err error) { times, err = v.rowsOf(ctx, l.allowed); return err })
	for id := range l.allowed {
		n := times[id]
		m.stored += n
		if n == 0 {
			m.lost++
		} else {
			m.doubled += n - 1
		}
	}
	return m, err
}

// rowsOf returns how many rows each of the events has.
func (v *Verifier) rowsOf(ctx context.Context, events map[uuid.UUID]struct{}) (map[uuid.UUID]uint64, error) {
	rows, err := v.conn.Query(ctx, "SELECT id FROM "+v.database+".events WHERE outcome = 'allowed' AND time >= ?", v.since)
	if err != nil {
		return nil, fmt.Errorf("cannot read events: %w", err)
	}
	defer rows.Close()
	times := map[uuid.UUID]uint64{}
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("cannot read events: %w", err)
		}
		if _, ours := events[id]; ours {
			times[id]++
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read events: %w", err)
	}
	return times, nil
}
