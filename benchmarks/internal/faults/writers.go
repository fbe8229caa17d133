package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sekisho/schemas"
	"sekisho/stream"
)

// writers send events to the collectors, each again and again until it is
// answered for.
type writers struct {
	collectors []string // URLs
	canary     string
	ledger     *ledger
	bound      time.Duration // after which a reset holds everywhere
	limit      *rate.Limiter
	client     *http.Client
	working    sync.WaitGroup
}

const numWriters = 12

func newWriters(s *stage, canary string) *writers {
	c := stream.DefaultConfig()
	c.Timeout = kafkaTimeout
	w := &writers{canary: canary, ledger: newLedger(), bound: c.ResetBound() + time.Second,
		limit: rate.NewLimiter(rate.Limit(s.options.Rate), s.options.Rate),
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
			MaxIdleConnsPerHost: numWriters,
			// When its clock is set back, fasthttp takes connections for busy that
			// have been idle since a time to come, and waits for them when it is
			// told to stop, for as long as it may.
			IdleConnTimeout: time.Second,
		}}}
	for _, p := range s.collectors {
		w.collectors = append(w.collectors, "http://"+p.listen)
	}
	return w
}

// start begins to write. When stop ends no new events are made; those that were
// are sent until they are answered for, or until ctx ends.
func (w *writers) start(ctx context.Context, stop context.Context, seed uint64) {
	for i := range numWriters {
		w.working.Go(func() { w.write(ctx, stop, rand.New(rand.NewPCG(seed, uint64(i)+2))) })
	}
}

func (w *writers) write(ctx, stop context.Context, r *rand.Rand) {
	var known []*visitor
	for stop.Err() == nil {
		if len(known) < 50 || r.IntN(4) == 0 {
			known = append(known, newVisitor(r, w.canary))
			known = known[max(len(known)-200, 0):]
		}
		v := known[r.IntN(len(known))]
		// A reset holds everywhere only after a while.
		if !v.reset.IsZero() && time.Since(v.reset) < w.bound {
			continue
		}
		events := make([]event, 1+r.IntN(8))
		for i := range events {
			events[i] = v.event(r, w.canary)
		}
		if w.limit.WaitN(stop, len(events)) != nil {
			return
		}
		w.send(ctx, r, events, false)
		switch dice := r.IntN(200); {
		case dice < 6: // a client that did not hear the answer
			w.send(ctx, r, events, true)
		case dice < 8:
			w.unreadable(ctx, r)
		case v.leaving && v.reset.IsZero() && dice < 60:
			w.forget(ctx, r, v)
		}
	}
}

// send sends events until they are answered for.
func (w *writers) send(ctx context.Context, r *rand.Rand, events []event, repeat bool) {
	bodies := make([]map[string]any, len(events))
	for i := range events {
		bodies[i] = events[i].body
	}
	body, err := json.Marshal(bodies)
	if err != nil {
		panic(err) // what we made ourselves
	}
	for ctx.Err() == nil {
		w.ledger.sent()
		status, answer, err := w.post(ctx, one(r, w.collectors)+"/v1/events", body)
		if err == nil && (status == http.StatusOK || status == http.StatusBadRequest) && w.enter(events, answer, repeat) {
			return
		}
		w.ledger.miss(events, err == nil && status == http.StatusServiceUnavailable)
		if err == nil && status != http.StatusServiceUnavailable {
			w.note(fmt.Sprintf("the collector answered %d", status))
		}
		sleep(ctx, between(r, 50, 800))
	}
}

func (w *writers) post(ctx context.Context, address string, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "return=representation")
	response, err := w.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// enter enters an answer, unless it is none for these events.
func (w *writers) enter(events []event, body []byte, repeat bool) bool {
	var answer struct {
		Invalid []struct {
			Index   int    `json:"index"`
			Path    string `json:"path"`
			Problem string `json:"problem"`
		} `json:"invalid"`
		Events []struct {
			Outcome schemas.Outcome `json:"outcome"`
			Reason  schemas.Reason  `json:"reason"`
		} `json:"events"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Events) != len(events) {
		w.note("an answer that does not fit the events")
		return false
	}
	if bytes.Contains(body, []byte(w.canary)) {
		w.leak("an answer quotes what was refused")
	}
	for _, invalid := range answer.Invalid {
		if i := invalid.Index; i < len(events) && events[i].want != schemas.Rejected {
			w.note("an event that is valid was rejected: " + invalid.Path + " " + invalid.Problem)
		}
	}
	rejected := 0
	for i := range events {
		w.ledger.enter(&events[i], answer.Events[i].Outcome, answer.Events[i].Reason, repeat)
		if answer.Events[i].Outcome == schemas.Rejected {
			rejected++
		}
	}
	if rejected == len(events) {
		w.ledger.mu.Lock()
		w.ledger.unheld += uint64(rejected)
		w.ledger.mu.Unlock()
	}
	return true
}

// unreadable sends what is no JSON. Nobody waits for its account, so nothing is
// held against it but leaks.
func (w *writers) unreadable(ctx context.Context, r *rand.Rand) {
	body := []byte(`[{"type":"pageview","title":"` + w.canary + ` unreadable",` + strings.Repeat("{", r.IntN(9)+1))
	_, answer, err := w.post(ctx, one(r, w.collectors)+"/v1/events", body)
	if err == nil && bytes.Contains(answer, []byte(w.canary)) {
		w.leak("an answer quotes what could not be read")
	}
}

// forget resets a visitor.
func (w *writers) forget(ctx context.Context, r *rand.Rand, v *visitor) {
	status, _, err := w.post(ctx, one(r, w.collectors)+"/v1/reset", []byte(`{"visitor_id":"`+v.id+`"}`))
	if err != nil || status != http.StatusAccepted {
		return // not taken, so nothing is promised
	}
	v.reset = time.Now()
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.ledger.resets++
}

func (w *writers) note(what string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.ledger.unexpected[what]++
}

func (w *writers) leak(what string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.ledger.leaks = append(w.ledger.leaks, what)
}

// wait returns when all that was made is answered for.
func (w *writers) wait(within time.Duration) error {
	done := make(chan struct{})
	go func() { w.working.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(within):
		return errors.New("events are still not answered for, though all is mended")
	}
}
