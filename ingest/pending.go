package ingest

import (
	"context"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"

	"sekisho/enforcer/identifiers"
	"sekisho/schemas"
	"sekisho/stream"
)

// pending is what is left of a request that waits until what it let through is
// durable. It is small, and the session goes on to other requests meanwhile: were
// all that wait to keep theirs, each request would find its own out of the
// processor's caches.
type pending struct {
	waiter *stream.Waiter
	turn   uint64
	resets bool
	// What is counted once it is durable.
	decisions []*metrics.Counter
	masked    identifiers.Counts
}

// process has the events decided, answers, and submits what was let through. Who
// gets a pending must await it, or the answer would be a promise that nobody has
// kept. It is nil when there is nothing to wait for: all was rejected, or it is
// answered that nothing could be made durable.
func (c *Collector) process(ctx *fasthttp.RequestCtx, s *session, take func(*fasthttp.RequestCtx, *Collector, *session),
	answer func(*fasthttp.RequestCtx, *session),
) (p *pending) {
	turn := c.turns.enter()
	defer func() {
		if p == nil {
			c.turns.leave(turn)
		}
	}()
	take(ctx, c, s)
	if s.overdrawn > 0 {
		c.lose(schemas.ReasonRateLimited)
		answerRetry(ctx, fasthttp.StatusTooManyRequests, s.overdrawn, "too many choices that reset somebody; send the request again")
		return nil
	}
	if s.rejected == len(s.results) && len(s.resets) == 0 {
		// Nobody need wait: what is not answered with success need not be durable.
		for i := range s.decisions {
			c.count(s.decisions[i])
		}
		answer(ctx, s)
		return nil
	}
	if !c.withdraw(ctx, s) {
		return nil
	}
	answer(ctx, s) // before anything is under way that a panic would leave
	waiter, err := c.events.Submit(s.outgoing())
	if err != nil {
		c.answerLost(ctx)
		return nil
	}
	p = c.pendings.Get().(*pending)
	p.waiter, p.turn, p.resets = waiter, turn, len(s.resets) > 0
	p.decisions = s.recent.appendTo(p.decisions[:0], c.counters, s.decisions)
	p.masked = s.project.Masked
	return p
}

// withdraw makes the resets and receipts of the request durable, or answers that it
// could not.
func (c *Collector) withdraw(ctx *fasthttp.RequestCtx, s *session) bool {
	if len(s.resets) > 0 {
		if _, err := c.reset(s.resets); err != nil {
			c.counters.unavailable.Inc()
			answerUnavailable(ctx, "the reset could not be made durable; send the request again")
			return false
		}
	}
	if len(s.receipts) > 0 {
		if err := c.receipts.Append(context.Background(), s.receipts); err != nil {
			c.counters.unavailable.Inc()
			answerUnavailable(ctx, "the receipt of the consent could not be made durable; send the request again")
			return false
		}
	}
	return true
}

// await returns when the answer that the request was given holds, or puts another
// one in its place.
func (c *Collector) await(ctx *fasthttp.RequestCtx, p *pending) {
	err := p.waiter.Wait(context.Background())
	c.turns.leave(p.turn)
	if err == nil {
		for _, counter := range p.decisions {
			counter.Inc()
		}
		for kind, n := range p.masked {
			c.counters.mask(kind, n)
		}
		if p.resets {
			c.settle()
		}
	} else {
		c.answerLost(ctx)
	}
	p.waiter = nil
	c.pendings.Put(p)
}

// answerLost takes the place of what was answered.
func (c *Collector) answerLost(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	h.DelAllCookies()
	h.Del(preferenceApplied)
	c.counters.unavailable.Inc()
	answerUnavailable(ctx, "the events could not be made durable; send them again")
}

// settle returns when what was let through before a reset was put in force is
// in Kafka, or on disk, where it is checked again.
func (c *Collector) settle() {
	c.turns.wait()
	c.events.Settle()
}
