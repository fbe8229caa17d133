package forward

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// enterAfter enters the gate, and tells how long that took.
func enterAfter(t *testing.T, g *gate) (*pass, time.Duration) {
	t.Helper()
	began := time.Now()
	p, err := g.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p, time.Since(began)
}

// TestCircuit: after a few failures in a row nothing goes but one trial now and
// then, ever later; a single answer closes the circuit.
func TestCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Limits{Concurrency: 3}, usual)
		for range maxFailures {
			p, waited := enterAfter(t, g)
			if waited != 0 {
				t.Errorf("waited %v with the circuit closed", waited)
			}
			p.done(failed, 0)
		}
		longest := usual.backoff
		for i := range 10 {
			if open, _ := g.state(); !open {
				t.Fatal("the circuit is closed")
			}
			p, waited := enterAfter(t, g)
			if waited < longest/2 || waited > longest {
				t.Errorf("trial %d after %v, want %v to %v", i, waited, longest/2, longest)
			}
			if i == 9 {
				p.done(answered, 0)
				break
			}
			p.done(failed, 0)
			longest = min(2*longest, usual.maxBackoff)
		}
		if open, _ := g.state(); open {
			t.Error("the circuit is open after an answer")
		}
		if _, waited := enterAfter(t, g); waited != 0 {
			t.Errorf("waited %v afterwards", waited)
		}
	})
}

// TestOneTrial: while the circuit is open one request is tried; when it is answered
// all who wait go on.
func TestOneTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Limits{Concurrency: 8}, usual)
		for range maxFailures {
			p, _ := enterAfter(t, g)
			p.done(failed, 0)
		}
		var passes []*pass
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				p, err := g.enter(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				passes = append(passes, p)
				mu.Unlock()
			})
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		mu.Lock()
		if len(passes) != 1 {
			t.Errorf("%d requests are tried at once", len(passes))
		}
		passes[0].done(answered, 0)
		mu.Unlock()
		all.Wait()
	})
}

// TestThrottle: nothing goes before the time that the recipient named, and without
// one ever later; it is not taken for being down.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Limits{Concurrency: 2}, usual)
		p, _ := enterAfter(t, g)
		p.done(limited, 90*time.Second)
		p, waited := enterAfter(t, g)
		if waited != 90*time.Second {
			t.Errorf("waited %v, want 90s", waited)
		}
		for i, longest := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
			p.done(limited, 0)
			if p, waited = enterAfter(t, g); waited < longest/2 || waited > longest {
				t.Errorf("throttled %d times: waited %v, want up to %v", i+2, waited, longest)
			}
		}
		if open, paused := g.state(); open || paused != "" {
			t.Error("throttling opened the circuit")
		}
	})
}

// TestPause: a recipient that needs an operator is tried seldom, and at once when
// told that something changed.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Limits{Concurrency: 2}, usual)
		p, _ := enterAfter(t, g)
		p.finish(stopped, 0, "token")
		if open, paused := g.state(); !open || paused != "token" {
			t.Errorf("open %v, paused for %q", open, paused)
		}
		p, waited := enterAfter(t, g)
		if waited < usual.pause/2 || waited > usual.pause {
			t.Errorf("waited %v", waited)
		}
		p.finish(stopped, 0, "token")
		time.AfterFunc(time.Second, g.retryNow)
		if p, waited = enterAfter(t, g); waited != time.Second {
			t.Errorf("waited %v though something changed after 1s", waited)
		}
		p.done(answered, 0)
		if _, paused := g.state(); paused != "" {
			t.Error("it is still paused after an answer")
		}
	})
}

// TestRate: so many requests in a second and no more.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Limits{Concurrency: 2, Rate: 10}, usual)
		began := time.Now()
		for range 110 {
			p, _ := enterAfter(t, g)
			p.done(answered, 0)
		}
		if took := time.Since(began); took < 9900*time.Millisecond || took > 10100*time.Millisecond {
			t.Errorf("110 requests at 10 a second took %v", took)
		}
	})
}

// TestGateEnds: whoever waits is let go when its time is over, and takes no slot
// with it.
func TestGateEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Limits{Concurrency: 1}, usual)
		p, _ := enterAfter(t, g)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := g.enter(ctx); err == nil {
				t.Error("two were let through at once")
			}
			cancel()
		}
		p.done(limited, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := g.enter(ctx); err == nil {
			t.Error("one was let through too early")
		}
		cancel()
		if _, waited := enterAfter(t, g); waited > time.Hour {
			t.Errorf("waited %v", waited)
		}
	})
}
