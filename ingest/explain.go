package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// Explainer tells what a collector would decide about an event, and takes
// nothing: it writes no record, counts nothing and sets no cookie. Safe for
// concurrent use.
type Explainer struct {
	collector *Collector // of which only the configuration and the policy are used
	resets    *enforcer.Resets
}

// NewExplainer makes an explainer for the policy that is in force in the
// enforcer.
func NewExplainer(config Config, e *enforcer.Enforcer) *Explainer {
	return &Explainer{collector: &Collector{config: config, enforcer: e}, resets: e.Resets()}
}

// Question is an event as a client would send it.
type Question struct {
	// Event is its JSON form, as POST /v1/events takes it.
	Event []byte
	// Headers of the request; its cookies are in Cookie.
	Headers http.Header
	// Place is the country (JP) or region (US-CA) that a trusted edge would
	// state, or "" for that of the configured header.
	Place string
	// Now is when the request is received; zero is now.
	Now time.Time
}

var errOneEvent = errors.New("the body must be one event")

// Explain explains the decision about the event. The error is that of a body
// that is not an event at all; an event that does not fit the schema or the
// policy has an explanation that says so.
func (x *Explainer) Explain(q Question) (enforcer.Explanation, error) {
	var s session
	s.ask(x.collector, &q)
	n, err := s.decoder.Parse(q.Event)
	if err == nil && n != 1 {
		err = errOneEvent
	}
	if err != nil {
		return enforcer.Explanation{}, fmt.Errorf("cannot read the event: %w", err)
	}
	problem := s.decoder.Event(0, &s.event)
	if problem != nil {
		return s.table.Rejected(s.knownSite(), &s.event, schemas.ReasonInvalid, problem), nil
	}
	site := s.table.Site(s.event.Get(schemas.Site))
	switch {
	case site == nil:
		return s.table.Rejected("", &s.event, schemas.ReasonUnknownSite, &schemas.Invalid{Path: "site", Problem: "is not a site of the handling policy"}), nil
	case s.origin != "" && !site.Origin(s.origin):
		return s.table.Rejected(site.Name, &s.event, schemas.ReasonOrigin, &schemas.Invalid{Path: "site", Problem: "does not take events from this origin"}), nil
	}
	if problem := s.complete(x.collector, site); problem != nil {
		return s.table.Rejected(site.Name, &s.event, schemas.ReasonInvalid, problem), nil
	}
	s.identify()
	s.cookies.fill(&s.event, s.made, s.now)
	enforcer.Normalise(&s.event)
	s.sessionID = s.event.Get(schemas.SessionID)
	s.qualify()
	return s.table.Explain(site, &s.event, &s.request, x.resets), nil
}

// ask begins the session as a request with these headers would.
func (s *session) ask(c *Collector, q *Question) {
	var ctx fasthttp.RequestCtx
	for name, values := range q.Headers {
		for _, value := range values {
			ctx.Request.Header.Add(name, value)
		}
	}
	s.begin(&ctx, c)
	s.request.Place = strings.ToUpper(q.Place)
	if q.Place == "" && c.config.PlaceHeader != "" {
		s.request.Place = placeOf(ctx.Request.Header.PeekAll(c.config.PlaceHeader))
	}
	if s.now = q.Now; s.now.IsZero() {
		s.now = time.Now()
	}
	s.request.Now = s.now
}
