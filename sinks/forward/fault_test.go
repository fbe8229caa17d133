package forward_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/sinks/forward"
	"sekisho/sinks/standin"
)

// TestFaults: whatever a recipient does, it has every event in the end, and each
// once as far as it knows events again. Google does not: what may be there twice
// is counted.
func TestFaults(t *testing.T) {
	const events = 60
	for _, test := range []struct {
		name   string
		faults []standin.Fault
	}{
		{"none", nil},
		{"timeouts", []standin.Fault{{Kind: standin.Delay, Times: 2, Delay: standin.Duration(time.Minute)}}},
		{"throttled", []standin.Fault{{Kind: standin.Throttle, Times: 3, RetryAfter: standin.Duration(time.Second)}}},
		{"limited", []standin.Fault{{Kind: standin.Limit, Times: 3}}},
		{"storm", []standin.Fault{{Kind: standin.Error, Times: 30, Status: 503}}},
		{"half", []standin.Fault{{Kind: standin.Half, Times: 1}}},
		{"reset", []standin.Fault{{Kind: standin.Reset, Times: 2}}},
		{"down", []standin.Fault{{Kind: standin.Down, Times: 30}}},
		{"revoked", []standin.Fault{{Kind: standin.Revoke, Times: 5}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.buys(t, events)
			list := vendors(t)
			var forwarders []*forwarder
			for _, v := range list {
				v.Misbehave(test.faults...)
				forwarders = append(forwarders, w.start(t, v.recipient, v.kind, quick))
			}
			for i, f := range forwarders {
				v := list[i]
				eventually(t, "every event was sent", func() bool { return f.events("sent") == events })
				got := v.Received()
				lost := uint64(0)
				if v.recipient == "google" && (test.name == "half" || test.name == "revoked") {
					lost = got.Dropped // Google says that all is well
				}
				if got.Events+lost != events+got.Doubled {
					t.Errorf("%s: %d events were taken, %d doubled, %d dropped; want %d", v.recipient, got.Events, got.Doubled, got.Dropped, events)
				}
				if v.recipient != "google" && got.Doubled > 0 {
					t.Errorf("%s: %d events are there twice", v.recipient, got.Doubled)
				}
				if twice := f.count("sekisho_forward_maybe_twice_events_total"); float64(got.Doubled) > twice {
					t.Errorf("%s: %d events are there twice, of %v of which it may be", v.recipient, got.Doubled, twice)
				}
				if n := f.events("dead"); n > 0 {
					t.Errorf("%s: %v dead letters", v.recipient, n)
				}
				for _, breach := range got.Listed {
					t.Errorf("%s: breach of %s at %s: %s", v.recipient, breach.Rule, breach.Path, breach.Message)
				}
			}
			stopAll(forwarders)
		})
	}
}

// quick has a request given up soon, though not because the machine is busy.
func quick(c *forward.Config) { c.Timeout = 2 * time.Second }

// TestFailedAfterItWasTaken: what a gateway has no answer for may have been taken, and is
// counted where the recipient would not know it again. (Only what had no answer at all
// was counted.)
func TestFailedAfterItWasTaken(t *testing.T) {
	t.Parallel()
	for status, counted := range map[int]bool{http.StatusGatewayTimeout: true, http.StatusInternalServerError: true, http.StatusServiceUnavailable: false} {
		w := newWorld(t)
		w.buys(t, 5)
		var failed atomic.Int64 // events
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct{ Events []json.RawMessage }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			if failed.Load() < 3 {
				failed.Add(int64(len(body.Events)))
				w.WriteHeader(status)
			}
		}))
		t.Cleanup(server.Close)
		f := w.start(t, "google", kindOf(t, "google", server.URL))
		eventually(t, "all are sent", func() bool { return f.events("sent") == 5 })
		want := 0.0
		if counted {
			want = float64(failed.Load())
		}
		if n := f.count("sekisho_forward_maybe_twice_events_total"); n != want {
			t.Errorf("%d: %v events are counted as sent twice, want %v", status, n, want)
		}
	}
}

// TestEndlessAnswer: a success counts, though its body does not end in time, or ends
// before it should. (Such events were sent again and again.) Where the body says how many
// were taken, it is needed.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusInternalServerError} {
		w := newWorld(t)
		w.buys(t, 3)
		var requests atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if requests.Add(1) > 1 {
				return
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte("taken"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		t.Cleanup(server.Close)
		f := w.start(t, "partner", kindOf(t, "partner", server.URL), func(c *forward.Config) { c.Concurrency, c.Timeout = 1, 2*time.Second })
		eventually(t, "all are sent", func() bool { return f.events("sent") == 3 })
		again := f.count("sekisho_forward_retried_events_total") > 0
		if again != (status != http.StatusOK) {
			t.Errorf("%d: events are sent again: %v", status, again)
		}
	}
}
