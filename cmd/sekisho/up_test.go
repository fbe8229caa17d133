package main_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestUpKeepsItsRows ends `sekisho up` as Ctrl-C does and as a crash does: what
// was acknowledged is there again at the next start, once.
func TestUpKeepsItsRows(t *testing.T) {
	dir := t.TempDir()
	for _, end := range []func(*running, *testing.T){(*running).stop, (*running).kill, (*running).stop} {
		u := startUp(t, dir)
		sendPageview(t, u)
		end(u, t)
	}
	u := startUp(t, dir)
	eventually(t, waitTime, "three rows and their accounts", func() bool {
		return count(t, u, "SELECT count() FROM events") >= 3 && count(t, u, "SELECT sum(received) FROM accounts") >= 3
	})
	check := func(query string) {
		t.Helper()
		if got := count(t, u, query); got != 3 {
			t.Errorf("%s: got %d, want 3", query, got)
		}
	}
	check("SELECT count() FROM events")
	check("SELECT uniqExact(id) FROM events")
	check("SELECT sum(received) FROM accounts")
	check("SELECT sum(allowed) FROM accounts")
	if got := len(u.messages(t, "sekisho.events")); got < 6 {
		t.Errorf("there are %d messages, want three events and their accounts", got)
	}
}

// sendPageview has an event acknowledged.
func sendPageview(t *testing.T, u *running) {
	t.Helper()
	const event = `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","visitor_id":"v1","consent":{"analytics":true}}`
	answer, err := http.Post(u.Collector+"/v1/events", "application/json", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("the collector answered %s", answer.Status)
	}
}
