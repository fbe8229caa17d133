package ingest

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// VisitorCookie is the name of the gateway's own visitor cookie. It is set
// only once consent was given, and only by the gateway: scripts cannot read it.
const VisitorCookie = "sekisho_id"

// cookieLifetime is the longest that browsers keep a cookie: 400 days
// (draft-ietf-httpbis-rfc6265bis, section 5.5).
const cookieLifetime = 34560000

// readCookies takes the signals and identifiers from the request's cookies.
// The texts share the request's memory.
func (s *session) readCookies(ctx *fasthttp.RequestCtx) {
	s.cookies = cookieIdentifiers{}
	for key, value := range ctx.Request.Header.Cookies() {
		switch string(key) {
		case VisitorCookie:
			if isVisitorID(value) {
				s.cookies.visitor = share(value)
			}
		case enforcer.ConsentCookie:
			s.request.Consent = share(value)
		case "_ga":
			s.cookies.ga = share(value)
		case "_fbp":
			s.cookies.fbp = share(value)
		case "_fbc":
			s.cookies.fbc = share(value)
		case "euconsent-v2":
			s.request.Signals.TCF = share(value)
		case "usprivacy":
			s.request.Signals.USPrivacy = share(value)
		case "OptanonConsent":
			s.request.Signals.OneTrust = share(value)
		case "OptanonAlertBoxClosed":
			s.request.Signals.OneTrustClosed = share(value)
		case "CookieConsent":
			s.request.Signals.Cookiebot = share(value)
		case "didomi_token":
			s.request.Signals.Didomi = share(value)
		case "addtl_consent":
			s.request.Signals.AdditionalConsent = share(value)
		}
	}
}

// cookieIdentifiers are the identifiers that came in cookies.
type cookieIdentifiers struct{ visitor, ga, fbp, fbc string }

// fill gives the event the identifiers of the cookies where it has none of its
// own. Cookies that are not what they should be are passed over.
func (c *cookieIdentifiers) fill(e *schemas.Event) {
	for _, from := range [...]struct {
		field schemas.Field
		value string
	}{
		{schemas.VisitorID, c.visitor}, {schemas.GA, c.ga}, {schemas.FBP, c.fbp}, {schemas.FBC, c.fbc},
	} {
		if from.value != "" && !e.Fields.Has(from.field) && schemas.Check(from.field, from.value) == nil {
			e.Set(from.field, from.value)
		}
	}
}

// newVisitorID returns a new random visitor identifier of 128 bits.
func newVisitorID() string {
	var id [16]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// isVisitorID accepts only what newVisitorID makes: what a client put into the
// cookie itself is not the gateway's.
func isVisitorID(value []byte) bool {
	if len(value) != 22 {
		return false
	}
	return strings.IndexFunc(share(value), func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// setVisitor sets the visitor cookie.
func setVisitor(ctx *fasthttp.RequestCtx, id string) {
	cookie := visitorCookie(id)
	cookie.SetMaxAge(cookieLifetime)
	ctx.Response.Header.SetCookie(cookie)
	fasthttp.ReleaseCookie(cookie)
}

// dropVisitor has the browser forget the visitor cookie.
func dropVisitor(ctx *fasthttp.RequestCtx) {
	cookie := visitorCookie("")
	cookie.SetExpire(fasthttp.CookieExpireDelete)
	ctx.Response.Header.SetCookie(cookie)
	fasthttp.ReleaseCookie(cookie)
}

func visitorCookie(value string) *fasthttp.Cookie {
	cookie := fasthttp.AcquireCookie()
	cookie.SetKey(VisitorCookie)
	cookie.SetValue(value)
	cookie.SetPath("/")
	cookie.SetHTTPOnly(true)
	cookie.SetSecure(true)
	cookie.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	return cookie
}
