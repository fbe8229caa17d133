package ingest

import (
	"net/url"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
)

// pixel is a transparent GIF of one point.
const pixel = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;"

// servePixel serves GET /v1/pixel.gif, the page view of a page without
// scripts: query parameters are the event's fields, site is required, and the
// page's address is its own Referer where url is missing. An image has no
// Origin, so its site is held against the address instead.
func (c *Collector) servePixel(ctx *fasthttp.RequestCtx) {
	if !ctx.IsGet() {
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET")
		answerError(ctx, fasthttp.StatusMethodNotAllowed, "use GET")
		return
	}
	if !c.limit(ctx) {
		return
	}
	if err := c.unready(); err != nil {
		answerUnavailable(ctx, err.Error())
		return
	}
	s := c.sessions.Get().(*session)
	defer c.sessions.Put(s)
	s.begin(ctx, c)
	if problem := s.readQuery(ctx); problem != nil {
		s.reject(s.knownSite(), schemas.ReasonInvalid, problem)
	} else {
		s.take(c)
	}
	if !c.deliver(ctx, s) {
		return
	}
	if s.results[0].outcome == schemas.Rejected {
		c.answer(ctx, s)
		return
	}
	if s.newID != "" {
		setVisitor(ctx, s.newID)
	}
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderCacheControl, "no-store")
	h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	ctx.SetContentType("image/gif")
	ctx.SetBodyString(pixel)
}

// readQuery makes a page view of the query.
func (s *session) readQuery(ctx *fasthttp.RequestCtx) *schemas.Invalid {
	e := &s.event
	e.Reset()
	e.Set(schemas.Type, schemas.Pageview.String())
	for key, value := range ctx.QueryArgs().All() {
		f, ok := schemas.FieldNamed(key)
		if !ok || f == schemas.Type {
			continue // cache busters and the like
		}
		text := share(value)
		if problem := schemas.Check(f, text); problem != nil {
			return problem
		}
		e.Set(f, text)
	}
	if !e.Fields.Has(schemas.URL) {
		referer := share(ctx.Request.Header.Referer())
		if referer == "" || schemas.Check(schemas.URL, referer) != nil {
			return &schemas.Invalid{Path: "url", Problem: "is required where the request has no Referer"}
		}
		e.Set(schemas.URL, referer)
	}
	if !e.Fields.Has(schemas.Site) {
		return &schemas.Invalid{Path: "site", Problem: "is required"}
	}
	if e.Fields.Has(schemas.Time) {
		e.Time, _ = schemas.ParseTime(e.Get(schemas.Time)) // checked above
	}
	if page, err := url.Parse(e.Get(schemas.URL)); err == nil {
		s.origin = page.Scheme + "://" + page.Host
	}
	return nil
}
