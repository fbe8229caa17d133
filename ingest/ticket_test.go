package ingest

import (
	"testing"
	"time"

	"sekisho/schemas"
)

// A ticket can be an argument of `sekisho reset status`. (One in 64 began with "-" and
// was taken for an option.)
func TestTicketIsNoOption(t *testing.T) {
	tickets, err := NewTickets(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		k := Ticket{From: int64(i), To: 2000, At: time.UnixMilli(1793000000000).UTC(), Many: i%2 == 0}
		text := tickets.Seal(k)
		if text[0] == '-' {
			t.Fatalf("the ticket is %s", text)
		}
		if opened, err := tickets.Open(text); err != nil || opened != k {
			t.Fatalf("%s is %+v, %v", text, opened, err)
		}
	}
}

// reports is progress that was reported at a time, of all.
type reports time.Time

func (r reports) Of(_ string, _, _ int64, accepted time.Time) (schemas.ProgressState, time.Time, bool) {
	return schemas.Done, time.Time(r), !time.Time(r).Before(accepted)
}

// The first resets of a large file are carried out while the last ones are still
// being written: their reports are older than the ticket, and count.
func TestTicketOfAFileThatTookLong(t *testing.T) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for many, want := range map[bool]string{true: "done", false: "pending"} {
		s := StatusOf(Ticket{From: 0, To: 1000, At: at, Many: many}, reports(at.Add(-time.Hour)), []string{"store"}, time.Second, at.Add(time.Minute))
		if s.Erased.State != want {
			t.Errorf("many: %t: it is %+v", many, s.Erased)
		}
	}
}
