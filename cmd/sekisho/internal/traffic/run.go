package traffic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"

	"sekisho/schemas"
)

// Options say how much traffic to make and where to send it.
type Options struct {
	Collector string        // URL
	Rate      int           // events a second; 0 is as fast as it goes
	Count     uint64        // events; 0 is no bound
	Duration  time.Duration // 0 is no bound
	Workers   int
	Seed      uint64
	// Progress is told of events as they are answered.
	Progress func(events int)
}

// Traffic sends events and keeps the ledger.
type Traffic struct {
	options Options
	client  *fasthttp.Client
	limiter *rate.Limiter
	ledger  *ledger
	left    atomic.Int64
	bounded bool
}

// New prepares traffic.
func New(o Options) *Traffic {
	t := &Traffic{options: o, ledger: newLedger(), bounded: o.Count > 0, client: &fasthttp.Client{
		Name:                      "sekisho-demo",
		MaxConnsPerHost:           o.Workers + 1,
		ReadTimeout:               30 * time.Second,
		WriteTimeout:              30 * time.Second,
		MaxIdemponentCallAttempts: 1,
	}}
	t.left.Store(int64(o.Count))
	limit := rate.Inf
	if o.Rate > 0 {
		limit = rate.Limit(o.Rate)
	}
	t.limiter = rate.NewLimiter(limit, max(o.Rate/10, maxVisit))
	return t
}

// maxVisit is the most events in one request.
const maxVisit = 16

// Run makes traffic until the count or the time is reached or ctx ends, and
// returns the first error that made it give up.
func (t *Traffic) Run(ctx context.Context) error {
	if t.options.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.options.Duration)
		defer cancel()
	}
	started := time.Now()
	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var workers sync.WaitGroup
	for i := range t.options.Workers {
		workers.Go(func() {
			if err := t.work(run, rand.New(rand.NewPCG(t.options.Seed, uint64(i)))); err != nil {
				stop(err)
			}
		})
	}
	workers.Wait()
	t.ledger.add(func(a *Account) {
		a.Seconds = time.Since(started).Seconds()
		a.EventsPerSecond = float64(a.Events) / a.Seconds
	})
	if cause := context.Cause(run); cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

// work is one client: visitors come, come back, and sometimes go for good.
func (t *Traffic) work(ctx context.Context, r *rand.Rand) error {
	var known []*visitor
	for ctx.Err() == nil {
		var v *visitor
		if len(known) > 0 && r.IntN(3) > 0 {
			v = known[r.IntN(len(known))]
		} else {
			v = newVisitor(r)
			if len(known) < 500 {
				known = append(known, v)
			}
		}
		most := t.take(maxVisit)
		if most == 0 {
			return nil
		}
		events := v.visit(r, most)
		t.left.Add(int64(most - len(events)))
		if t.limiter.WaitN(ctx, len(events)) != nil {
			t.left.Add(int64(len(events)))
			return nil
		}
		t.ledger.add(func(a *Account) { a.Events += uint64(len(events)) })
		if err := t.send(ctx, events); err != nil {
			return err
		}
		if r.IntN(100) == 0 { // a client that did not hear the answer
			t.ledger.add(func(a *Account) { a.Retried += uint64(len(events)) })
			if err := t.send(ctx, events); err != nil {
				return err
			}
		}
		t.options.Progress(len(events))
		if v.mind == acceptsAll && !v.reset && r.IntN(200) == 0 {
			if err := t.forget(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// take takes up to n events from what is left to send.
func (t *Traffic) take(n int64) int {
	if !t.bounded {
		return int(n)
	}
	for {
		left := t.left.Load()
		took := min(left, n)
		if took <= 0 {
			return 0
		}
		if t.left.CompareAndSwap(left, left-took) {
			return int(took)
		}
	}
}

// patience is how long one request is tried again before the run gives up.
const patience = 2 * time.Minute

// send sends events until the collector has answered for them.
func (t *Traffic) send(ctx context.Context, events []event) error {
	bodies := make([]map[string]any, len(events))
	for i := range events {
		bodies[i] = events[i].body
	}
	body, err := json.Marshal(bodies)
	if err != nil {
		return fmt.Errorf("cannot write events: %w", err)
	}
	request, answer := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(answer)
	request.SetRequestURI(t.options.Collector + "/v1/events")
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/json")
	request.Header.Set("Prefer", "return=representation")
	request.SetBodyRaw(body)
	for deadline := time.Now().Add(patience); ; {
		err := t.client.Do(request, answer)
		switch {
		case err != nil:
			t.ledger.add(func(a *Account) { a.Unanswered += uint64(len(events)) })
		case answer.StatusCode() == fasthttp.StatusOK || answer.StatusCode() == fasthttp.StatusBadRequest:
			return t.enter(events, answer.Body())
		case answer.StatusCode() != fasthttp.StatusServiceUnavailable && answer.StatusCode() != fasthttp.StatusTooManyRequests:
			return fmt.Errorf("the collector answered %d: %s", answer.StatusCode(), answer.Body())
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the collector at %s does not take events: %w", t.options.Collector, errors.Join(err, fmt.Errorf("last answer %d", answer.StatusCode())))
		}
		wait, _ := strconv.Atoi(string(answer.Header.Peek(fasthttp.HeaderRetryAfter)))
		select {
		case <-time.After(time.Duration(max(wait, 1)) * time.Second):
		case <-ctx.Done():
			// What was begun is finished: it must be in the ledger.
			if time.Until(deadline) > 10*time.Second {
				deadline = time.Now().Add(10 * time.Second)
			}
			<-time.After(time.Second)
		}
	}
}

// enter enters the collector's answers into the ledger.
func (t *Traffic) enter(events []event, body []byte) error {
	var answer struct {
		Error  string `json:"error"`
		Events []struct {
			Outcome schemas.Outcome `json:"outcome"`
		} `json:"events"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("cannot read the collector's answer: %w", err)
	}
	if len(answer.Events) != len(events) {
		return fmt.Errorf("the collector answered for %d of %d events: %s", len(answer.Events), len(events), answer.Error)
	}
	for i := range events {
		t.ledger.enter(&events[i], answer.Events[i].Outcome)
	}
	return nil
}

// forget resets the visitor: from the answer on, nothing of theirs may pass.
func (t *Traffic) forget(v *visitor) error {
	request, answer := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(answer)
	request.SetRequestURI(t.options.Collector + "/v1/reset")
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/json")
	request.SetBodyString(`{"visitor_id":"` + v.id + `"}`)
	if err := t.client.Do(request, answer); err != nil {
		return fmt.Errorf("cannot reset a visitor: %w", err)
	}
	if answer.StatusCode() != fasthttp.StatusAccepted {
		return nil // not taken, so nothing is promised
	}
	v.reset = true
	t.ledger.add(func(a *Account) { a.Resets++ })
	return nil
}
