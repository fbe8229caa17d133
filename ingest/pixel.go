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
// Origin, so its site is held against the address instead; where there is one,
// it counts.
func (c *Collector) servePixel(ctx *fasthttp.RequestCtx) {
	if !ctx.IsGet() {
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET")
		answerError(ctx, fasthttp.StatusMethodNotAllowed, "use GET")
		return
	}
	losePageview := func(reason schemas.Reason) { c.loseOf(schemas.Pageview, reason) }
	ctx.Response.Header.Set(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
	if !c.allowOrigin(ctx) {
		losePageview(schemas.ReasonOrigin)
		answerError(ctx, fasthttp.StatusForbidden, wrongOrigin)
		return
	}
	if !c.limit(ctx, losePageview) {
		return
	}
	if p := c.takePixel(ctx); p != nil {
		c.await(ctx, p)
	}
}

// takePixel is takeEvents of a pixel.
func (c *Collector) takePixel(ctx *fasthttp.RequestCtx) *pending {
	s := c.admit(ctx)
	if s == nil {
		return nil
	}
	defer s.end(c)
	return c.process(ctx, s, takeQuery, c.answerPixel)
}

func (c *Collector) answerPixel(ctx *fasthttp.RequestCtx, s *session) {
	if s.rejected > 0 {
		c.answer(ctx, s)
		return
	}
	s.answerCookies(ctx)
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderCacheControl, "no-store")
	h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	ctx.SetContentType("image/gif")
	ctx.SetBodyString(pixel)
}

// takeQuery decides about the page view of the query.
func takeQuery(ctx *fasthttp.RequestCtx, c *Collector, s *session) {
	s.take(c, s.readQuery(ctx))
}

// readQuery makes a page view of the query, as far as it can be read, and says what is
// wrong with it first.
func (s *session) readQuery(ctx *fasthttp.RequestCtx) (problem *schemas.Invalid) {
	e := &s.event
	e.Reset()
	e.Set(schemas.Type, schemas.Pageview.String())
	wrong := func(path, what string) {
		if problem == nil {
			problem = &schemas.Invalid{Path: path, Problem: what}
		}
	}
	for key, value := range ctx.QueryArgs().All() {
		f, ok := schemas.FieldNamed(key)
		if !ok || f == schemas.Type {
			continue // cache busters and the like
		}
		text := share(value)
		if e.Fields.Has(f) {
			wrong(f.String(), "appears twice")
		} else if unfit := schemas.Check(f, text); unfit != nil {
			wrong(unfit.Path, unfit.Problem)
		} else {
			e.Set(f, text)
		}
	}
	if referer := share(ctx.Request.Header.Referer()); !e.Fields.Has(schemas.URL) {
		if referer == "" || schemas.Check(schemas.URL, referer) != nil {
			wrong("url", "is required where the request has no Referer")
		} else {
			e.Set(schemas.URL, referer)
		}
	}
	if !e.Fields.Has(schemas.Site) {
		wrong("site", "is required")
	}
	if e.Fields.Has(schemas.Time) {
		e.Time, _ = schemas.ParseTime(e.Get(schemas.Time)) // checked above
	}
	if s.origin == "" {
		s.origin = originOf(e.Get(schemas.URL))
	}
	return problem
}

// originOf returns the origin of an address that was checked: what stands
// before its path, without user information.
func originOf(address string) string {
	page, err := url.Parse(address)
	if err != nil {
		return "null" // of no site
	}
	return page.Scheme + "://" + page.Host
}
