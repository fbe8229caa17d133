package ingest

import (
	"bytes"
	"testing"
	"time"

	"sekisho/schemas"
)

// FuzzTicket: only what was sealed opens, and as it was.
func FuzzTicket(f *testing.F) {
	tickets, err := NewTickets(bytes.Repeat([]byte("r"), 32))
	if err != nil {
		f.Fatal(err)
	}
	good := Ticket{From: 3, To: 9, At: time.UnixMilli(1763000000000).UTC()}
	f.Add(tickets.Seal(good))
	f.Add("")
	f.Add("../../etc")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := tickets.Open(text); err == nil && got != good {
			t.Errorf("%q opens as %+v", text, got)
		}
	})
}

// FuzzBornAt: whatever a cookie holds, it tells a time that could be, or none.
func FuzzBornAt(f *testing.F) {
	f.Add(uint8(schemas.VisitorID), newVisitorID(time.Now()))
	f.Add(uint8(schemas.GA), "GA1.1.5.1700000000")
	f.Add(uint8(schemas.FBP), "fb.1.1700000000000.5")
	f.Add(uint8(schemas.FBC), "fb.1.99999999999999999999.click")
	f.Fuzz(func(t *testing.T, field uint8, value string) {
		born, ok := bornAt(schemas.Field(field), value, time.Now())
		if ok && (born.Before(firstBorn) || born.After(time.Now().Add(maxAhead))) {
			t.Errorf("%q was made at %v", value, born)
		}
	})
}
