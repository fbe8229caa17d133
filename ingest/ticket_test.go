package ingest

import (
	"testing"
	"time"
)

// A ticket can be an argument of `sekisho reset status`. (One in 64 began with "-" and
// was taken for an option.)
func TestTicketIsNoOption(t *testing.T) {
	tickets, err := NewTickets(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		k := Ticket{From: 1, To: 2, At: time.UnixMilli(1793000000000).UTC()}
		text := tickets.Seal(k)
		if text[0] == '-' {
			t.Fatalf("the ticket is %s", text)
		}
		if opened, err := tickets.Open(text); err != nil || opened != k {
			t.Fatalf("%s is %+v, %v", text, opened, err)
		}
	}
}
