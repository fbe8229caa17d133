package traffic

import (
	"testing"

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
