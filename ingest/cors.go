package ingest

import "github.com/valyala/fasthttp"

// allowOrigin lets pages of the origin read the answer, with cookies: only an
// origin that a site names, never one that is merely mirrored (Fetch standard,
// section 3.2).
func allowOrigin(ctx *fasthttp.RequestCtx, origin string) {
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderAccessControlAllowOrigin, origin)
	h.Set(fasthttp.HeaderAccessControlAllowCredentials, "true")
	h.Set(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
}

func answerPreflight(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderAccessControlAllowMethods, "POST, OPTIONS")
	h.Set(fasthttp.HeaderAccessControlAllowHeaders, "Content-Type, Content-Encoding, Prefer")
	h.Set(fasthttp.HeaderAccessControlMaxAge, "7200")
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}
