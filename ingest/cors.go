package ingest

import (
	"strings"

	"github.com/valyala/fasthttp"
)

const wrongOrigin = "the origin is not one of a site's; add it to the site's origins in the handling policy"

// allowOrigin lets pages of the request's origin read the answer, with cookies:
// only an origin that a site names, never one that is merely mirrored (Fetch
// standard, section 3.2). It reports whether the origin is such a one, or there
// is none, as when a server sends events.
func (c *Collector) allowOrigin(ctx *fasthttp.RequestCtx) bool {
	origins := ctx.Request.Header.PeekAll(fasthttp.HeaderOrigin)
	if len(origins) == 0 {
		return true
	}
	origin := share(origins[0])
	if len(origins) > 1 || !c.enforcer.Table().KnowsOrigin(origin) {
		return false
	}
	h := &ctx.Response.Header
	h.SetCanonical([]byte(fasthttp.HeaderAccessControlAllowOrigin), origins[0])
	h.SetCanonical([]byte(fasthttp.HeaderAccessControlAllowCredentials), []byte("true"))
	return true
}

func answerPreflight(ctx *fasthttp.RequestCtx, methods []string) {
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderAccessControlAllowMethods, strings.Join(methods, ", ")+", OPTIONS")
	h.Set(fasthttp.HeaderAccessControlAllowHeaders, "Content-Type, Content-Encoding, Prefer")
	h.Set(fasthttp.HeaderAccessControlMaxAge, "7200")
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}
