package forward

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate lets requests to one recipient through: so many at once, so many in a
// second, none before the time that the recipient named, and only one now and
// then to try while it is down (the circuit is open) or paused. Safe for
// concurrent use.
type gate struct {
	slots  chan struct{}
	rate   *rate.Limiter // nil for none
	bounds pace

	mu        sync.Mutex
	changed   chan struct{} // closed at every change
	failures  int           // in a row
	throttles int           // in a row
	open      bool          // the circuit: nothing goes but a trial
	paused    string        // why nothing goes, "" when it does; then open too
	trial     bool          // one is under way
	until     time.Time     // nothing before it
	backoff   time.Duration // until the next trial
	successes uint64
	failing   any  // what failed first since the last answer
	several   bool // something else failed too
	refusals  int  // of single events in a row
}

// maxFailures in a row open the circuit.
const maxFailures = 5

// maxRefusals is how many single events may be refused in a row, none being taken,
// before that is no longer taken for their fault: nothing more is given up then.
const maxRefusals = 50

// pace is how long is waited before something is tried again: more each time,
// between the bounds.
type pace struct {
	backoff, maxBackoff time.Duration // after a failure
	pause, maxPause     time.Duration // while an operator is needed
	grace               time.Duration // of requests under way at the end
}

// usual is the pace outside tests. The grace and a heartbeat's interval are
// below the session timeout of the group, so that nobody else has begun.
var usual = pace{
	backoff: time.Second, maxBackoff: time.Minute,
	pause: 15 * time.Second, maxPause: 5 * time.Minute,
	grace: 5 * time.Second,
}

func newGate(l Limits, p pace) *gate {
	g := &gate{slots: make(chan struct{}, l.Concurrency), changed: make(chan struct{}), bounds: p, backoff: p.backoff}
	if l.Rate > 0 {
		g.rate = rate.NewLimiter(rate.Limit(l.Rate), max(1, int(l.Rate)))
	}
	return g
}

// pass is the right to make one request; what came of it must be told.
type pass struct {
	gate  *gate
	trial bool
}

// enter waits until a request may be made.
func (g *gate) enter(ctx context.Context) (*pass, error) {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p, err := g.await(ctx)
	if err != nil {
		<-g.slots
		return nil, err
	}
	if err := g.pace(ctx); err != nil {
		p.done(nothing, 0)
		return nil, err
	}
	return p, nil
}

// pace waits until another request fits into the rate.
func (g *gate) pace(ctx context.Context) error {
	if g.rate == nil {
		return nil
	}
	return g.rate.Wait(ctx)
}

func (g *gate) await(ctx context.Context) (*pass, error) {
	for {
		g.mu.Lock()
		wait, changed := time.Until(g.until), g.changed
		if wait <= 0 && (!g.open || !g.trial) {
			p := &pass{gate: g, trial: g.open}
			g.trial = g.open
			g.mu.Unlock()
			return p, nil
		}
		g.mu.Unlock()
		if wait <= 0 {
			wait = time.Hour // another is trying
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// result is what came of a request, as far as others are concerned.
type result uint8

const (
	nothing  result = iota // none was made
	answered               // the recipient works
	limited                // it works, and wants less
	failed
	stopped // it needs an operator
)

// failed gives the pass back after a failure of something, and reports whether
// nothing else has failed since the recipient answered last.
func (p *pass) failed(after time.Duration, what any) (alone bool) {
	g := p.gate
	g.mu.Lock()
	if g.failures == 0 {
		g.failing, g.several = what, false
	}
	g.several = g.several || g.failing != what
	alone = !g.several
	g.mu.Unlock()
	p.finish(failed, after, "")
	return alone
}

// done gives the pass back. after is how long the recipient wants to be left
// alone.
func (p *pass) done(r result, after time.Duration) { p.finish(r, after, "") }

func (p *pass) finish(r result, after time.Duration, why string) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() { <-g.slots }()
	if p.trial {
		g.trial = false
	}
	now := time.Now()
	switch r {
	case answered:
		g.failures, g.throttles, g.open, g.paused, g.backoff = 0, 0, false, "", g.bounds.backoff
		g.successes++
	case limited:
		g.failures, g.open, g.paused, g.backoff = 0, false, "", g.bounds.backoff
		g.notBefore(now.Add(max(after, jitter(min(g.bounds.backoff<<min(g.throttles, 10), g.bounds.maxBackoff)))))
		g.throttles++
	case failed:
		g.failures++
		// Of those that were under way when it opened each would count again.
		if g.open && p.trial || !g.open && g.failures >= maxFailures {
			g.open = true
			g.notBefore(now.Add(max(after, jitter(g.backoff))))
			g.backoff = min(2*g.backoff, g.bounds.maxBackoff)
		} else if after > 0 {
			g.notBefore(now.Add(after))
		}
	case stopped:
		if g.paused == "" {
			g.backoff = g.bounds.pause
		}
		if !g.open || p.trial || g.paused == "" {
			g.notBefore(now.Add(jitter(g.backoff)))
			g.backoff = min(2*g.backoff, g.bounds.maxPause)
		}
		g.open, g.paused = true, why
	}
	g.notify()
}

func (g *gate) notBefore(t time.Time) {
	if t.After(g.until) {
		g.until = t
	}
}

func (g *gate) notify() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// retryNow tries at once what waits for an operator: something was changed.
func (g *gate) retryNow() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		g.until, g.backoff = time.Time{}, g.bounds.backoff
		g.notify()
	}
}

// state returns whether the circuit is open, and why the recipient is paused, ""
// when it is not.
func (g *gate) state() (open bool, paused string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open, g.paused
}

// refused counts an event that was refused, and returns how many have been since
// one was taken.
func (g *gate) refused() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusals++
	return g.refusals
}

// took notes that something was taken.
func (g *gate) took() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusals = 0
}

// answers returns how often the recipient has answered so far.
func (g *gate) answers() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.successes
}

// jitter returns between a half and the whole of d, so that those who failed
// together do not come back together.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
