package traffic

import (
	"context"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"sekisho/schemas"
)

// TestDifference: what was withheld as it came out of a spool is no difference, and
// anything else is.
func TestDifference(t *testing.T) {
	check := func(what string, resets, allowed, dropped, wantOff, wantWithheld uint64) {
		t.Helper()
		l := newLedger()
		l.account = Account{Allowed: 5, Dropped: 1, Resets: resets}
		var after totals
		after.outcomes[schemas.Allowed], after.outcomes[schemas.Dropped] = allowed, dropped
		if off, _, withheld := new(Verifier).difference(after, l); off != wantOff || withheld != wantWithheld {
			t.Errorf("%s: off by %d, %d withheld, want %d and %d", what, off, withheld, wantOff, wantWithheld)
		}
	}
	check("nothing", 1, 5, 1, 0, 0)
	check("two were withheld", 1, 3, 3, 0, 2)
	check("nobody reset", 0, 3, 3, 4, 0)
	check("one is missing", 1, 4, 1, 1, 0)
	check("one is missing and one was dropped instead", 1, 3, 2, 3, 0)
	check("one too many", 1, 6, 1, 1, 0)
}

// store has nothing, and answers as often as it is asked for rows one time less than
// ctx lasts.
type store struct {
	driver.Conn
	driver.Rows
	answers int
	end     context.CancelFunc
}

func (s *store) Query(ctx context.Context, query string, _ ...any) (driver.Rows, error) {
	if strings.HasPrefix(query, "SELECT id ") {
		if s.answers == 0 {
			s.end()
			return nil, ctx.Err()
		}
		s.answers--
	}
	return s, nil
}

func (s *store) QueryRow(context.Context, string, ...any) driver.Row { return s }
func (s *store) Next() bool                                          { return false }
func (s *store) Scan(...any) error                                   { return nil }
func (s *store) Err() error                                          { return nil }
func (s *store) Close() error                                        { return nil }

// TestTimeIsUp: what is still missing when the time is over is lost, also when that ends a
// comparison; where there was none, nothing can be said.
func TestTimeIsUp(t *testing.T) {
	for answers := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		l := newLedger()
		l.allowed[uuid.New()] = struct{}{}
		v := &Verifier{conn: &store{answers: answers, end: cancel}}
		err := v.match(ctx, l, 0)
		if lost := l.account.Lost; (err == nil) != (answers > 0) || (lost == 1) != (answers > 0) {
			t.Errorf("after %d comparisons: %v, %d lost", answers, err, lost)
		}
	}
}
