package main_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestUpKeepsItsRows ends `sekisho up` as Ctrl-C does and as a crash does: what
// was acknowledged is there again at the next start, once. Commands that look for it
// meanwhile say at once that it is gone. (After a crash they waited for its Kafka.)
func TestUpKeepsItsRows(t *testing.T) {
	dir := t.TempDir()
	for _, end := range []func(*running, *testing.T){(*running).stop, (*running).kill, (*running).stop} {
		u := startUp(t, dir)
		sendPageview(t, u)
		if _, problems, code := sekisho(t, nil, "dlq", "list", "--data", dir); code != 0 {
			t.Errorf("beside it, dlq list ended with %d: %s", code, problems)
		}
		end(u, t)
		if _, problems, code := sekisho(t, nil, "dlq", "list", "--data", dir); code != 1 || !strings.Contains(strings.ToLower(problems), "start it") {
			t.Errorf("after it, dlq list ended with %d: %s", code, problems)
		}
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

// TestSecondInterruptAborts: the first Ctrl-C waits for a request that is under way,
// a second one for nothing. The next start finds what was acknowledged.
func TestSecondInterruptAborts(t *testing.T) {
	dir := t.TempDir()
	u := startUp(t, dir)
	sendPageview(t, u)
	c, err := net.Dial("tcp", strings.TrimPrefix(u.Collector, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The client asks whether to go on: once it is told to, its request is served.
	const begun = "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
	if _, err := io.WriteString(c, begun); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(waitTime))
	if _, err := io.ReadFull(c, make([]byte, len("HTTP/1.1 100"))); err != nil {
		t.Fatal(err)
	}
	process := u.process
	_ = process.Process.Signal(os.Interrupt)
	eventually(t, waitTime, "the first interrupt to be heard", func() bool { return strings.Contains(u.out.String(), "again to abort") })
	if err := u.end(t, os.Interrupt); err == nil || process.ProcessState.ExitCode() != 130 {
		t.Errorf("it ended with %v: %s", err, process.ProcessState)
	}
	if said := u.out.String(); !strings.HasSuffix(said, "sekisho: aborted\n") {
		t.Errorf("it said at last %q", said[max(0, len(said)-200):])
	}
	u = startUp(t, dir)
	eventually(t, waitTime, "the row", func() bool { return count(t, u, "SELECT count() FROM events") == 1 })
}
