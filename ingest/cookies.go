package ingest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"
	"unsafe"

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
			if id, granted := splitVisitor(value); isVisitorID(id) {
				s.cookies.visitor, s.cookies.granted = id, granted
			}
		case enforcer.OptOutCookie:
			s.request.OptedOut = share(value)
		case "_ga":
			s.cookies.ga = share(value)
		case "_fbp":
			s.cookies.fbp = share(value)
		case "_fbc":
			s.cookies.fbc = share(value)
		default:
			if signal := s.signalOf(share(key)); signal != nil {
				s.takeSignal(signal, share(key), value)
			}
		}
	}
}

// signalOf returns where the consent signal of a cookie belongs, nil for a
// cookie that is none.
func (s *session) signalOf(cookie string) *string {
	signals := &s.request.Signals
	switch cookie {
	case enforcer.ConsentCookie:
		return &s.request.Consent
	case "euconsent-v2":
		return &signals.TCF
	case "eupubconsent-v2": // OneTrust's
		return &signals.TCFPublisher
	case "addtl_consent", "OTAdditionalConsentString":
		return &signals.AdditionalConsent
	case "OTGPPConsent":
		return &signals.GPP
	case "usprivacy":
		return &signals.USPrivacy
	case "OptanonConsent":
		return &signals.OneTrust
	case "OptanonAlertBoxClosed":
		return &signals.OneTrustClosed
	case "CookieConsent":
		return &signals.Cookiebot
	case "didomi_token":
		return &signals.Didomi
	case "cookieyes-consent":
		return &signals.CookieYes
	}
	return nil
}

// takeSignal takes the signal of a cookie or header. One that is empty, or
// comes again with another value, cannot be understood: who put both there, and
// which the user meant, nobody can tell.
func (s *session) takeSignal(signal *string, name string, value []byte) {
	switch {
	case len(value) == 0, *signal != "" && *signal != share(value):
		s.request.Signals.Unclear = name
	default:
		*signal = share(value)
	}
}

// readSignals takes the signals from the request's headers.
func (s *session) readSignals(h *fasthttp.RequestHeader) {
	s.request.Signals.GPC = anyOn(h.PeekAll("Sec-GPC"))
	s.request.Signals.DNT = anyOn(h.PeekAll("DNT"))
	for _, value := range h.PeekAll(enforcer.TCFHeader) {
		s.takeSignal(&s.request.Signals.TCFHeader, enforcer.TCFHeader, value)
	}
}

// anyOn is what a header says that is on when any of its lines is 1.
func anyOn(lines [][]byte) (said string) {
	for _, line := range lines {
		if said = share(line); said == "1" {
			return said
		}
	}
	return said
}

// cookieIdentifiers are the identifiers that came in cookies.
type cookieIdentifiers struct {
	visitor, ga, fbp, fbc string
	granted               granted // to the visitor
}

// each calls yield for each identifier that is what it should be; it serves as
// a range function.
func (c *cookieIdentifiers) each(yield func(schemas.Field, string) bool) {
	for _, from := range [...]struct {
		field schemas.Field
		value string
	}{
		{schemas.VisitorID, c.visitor}, {schemas.GA, c.ga}, {schemas.FBP, c.fbp}, {schemas.FBC, c.fbc},
	} {
		if from.value != "" && schemas.Check(from.field, from.value) == nil && !yield(from.field, from.value) {
			return
		}
	}
}

// fill gives the event the identifiers of the cookies where it has none of its
// own, but for those that were made after the event: it is not of whoever the
// browser is now, but of somebody before a reset.
func (c *cookieIdentifiers) fill(e *schemas.Event, made moment, now time.Time) {
	for f, value := range c.each {
		if !e.Fields.Has(f) && !made.precedes(f, value, now) {
			e.Set(f, value)
		}
	}
}

// clear takes an identifier away.
func (c *cookieIdentifiers) clear(f schemas.Field) {
	switch f {
	case schemas.VisitorID:
		c.visitor, c.granted = "", ""
	case schemas.GA:
		c.ga = ""
	case schemas.FBP:
		c.fbp = ""
	case schemas.FBC:
		c.fbc = ""
	}
}

// moment is when an event was made, by the client's clock: when it happened or,
// where it waited for the choice, when that was made. It is zero for now, where
// the client does not say. Identifiers tell by the same clock when they were made.
type moment struct{ time.Time }

// before reports whether it was before a time, in milliseconds.
func (m moment) before(t time.Time) bool {
	return !m.IsZero() && m.UnixMilli() < t.UnixMilli()
}

// precedes reports whether it was before an identifier of a cookie was made.
func (m moment) precedes(f schemas.Field, value string, now time.Time) bool {
	if m.IsZero() {
		return false
	}
	born, ok := bornAt(f, value, now)
	return ok && m.before(born)
}

// or returns it, or now.
func (m moment) or(now time.Time) time.Time {
	if m.IsZero() {
		return now
	}
	return m.Time
}

// bornAt returns when an identifier of a cookie was made, as far as it tells:
// the gateway's own begin with the time, _ga ends with it (GA1.1.123.1700000000),
// _fbp and _fbc have it third (fb.1.1700000000000.123).
func bornAt(f schemas.Field, value string, now time.Time) (born time.Time, ok bool) {
	ms := int64(0)
	switch {
	case f == schemas.VisitorID:
		var id [18]byte // 22 characters of base64 are 16 bytes and a few bits
		if len(value) != 22 {
			return born, false
		}
		if n, err := base64.RawURLEncoding.Decode(id[:], unsafe.Slice(unsafe.StringData(value), len(value))); err != nil || n != 16 {
			return born, false
		}
		ms = int64(binary.BigEndian.Uint64(id[:]) >> 16)
	case f == schemas.GA:
		seconds, err := strconv.ParseInt(value[strings.LastIndexByte(value, '.')+1:], 10, 64)
		if err != nil || seconds > 1<<40 {
			return born, false
		}
		ms = seconds * 1000
	case strings.Count(value, ".") == 3:
		_, third, _ := strings.Cut(value[strings.IndexByte(value, '.')+1:], ".")
		third, _, _ = strings.Cut(third, ".")
		ms, _ = strconv.ParseInt(third, 10, 64)
	}
	born = time.UnixMilli(ms)
	// What is no time, or of a clock that is wrong, tells nothing.
	return born, born.After(firstBorn) && born.Before(now.Add(maxAhead))
}

var firstBorn = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)

// newVisitorID returns a new visitor identifier: when it was made, 48 bits, and
// 80 random bits.
func newVisitorID(now time.Time) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli())<<16)
	rand.Read(id[6:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// splitVisitor splits the visitor cookie.
func splitVisitor(value []byte) (string, granted) {
	id, rest := enforcer.SplitVisitor(share(value))
	return id, granted(rest)
}

// isVisitorID accepts only what newVisitorID makes: what a client put into the
// cookie itself is not the gateway's.
func isVisitorID(value string) bool {
	if len(value) != 22 {
		return false
	}
	return strings.IndexFunc(value, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// setVisitor sets the visitor cookie. To one who has an identifier as what is
// necessary needs it, nothing was granted.
func setVisitor(ctx *fasthttp.RequestCtx, id string, granted granted) {
	if granted != "" {
		id += "." + string(granted)
	}
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

// setOptOuts sets the cookie of opt-outs, or has the browser forget it when there
// are none.
func setOptOuts(ctx *fasthttp.RequestCtx, value string) {
	cookie := ownCookie(enforcer.OptOutCookie, value)
	if cookie.SetMaxAge(cookieLifetime); value == "" {
		cookie.SetMaxAge(0)
		cookie.SetExpire(fasthttp.CookieExpireDelete)
	}
	ctx.Response.Header.SetCookie(cookie)
	fasthttp.ReleaseCookie(cookie)
}

func visitorCookie(value string) *fasthttp.Cookie { return ownCookie(VisitorCookie, value) }

// ownCookie is a cookie that only the gateway reads.
func ownCookie(name, value string) *fasthttp.Cookie {
	cookie := fasthttp.AcquireCookie()
	cookie.SetKey(name)
	cookie.SetValue(value)
	cookie.SetPath("/")
	cookie.SetHTTPOnly(true)
	cookie.SetSecure(true)
	cookie.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	return cookie
}
