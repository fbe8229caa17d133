package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// TestReplayFromTheCommandLine: what could not be read is a dead letter, and what
// came is replayed, but for who reset since; a replay that is killed goes on.
func TestReplayFromTheCommandLine(t *testing.T) {
	u := startUp(t, t.TempDir())
	post := func(path, body string) {
		t.Helper()
		answer, err := http.Post(u.Collector+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			t.Fatalf("%s: %s", path, answer.Status)
		}
	}
	for i := range 60 {
		post("/v1/events", fmt.Sprintf(`{"type":"pageview","site":"shop","url":"https://shop.example.jp/","visitor_id":"v-%d","app_instance_id":"visitor-%d","consent":{"analytics":true}}`, i%6, i%6))
	}
	u.appendGarbage(t)
	eventually(t, waitTime, "60 rows", func() bool { return count(t, u, "SELECT count() FROM events") == 60 })

	run := func(arguments ...string) string {
		t.Helper()
		out, problems, code := sekisho(t, nil, append(arguments, "--data="+u.Dir)...)
		if code != 0 {
			t.Fatalf("sekisho %v: code %d, %s", arguments, code, problems)
		}
		return out
	}
	eventually(t, waitTime, "a dead letter", func() bool { return !strings.Contains(run("dlq", "list"), "no dead letters") })
	list := run("dlq", "list", "--reason=undecodable")
	if !strings.Contains(list, "sekisho.events/0/") || strings.Contains(list, "taro") {
		t.Errorf("the list is\n%s", list)
	}
	letter, _, _ := strings.Cut(strings.SplitAfter(list, "\n")[1], " ")
	if shown := run("dlq", "show", letter); !strings.Contains(shown, `"reason": "undecodable"`) || strings.Contains(shown, "taro") {
		t.Errorf("the letter is\n%s", shown)
	}
	if out := run("dlq", "redrive", letter); !strings.Contains(out, letter+": unreadable") {
		t.Errorf("driven again, it is %s", out)
	}

	post("/v1/reset", `{"app_instance_id":"visitor-2"}`)
	var report struct {
		Messages, Records, Unreadable int64
		Verdicts                      []struct {
			Outcome, Reason string
			Records         int64
		}
	}
	dry := run("replay", "--into=table:events_again", "--dry-run", "--json")
	if err := json.Unmarshal([]byte(dry), &report); err != nil {
		t.Fatal(err)
	}
	if report.Records != 60 || report.Unreadable != 1 || len(report.Verdicts) != 2 || report.Verdicts[0].Outcome != "dropped" || report.Verdicts[0].Records != 10 {
		t.Errorf("a dry run found %s", dry)
	}
	if n := count(t, u, "SELECT count() FROM system.tables WHERE name = 'events_again'"); n != 0 {
		t.Error("a dry run made a table")
	}

	slow := exec.Command(binary(t), "replay", "--into=table:events_again", "--rate=2", "--data="+u.Dir)
	slow.Env = environment()
	if err := slow.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, waitTime, "some rows", func() bool {
		there := count(t, u, "SELECT count() FROM system.tables WHERE name = 'events_again'")
		return there == 1 && count(t, u, "SELECT count() FROM events_again") > 0
	})
	_ = slow.Process.Kill()
	_ = slow.Wait()
	run("replay", "--into=table:events_again")
	if rows, ids := count(t, u, "SELECT count() FROM events_again"), count(t, u, "SELECT uniqExact(id) FROM events_again"); rows != 50 || ids != 50 {
		t.Errorf("%d rows of %d events are rebuilt, want 50", rows, ids)
	}
	if n := count(t, u, "SELECT count() FROM (SELECT * FROM events_again EXCEPT ALL SELECT * FROM events)"); n != 0 {
		t.Errorf("%d rebuilt rows are not those of the live table", n)
	}
	if _, problems, code := sekisho(t, nil, "replay", "--into=table:events_again", "--data="+u.Dir); code != 1 || !strings.Contains(problems, "--again") {
		t.Errorf("once more: code %d, %s", code, problems)
	}
	u.wantTail(t, 50)

	// To a third party it goes by its forwarder.
	sent := func() (r struct {
		Requests, Violations uint64
		AfterDeletion        uint64 `json:"after_deletion"`
	}) {
		t.Helper()
		if err := json.Unmarshal([]byte(fetch(t, u.Vendors["google"]+"/received")), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := sent().Requests
	out := run("replay", "--into=recipient:google")
	if after := sent(); after.Requests <= before || after.Violations != 0 || after.AfterDeletion != 0 {
		t.Errorf("google was sent %+v, before it was %d requests", after, before)
	}
	if !strings.Contains(out, "60 records selected") || !strings.Contains(out, "allowed  granted  50") {
		t.Errorf("replaying to google: %s", out)
	}
}

// appendGarbage puts a message on the events topic that is no record.
func (u *running) appendGarbage(t *testing.T) {
	t.Helper()
	c := stream.DefaultConfig()
	c.Brokers = []string{u.Kafka}
	cluster, err := stream.Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	garbage := stream.Entry{Value: []byte("taro@example.jp"), Headers: []kafka.Header{{Key: schemas.HeaderKind, Value: []byte(schemas.KindEvent)}}}
	if _, err := cluster.Append(t.Context(), c.Topics.Events, 0, []stream.Entry{garbage}); err != nil {
		t.Fatal(err)
	}
}

// wantTail wants a tail from the beginning to show n records, and then to stop as
// it is told.
func (u *running) wantTail(t *testing.T, n int) {
	t.Helper()
	var out output
	tail := exec.Command(binary(t), "tail", "--from=0", "--site=shop", "--json", "--data="+u.Dir)
	tail.Env, tail.Stdout = environment(), &out
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, waitTime, "the tail to show all", func() bool { return strings.Count(out.String(), "\n") >= n })
	_ = tail.Process.Signal(os.Interrupt)
	if err := tail.Wait(); err != nil {
		t.Errorf("the tail ended with %v", err)
	}
	for line := range strings.Lines(out.String()) {
		var r schemas.Record
		if err := new(schemas.RecordDecoder).Decode([]byte(strings.TrimSpace(line)), &r); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Count(out.String(), "\n"); got != n {
		t.Errorf("%d records are shown, want %d", got, n)
	}
}

func TestReplayRefusals(t *testing.T) {
	check := func(want string, arguments ...string) {
		t.Helper()
		arguments = append(arguments, "--data="+t.TempDir())
		if _, problems, code := sekisho(t, nil, arguments...); code != 1 || !strings.Contains(problems, want) {
			t.Errorf("sekisho %v: code %d and %q, want %q", arguments, code, problems, want)
		}
	}
	check(`required flag(s) "into" not set`, "replay")
	check(`--into must be table:NAME, recipient:NAME or topic:NAME`, "replay", "--into=events")
	check(`cannot use --from: must be an offset`, "replay", "--into=table:a", "--from=yesterday")
	check(`cannot use --type: must be one of pageview`, "replay", "--into=table:a", "--type=click")
	check(`--rate must not be negative`, "replay", "--into=table:a", "--rate=-1")
	check("is `sekisho up` running?", "replay", "--into=table:a")
	check(`cannot use --outcome: must be allowed or anonymised`, "tail", "--outcome=dropped")
	check(`cannot use --reason: must be one of undecodable`, "dlq", "list", "--reason=bad")
	check(`name letters, or give --all`, "dlq", "redrive")
}
