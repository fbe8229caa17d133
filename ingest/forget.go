package ingest

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
)

// answerForget has the browser forget cookies of identifiers that were reset.
// Those of vendors were set by scripts of the page, for a domain that the
// request does not tell: each that it could be is tried.
func (s *session) answerForget(ctx *fasthttp.RequestCtx) {
	for f := range s.forget.Each {
		if f == schemas.VisitorID {
			dropVisitor(ctx)
			continue
		}
		name := cookieNames[f]
		expire(ctx, name, "")
		for domain := range domainsOf(string(ctx.Host())) {
			expire(ctx, name, domain)
		}
	}
}

// cookieNames are the names of vendors' cookies.
var cookieNames = map[schemas.Field]string{schemas.GA: "_ga", schemas.FBP: "_fbp", schemas.FBC: "_fbc"}

func expire(ctx *fasthttp.RequestCtx, name, domain string) {
	cookie := fasthttp.AcquireCookie()
	cookie.SetKey(name)
	cookie.SetPath("/")
	cookie.SetDomain(domain)
	cookie.SetExpire(fasthttp.CookieExpireDelete)
	ctx.Response.Header.Add(fasthttp.HeaderSetCookie, string(bytes.TrimSpace(cookie.Cookie())))
	fasthttp.ReleaseCookie(cookie)
}

// domainsOf yields the host and the domains above it, but for the last label. A
// browser passes over those that nobody may set cookies for.
func domainsOf(host string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
			host = host[:i]
		}
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			return
		}
		for n := 0; n < maxLabels && strings.Contains(host, "."); n++ {
			if !yield(host) {
				return
			}
			_, host, _ = strings.Cut(host, ".")
		}
	}
}

const maxLabels = 5
