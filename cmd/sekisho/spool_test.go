package main_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
	"sekisho/stream"
)

// TestKafkaGoesAndTheProcessIsKilled: while Kafka is away events are taken, also
// for longer than the registry may be without it; then the process is killed.
// When both are back, every event that was answered with success is in
// ClickHouse once, and in Kafka in the order in which it was sent.
func TestKafkaGoesAndTheProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	k := bring(t, dir)
	u := startUp(t, dir)
	var sent []string
	send := func(n int) {
		t.Helper()
		for range n {
			id := uuid.Must(uuid.NewV7()).String()
			event := `{"id":"` + id + `","type":"pageview","site":"shop","url":"http://localhost:1/","visitor_id":"v1","consent":{"analytics":true}}`
			answer, err := http.Post(u.Collector+"/v1/events", "application/json", strings.NewReader(event))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusNoContent {
				t.Fatalf("the collector answered %s", answer.Status)
			}
			sent = append(sent, id)
		}
	}
	send(10)
	k.Away()
	send(30)
	eventually(t, waitTime, "the registry to have lost touch", func() bool {
		return metric(t, u, "sekisho_registry_lag_age_seconds") > stream.MaxLagAge.Seconds()
	})
	send(10)
	fetch(t, u.Collector+"/readyz")
	if n := metric(t, u, "sekisho_spool_records"); n < 1 || metric(t, u, `sekisho_spool_state{state="holding"}`) != 1 || metric(t, u, "sekisho_spool_oldest_age_seconds") <= 0 {
		t.Errorf("%v batches are in the spool", n)
	}
	u.kill(t)
	if err := k.Restart(); err != nil {
		t.Fatal(err)
	}
	u = startUp(t, dir)
	send(10)

	// It is told to stop while Kafka is away: it ends in time, and the next goes on.
	k.Away()
	send(10)
	started := time.Now()
	u.stop(t)
	if took := time.Since(started); took > 40*time.Second { // what it states, and some for a busy machine
		t.Errorf("it took %v to stop", took)
	}
	if err := k.Restart(); err != nil {
		t.Fatal(err)
	}
	u = startUp(t, dir)
	send(10)
	eventually(t, waitTime, "the spool to be empty", func() bool { return metric(t, u, "sekisho_spool_records") == 0 })
	eventually(t, waitTime, "all accounts", func() bool {
		return count(t, u, "SELECT sum(received) FROM accounts") == uint64(len(sent))
	})
	if n := count(t, u, "SELECT count() FROM events"); n != uint64(len(sent)) {
		t.Errorf("%d events have %d rows", len(sent), n)
	}
	if n := count(t, u, "SELECT uniqExact(id) FROM events WHERE has($1, toString(id))", sent); n != uint64(len(sent)) {
		t.Errorf("of %d events %d are stored", len(sent), n)
	}
	order := map[int][]string{} // of each partition
	for _, m := range u.messages(t, "sekisho.events") {
		if string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) != schemas.KindEvent {
			continue
		}
		if i := strings.Index(string(m.Value), `"id":"`); i >= 0 {
			if id := string(m.Value[i+6:][:36]); !slices.Contains(order[m.Partition], id) {
				order[m.Partition] = append(order[m.Partition], id)
			}
		}
	}
	for partition, ids := range order {
		want := slices.DeleteFunc(slices.Clone(sent), func(id string) bool { return !slices.Contains(ids, id) })
		if !slices.Equal(ids, want) {
			t.Errorf("the order in partition %d is\n%v, want\n%v", partition, ids, want)
		}
	}
}

// metric reads a metric without labels, or with just those in the name.
func metric(t *testing.T, u *running, name string) float64 {
	t.Helper()
	for line := range strings.Lines(fetch(t, u.Admin+"/metrics")) {
		if text, found := strings.CutPrefix(line, name+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
