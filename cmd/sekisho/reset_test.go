package main_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/ingest"
	"sekisho/stream/kafkatest"
)

var (
	resetCount = flag.Int("reset.count", 30, "resets at one collector until which another one enforces them; 1000 for a distribution")
	resetLines = flag.Int("reset.lines", 50_000, "identifiers in the file that sekisho reset is given; 1000000 for a rate")
)

// secretsOf are the variables by which a process has the secrets of a
// `sekisho up`.
func secretsOf(u *running) []string {
	return []string{
		"SEKISHO_KEYS_SECRET=file:" + filepath.Join(u.Dir, "secret-pseudonyms"),
		"SEKISHO_KEYS_REGISTRY=file:" + filepath.Join(u.Dir, "secret-registry"),
	}
}

// send posts to a collector and returns the answer.
func send(t *testing.T, address, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "return=representation")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text := new(strings.Builder)
	if err := response.Write(text); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, text.String()
}

func pageOf(visitor string) string {
	return `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","visitor_id":"` + visitor + `","consent":{"analytics":true}}`
}

// TestTwoCollectors: a reset at one collector holds there at once, and at the
// other one within the bound that is exported. It prints how long that took:
//
//	go test ./cmd/sekisho -run TwoCollectors -v -reset.count 1000
func TestTwoCollectors(t *testing.T) {
	u := startUp(t, t.TempDir())
	other := startRole(t, append(secretsOf(u), "SEKISHO_KAFKA_BROKERS="+u.Kafka, "SEKISHO_POLICY="+filepath.Join(u.Dir, "policy.yaml"),
		"SEKISHO_COLLECTOR_LISTEN=127.0.0.1:0", "SEKISHO_ADMIN_LISTEN=127.0.0.1:0", "SEKISHO_COLLECTOR_RATE=0"), "collect")
	there := "http://" + other.listen + "/v1/events"
	eventually(t, waitTime, "the other collector to be ready", func() bool {
		status, _ := send(t, there, pageOf("anybody"))
		return status == http.StatusOK
	})
	dropped := func(address, visitor string) bool {
		status, answer := send(t, address, pageOf(visitor))
		if status != http.StatusOK {
			t.Fatalf("an event is answered %s", answer)
		}
		return strings.Contains(answer, `"reason":"reset"`)
	}
	var took []time.Duration
	for i := range *resetCount {
		visitor := fmt.Sprintf("visitor-%d", i)
		if i%10 == 0 && dropped(there, visitor) {
			t.Fatal("an event is dropped before the reset")
		}
		if status, answer := send(t, u.Collector+"/v1/reset", `{"visitor_id":"`+visitor+`"}`); status != http.StatusAccepted {
			t.Fatalf("the reset is answered %s", answer)
		}
		acknowledged := time.Now()
		for !dropped(there, visitor) {
			if time.Since(acknowledged) > waitTime {
				t.Fatal("the other collector never enforces a reset")
			}
		}
		took = append(took, time.Since(acknowledged))
		if !dropped(u.Collector+"/v1/events", visitor) {
			t.Fatal("the collector that acknowledged a reset does not enforce it")
		}
	}
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[(len(took)-1)*percent/100].Round(10 * time.Microsecond) }
	t.Logf("after %d resets the other collector enforced each within: min %v, median %v, 90 %% %v, 99 %% %v, max %v",
		len(took), at(0), at(50), at(90), at(99), at(100))
	bound, err := strconv.ParseFloat(metricOf(t, other.admin, "sekisho_reset_bound_seconds"), 64)
	if err != nil || at(100).Seconds() > bound {
		t.Errorf("the longest took %v, the bound is %v s, %v", at(100), bound, err)
	}
	if got := metricOf(t, other.admin, "sekisho_registry_entries"); got != strconv.Itoa(*resetCount) {
		t.Errorf("the other collector has %s resets", got)
	}
	if left, passedOver := readAsOutsider(t, u); len(left) != 1 || passedOver < (*resetCount+9)/10 {
		t.Errorf("an outside consumer passes over %d events and is left with %d visitors, want that of nobody who was reset", passedOver, len(left))
	}
}

// readAsOutsider reads the events as the README tells consumers of their own to,
// with nothing of the gateway's: the pseudonyms of those that are left, and the
// number of those that are passed over.
func readAsOutsider(t *testing.T, u *running) (left map[string]bool, passedOver int) {
	t.Helper()
	reset := map[string]bool{}
	for _, m := range u.messages(t, "sekisho.resets") {
		var r struct {
			Schema     int
			Pseudonyms []string
			Recipient  string
		}
		if err := json.Unmarshal(m.Value, &r); err != nil || r.Schema != 1 {
			t.Fatalf("%v: %s", err, m.Value)
		}
		for _, pseudonym := range r.Pseudonyms {
			reset[pseudonym] = reset[pseudonym] || r.Recipient == ""
		}
	}
	left = map[string]bool{}
events:
	for _, m := range u.messages(t, "sekisho.events") {
		var record map[string]any
		if err := json.Unmarshal(m.Value, &record); err != nil {
			t.Fatal(err)
		}
		for _, field := range record {
			if text, ok := field.(string); ok && reset[text] {
				passedOver++
				continue events
			}
		}
		if visitor, ok := record["visitor_id"].(string); ok {
			left[visitor] = true
		}
	}
	return left, passedOver
}

// metricOf returns the value of a metric of an admin listener.
func metricOf(t *testing.T, admin, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut("\n"+fetch(t, "http://"+admin+"/metrics"), "\n"+name+" ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

// TestResetCommand resets one identifier and a file of many, goes on after it
// was killed, and leaves the identifiers in no file, no log and no metric.
//
//	go test ./cmd/sekisho -run ResetCommand -v -reset.lines 1000000
func TestResetCommand(t *testing.T) {
	dir := t.TempDir()
	k := bring(t, dir)
	u := startUp(t, dir)
	check := func(what, visitor, want string) {
		t.Helper()
		eventually(t, waitTime, what, func() bool {
			_, answer := send(t, u.Collector+"/v1/events", pageOf(visitor))
			return strings.Contains(answer, want)
		})
	}
	const allowed, dropped = `"outcome":"allowed"`, `"outcome":"dropped","reason":"reset"`
	check("an event before", "canary-single", allowed)
	one := exec.Command(binary(t), "reset", "--data", u.Dir, "--kind", "visitor_id", "--id", "-")
	one.Env, one.Stdin = environment(), strings.NewReader("canary-single\n")
	printed, err := one.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(printed), "accepted; ticket\n") {
		t.Fatalf("%v: %s", err, printed)
	}
	said := string(printed)
	check("the reset to hold", "canary-single", dropped)
	ticket := strings.Fields(said)[2]
	out, problems, code := sekisho(t, nil, "reset", "status", "--data", u.Dir, ticket)
	if code != 0 || !strings.Contains(out, "accepted              done") || !strings.Contains(out, "google") {
		t.Errorf("the status is %d: %s%s", code, out, problems)
	}
	var status ingest.ResetStatus
	if err := json.Unmarshal([]byte(fetch(t, u.Collector+"/v1/reset/"+ticket)), &status); err != nil || status.Accepted.State != "done" {
		t.Errorf("a collector says %+v, %v", status, err)
	}

	// A file of many, killed half-way.
	file := filepath.Join(t.TempDir(), "many.csv")
	var text strings.Builder
	text.WriteString("kind,id\n")
	for i := range *resetLines {
		fmt.Fprintf(&text, "visitor_id,canary-%07d\n", i)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func() (*exec.Cmd, *output) {
		t.Helper()
		cmd := exec.Command(binary(t), "reset", "--data", u.Dir, "--file", file)
		o := new(output)
		cmd.Env, cmd.Stdout, cmd.Stderr = environment(), o, o
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, o
	}
	// From its third write on it waits until it is killed.
	halfway, writes := make(chan struct{}), atomic.Int32{}
	goOn := sync.OnceFunc(func() { close(halfway) })
	defer goOn()
	k.Watch(func(p kafkatest.Produced) {
		if p.Records > 1000 && writes.Add(1) >= 3 {
			<-halfway
		}
	})
	killed, o := run()
	eventually(t, waitTime, "some resets", func() bool {
		note, err := os.ReadFile(file + ".progress")
		return err == nil && !strings.Contains(string(note), `"Resets":0`)
	})
	_ = killed.Process.Kill()
	_ = killed.Wait()
	goOn()
	said += o.String()
	started := time.Now()
	rest, o := run()
	if err := rest.Wait(); err != nil || !strings.Contains(o.String(), fmt.Sprintf("accepted %d resets", *resetLines)) || !strings.Contains(o.String(), "going on after line") {
		t.Fatalf("%v: %s", err, o)
	}
	took := time.Since(started)
	said += o.String()
	check("the last of the file to be reset", fmt.Sprintf("canary-%07d", *resetLines-1), dropped)
	t.Logf("%s(%.1f s with the start); the collector had all %.1f s after the second run began", o, took.Seconds(), time.Since(started).Seconds())
	check("the first of the file to be reset", "canary-0000000", dropped)
	check("who is not in the file", "another", allowed)
	metrics := fetch(t, u.Admin+"/metrics")
	if got := metricOf(t, strings.TrimPrefix(u.Admin, "http://"), "sekisho_registry_entries"); got != strconv.Itoa(*resetLines+1) {
		t.Errorf("the collector has %s resets", got)
	}

	// The canaries are nowhere, also not in the snapshot that a stop leaves.
	u.stop(t)
	said += u.out.String() + metrics
	if strings.Contains(said, "canary") {
		t.Error("an identifier is printed, logged or in a metric")
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), "canary") {
			t.Errorf("an identifier is in %s", path)
		}
		return err
	})
	if _, missing := os.Stat(filepath.Join(dir, "registry", "collector.resets.snapshot")); err != nil || missing != nil || files < 10 {
		t.Errorf("%d files: %v, %v", files, err, missing)
	}
	// With it the next start has all before it reads anything.
	again := startUp(t, dir)
	if out := again.out.String(); strings.Contains(out, "cannot be used") {
		t.Errorf("the snapshot is not used:\n%s", out)
	}
	_, answer := send(t, again.Collector+"/v1/events", pageOf("canary-0000007"))
	if !strings.Contains(answer, dropped) {
		t.Errorf("after a restart the answer is %s", answer)
	}
}

// TestResetRefusals say what is wrong, and repeat nothing.
func TestResetRefusals(t *testing.T) {
	check := func(want string, arguments ...string) {
		t.Helper()
		out, problems, code := sekisho(t, []string{"SEKISHO_KAFKA_BROKERS=127.0.0.1:1"}, append([]string{"reset"}, arguments...)...)
		if code != 1 || !strings.Contains(problems, want) || strings.Contains(out+problems, "canary") {
			t.Errorf("sekisho reset %v: got code %d and %q, want %q", arguments, code, problems, want)
		}
	}
	check("at least one of the flags in the group [file kind] is required")
	check("must all be set", "--kind", "visitor_id")
	check("none of the others can be", "--file", "x.csv", "--kind", "visitor_id", "--id", "a")
	check("the kind must be one of visitor_id, user_id", "--kind", "cookie", "--id", "canary")
	check("a session_id is stored only as one of the identifier beside it", "--kind", "session_id", "--id", "canary")
	check("must be printable ASCII", "--kind", "visitor_id", "--id", "can ary")
	check("an advertising identifier of zeros is none", "--kind", "idfa", "--id", "00000000-0000-0000-0000-000000000000")
	check("the id is empty", "--kind", "idfa", "--id", "")
	check("keys.secret and keys.registry are required", "--kind", "visitor_id", "--id", "canary")
	check("add --format csv or --format jsonl", "--file", write(t, "ids.txt", "visitor_id,canary"))
	check("cannot read the identifiers", "--file", "/does/not/exist.csv")
	check("unknown command", "bogus")
}
