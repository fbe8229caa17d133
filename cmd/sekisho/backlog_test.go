package main_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
)

// TestStoppedClickHouseGrowsLagNotMemory: while ClickHouse does nothing, events
// are taken and stay in Kafka, the forwarders go on, and the metrics tell; when it
// goes on, all is stored.
func TestStoppedClickHouseGrowsLagNotMemory(t *testing.T) {
	dir := t.TempDir()
	bring(t, dir) // whose memory is not what is measured
	u := startUp(t, dir)
	title := strings.Repeat("x", 500)
	sent := 0
	send := func(n int) {
		t.Helper()
		for ; n > 0; n -= 250 {
			var events []string
			for range 250 {
				events = append(events, fmt.Sprintf(`{"id":"%s","type":"pageview","site":"shop","url":"http://localhost:1/%s","title":"%s","visitor_id":"v%d","consent":{"analytics":true}}`,
					uuid.Must(uuid.NewV7()), title[:300], title, sent%97))
				sent++
			}
			answer, err := http.Post(u.Collector+"/v1/events", "application/json", strings.NewReader("["+strings.Join(events, ",")+"]"))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusNoContent {
				t.Fatalf("the collector answered %s", answer.Status)
			}
		}
	}
	stored := func() bool { return count(t, u, "SELECT count() FROM events") == uint64(sent) }
	send(5000)
	eventually(t, waitTime, "the first events", stored)
	engines := u.engines(t)
	if len(engines) != 1 {
		t.Fatalf("the ClickHouses are %v", engines)
	}
	if err := syscall.Kill(engines[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(engines[0], syscall.SIGCONT) })
	const backlog = 40_000
	send(backlog)
	lag := func(n float64) func() bool {
		return func() bool {
			return metric(t, u, `sekisho_sink_lag{sink="clickhouse"}`) >= n && metric(t, u, `sekisho_sink_oldest_age_seconds{sink="clickhouse"}`) > 1
		}
	}
	eventually(t, waitTime, "the lag to begin", lag(backlog)) // a run of each partition is in memory now
	before := liveHeap(t, u)
	const more = 3 * backlog
	send(more)
	eventually(t, waitTime, "the lag to be told", lag(backlog+more))
	eventually(t, waitTime, "the forwarders to have no lag", func() bool {
		return metric(t, u, `sekisho_forward_lag{recipient="google"}`) == 0 && metric(t, u, `sekisho_forward_lag{recipient="meta"}`) == 0
	})
	// What the sink holds stays as it was. What grows is what the stand-ins of third
	// parties remember and, up to a bound, what forwarders know to have sent: ids.
	grown := liveHeap(t, u) - before
	t.Logf("the heap grew by %.1f from %.1f MiB while %d MiB came", grown/(1<<20), before/(1<<20), more*1200>>20)
	if grown > more*1200/4 {
		t.Error("that is too much")
	}
	if err := syscall.Kill(engines[0], syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*waitTime, "all events", stored)
	eventually(t, waitTime, "the lag to be gone", func() bool {
		return metric(t, u, `sekisho_sink_lag{sink="clickhouse"}`) == 0 && metric(t, u, `sekisho_sink_oldest_age_seconds{sink="clickhouse"}`) == 0
	})
}

// liveHeap is what of the heap of u is in use, garbage not counted.
func liveHeap(t *testing.T, u *running) float64 {
	t.Helper()
	_, rest, found := strings.Cut(fetch(t, u.Admin+"/debug/pprof/heap?gc=1&debug=1"), "\n# HeapAlloc = ")
	text, _, _ := strings.Cut(rest, "\n")
	bytes, err := strconv.ParseFloat(text, 64)
	if !found || err != nil {
		t.Fatalf("the heap is not told: %v", err)
	}
	return bytes
}
