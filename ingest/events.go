package ingest

import (
	"context"
	"errors"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
)

var errDraining = errors.New("the collector is stopping")

// retryAfter is how many seconds a client should wait when events cannot be
// made durable.
const retryAfter = 2

// serveEvents serves POST /v1/events: one event or an array of events.
func (c *Collector) serveEvents(ctx *fasthttp.RequestCtx) {
	if err := c.unready(); err != nil {
		answerUnavailable(ctx, err.Error())
		return
	}
	s := c.sessions.Get().(*session)
	defer c.sessions.Put(s)
	s.begin(ctx, c)
	n, ok := c.read(ctx, s)
	if !ok {
		return
	}
	for i := range n {
		if problem := s.decoder.Event(i, &s.event); problem != nil {
			s.reject(s.knownSite(), schemas.ReasonInvalid, problem)
			continue
		}
		s.take(c)
	}
	if c.deliver(ctx, s) {
		c.answer(ctx, s)
	}
}

// read reads and parses the body, or answers why it cannot.
func (c *Collector) read(ctx *fasthttp.RequestCtx, s *session) (int, bool) {
	body, err := readBody(ctx, s.decoded, int(c.config.MaxDecoded))
	switch {
	case errors.Is(err, errTooLarge):
		c.lose(schemas.ReasonTooLarge)
		answerError(ctx, fasthttp.StatusRequestEntityTooLarge, err.Error())
	case errors.Is(err, errMediaType), errors.Is(err, errEncoding):
		c.lose(schemas.ReasonMediaType)
		answerError(ctx, fasthttp.StatusUnsupportedMediaType, err.Error())
	case err != nil:
		c.lose(schemas.ReasonUnreadable)
		answerError(ctx, fasthttp.StatusBadRequest, err.Error())
	default:
		if len(ctx.Request.Header.ContentEncoding()) > 0 {
			s.decoded = body
		}
		n, err := s.decoder.Parse(body)
		if err != nil {
			c.lose(schemas.ReasonUnreadable)
			answerError(ctx, fasthttp.StatusBadRequest, err.Error())
		}
		return n, err == nil
	}
	return 0, false
}

// deliver makes what was let through durable, or answers that it could not.
func (c *Collector) deliver(ctx *fasthttp.RequestCtx, s *session) bool {
	if s.forget {
		if err := c.reset(c.appendReset(nil, s, schemas.VisitorID, s.cookies.visitor)); err != nil {
			answerUnavailable(ctx, "the reset could not be made durable; send the request again")
			return false
		}
	}
	if err := c.events.Write(context.Background(), s.outgoing()); err != nil {
		c.counters.unavailable.Inc()
		answerUnavailable(ctx, "the events could not be made durable; send them again")
		return false
	}
	for i := range s.decisions {
		c.counters.count(s.decisions[i])
	}
	for kind, n := range s.project.Masked {
		c.counters.mask(kind, n)
	}
	clear(s.project.Masked[:])
	return true
}

// knownSite is the site of an event that could not be read whole, if it is one.
func (s *session) knownSite() string {
	if site := s.table.Site(s.event.Get(schemas.Site)); site != nil {
		return site.Name
	}
	return ""
}
