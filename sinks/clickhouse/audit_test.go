package clickhouse

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// Rows are counted where the event is, also when one of its id is where another event
// is looked for: that one is told of by itself.
func TestCopiesAreCountedWhereTheEventIs(t *testing.T) {
	s := migratedStore(t)
	first, second := uuid.New(), uuid.New()
	later := when.Add(time.Hour)
	event := func(id uuid.UUID, at time.Time) StoredEvent {
		return StoredEvent{Site: "shop", Type: schemas.Pageview, ID: id, Time: at}
	}
	insert := func(id uuid.UUID, at time.Time) {
		t.Helper()
		execute(t, s, fmt.Sprintf("INSERT INTO %s (site, type, id, time) VALUES ('shop', 'pageview', '%s', fromUnixTimestamp64Milli(%d, 'UTC'))",
			s.Table("events"), id, at.UnixMilli()))
	}
	insert(first, when)
	insert(first, when.Add(4*time.Minute)) // received again a little later
	insert(first, later)                   // by hand
	insert(second, later)
	got, err := s.Copies(t.Context(), []StoredEvent{event(first, when), event(second, later), event(uuid.New(), when)})
	if want := []uint64{2, 1, 0}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: %v", got, want, err)
	}
}
