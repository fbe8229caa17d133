package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// TestCopiesUnderTwoVisitorsAreOneRow: the answer with the visitor cookie is
// lost, so the same event comes again, and under another visitor id.
func TestCopiesUnderTwoVisitorsAreOneRow(t *testing.T) {
	u := startUp(t, t.TempDir())
	const events = 40
	for range events {
		id := uuid.Must(uuid.NewV7()).String()
		for range 2 {
			event := `{"id":"` + id + `","type":"pageview","site":"shop","url":"http://localhost:1/","consent":{"analytics":true}}`
			request, err := http.NewRequest(http.MethodPost, u.Collector+"/v1/events", strings.NewReader(event))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Origin", "http://localhost:1")
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusNoContent {
				t.Fatalf("the collector answered %s", answer.Status)
			}
		}
	}
	// Accounts follow the events of their batch.
	eventually(t, waitTime, "all accounts", func() bool { return count(t, u, "SELECT sum(received) FROM accounts") == 2*events })
	if got := count(t, u, "SELECT count() FROM events"); got != events {
		t.Errorf("%d events have %d rows", events, got)
	}
}
