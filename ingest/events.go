package ingest

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
)

// Why no events are taken for now.
var (
	errDraining    = errors.New("the collector is stopping")
	errConnections = errors.New("too many connections")
	errOfAddress   = errors.New("too many connections from one address")
)

// retryAfter is how many seconds a client should wait when events cannot be
// made durable.
const retryAfter = 2

// serveEvents serves POST /v1/events: one event or an array of events.
func (c *Collector) serveEvents(ctx *fasthttp.RequestCtx) {
	if p := c.takeEvents(ctx); p != nil {
		c.await(ctx, p)
	}
}

// takeEvents answers as if what the body's events let through were durable already,
// which is then awaited; nil when there is nothing to wait for.
func (c *Collector) takeEvents(ctx *fasthttp.RequestCtx) *pending {
	s := c.admit(ctx)
	if s == nil {
		return nil
	}
	defer s.end(c)
	if !c.read(ctx, s) {
		return nil
	}
	return c.process(ctx, s, takeBody, c.answer)
}

// admit returns a session for the request, which ends with end, or answers why
// the collector takes nothing for now.
func (c *Collector) admit(ctx *fasthttp.RequestCtx) *session {
	err := c.unready()
	if err == nil && int(c.server.GetOpenConnectionsCount()) > c.config.Concurrency {
		ctx.SetConnectionClose()
		err = errConnections
	}
	if err == nil {
		s := c.sessions.Get().(*session)
		if s.held = s.retained(); c.memory.take(s.held, 0) {
			s.begin(ctx, c)
			return s
		}
		err = errCrowded
	}
	c.counters.unavailable.Inc()
	answerUnavailable(ctx, err.Error())
	return nil
}

// takeBody decides about the events of the body.
func takeBody(_ *fasthttp.RequestCtx, c *Collector, s *session) {
	if s.events > 1 { // mostly of one visitor
		s.verdict.Remember()
		defer s.verdict.Forget()
		s.project.Remember()
		defer s.project.Forget()
	}
	for i := range s.events {
		s.take(c, s.decoder.Event(i, &s.event))
	}
}

// read reads and parses the body, or answers why it cannot.
func (c *Collector) read(ctx *fasthttp.RequestCtx, s *session) bool {
	body, err := c.readBody(ctx, s)
	if err == nil && !s.fits(&c.memory, body) {
		err = errCrowded
	}
	if err == nil {
		s.events, err = s.decoder.Parse(body)
	}
	if err == nil && !s.fitsEvents(&c.memory, body) {
		err = errCrowded
	}
	if err != nil {
		c.answerUnread(ctx, err, c.lose)
	}
	return err == nil
}

// answerUnread answers why a body could not be read, which lose accounts for.
func (c *Collector) answerUnread(ctx *fasthttp.RequestCtx, err error, lose func(schemas.Reason)) {
	problem := err.Error()
	switch {
	case errors.Is(err, errCrowded):
		c.counters.unavailable.Inc()
		answerUnavailable(ctx, problem)
	case errors.Is(err, errTooLarge):
		lose(schemas.ReasonTooLarge)
		answerError(ctx, fasthttp.StatusRequestEntityTooLarge, problem)
	case errors.Is(err, errMediaType), errors.Is(err, errEncoding):
		lose(schemas.ReasonMediaType)
		answerError(ctx, fasthttp.StatusUnsupportedMediaType, problem)
	case errors.Is(err, errSlow):
		lose(schemas.ReasonUnreadable)
		answerError(ctx, fasthttp.StatusRequestTimeout, problem)
	default:
		lose(schemas.ReasonUnreadable)
		answerError(ctx, fasthttp.StatusBadRequest, problem)
	}
}

// lose accounts for a request whose events were not read: as one, of no known
// site or type.
func (c *Collector) lose(reason schemas.Reason) { c.loseOf(schemas.UnknownType, reason) }

// loseOf accounts for a request that was not read and would have been an event
// of a type.
func (c *Collector) loseOf(kind schemas.EventType, reason schemas.Reason) {
	c.count(schemas.Decision{Minute: schemas.MinuteOf(time.Now()), Type: kind, Outcome: schemas.Rejected, Reason: reason})
}

// count counts a rejection for which nobody waits.
func (c *Collector) count(d schemas.Decision) {
	c.counters.count(d)
	if !c.events.Count(d) {
		c.counters.unaccounted.Inc()
	}
}

// knownSite is the site of an event that could not be read whole, if it is one.
func (s *session) knownSite() string {
	if site := s.table.Site(s.event.Get(schemas.Site)); site != nil {
		return site.Name
	}
	return ""
}
