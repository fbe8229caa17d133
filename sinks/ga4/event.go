package ga4

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// appendEvent appends one event of a request's list.
func (k *Kind) appendEvent(b []byte, e *forward.Event, name string, app bool) []byte {
	b = forward.AppendText(append(b, '{'), "name", name)
	at := e.Time
	if now := k.now(); at.After(now) {
		at = now // a client's clock that is fast
	}
	b = forward.AppendRaw(b, "timestamp_micros", strconv.FormatInt(at.UnixMicro(), 10))
	p := params{Kind: k, b: append(b, `,"params":{`...)}
	p.session(e, at)
	p.text("event_id", e.ID)
	p.page(e, app)
	p.money(e)
	p.advertisement(e)
	p.text("language", e.Get(schemas.Language))
	if w, h := e.Get(schemas.ScreenWidth), e.Get(schemas.ScreenHeight); w != "" && h != "" {
		p.text("screen_resolution", w+"x"+h)
	}
	p.text("app_version", e.Get(schemas.AppVersion))
	p.number("percent_scrolled", e.Get(schemas.Scroll))
	p.properties(e)
	return append(p.b, "}}"...)
}

// params writes the parameters of an event, the more important first: what
// comes after the 25th is left out.
type params struct {
	*Kind
	b     []byte
	names [maxParams]string
	n     int
}

// take reports whether there is room for a parameter of that name, and counts
// what there is none for.
func (p *params) take(name string) bool {
	for _, taken := range p.names[:p.n] {
		if taken == name {
			p.count("parameter_left_out")
			return false
		}
	}
	if p.n == maxParams {
		p.count("parameter_left_out")
		return false
	}
	p.names[p.n] = name
	p.n++
	return true
}

// text writes a text, shortened to what Google takes; "" is none.
func (p *params) text(name, text string) {
	if text != "" && p.take(name) {
		p.b = forward.AppendText(p.b, name, p.shorten(text))
	}
}

// number writes a number, which is JSON as it is; "" is none.
func (p *params) number(name, text string) {
	if text != "" && p.take(name) {
		p.b = forward.AppendRaw(p.b, name, text)
	}
}

func (k *Kind) shorten(text string) string {
	if len(text) <= k.maxText || utf8.RuneCountInString(text) <= k.maxText {
		return text
	}
	k.count("text_shortened")
	n := 0
	for i := range text {
		if n == k.maxText {
			return text[:i]
		}
		n++
	}
	return text
}

// sessionWindow is the span after which Google begins a new session.
const sessionWindow = 30 * 60 // seconds

// session writes what reports need to see a session. One's id is, for Google, the
// second in which it began: of an event that has no session it is the half hour
// that it is in, which is the same for everyone.
func (p *params) session(e *forward.Event, at time.Time) {
	id := strconv.FormatInt(at.Unix()/sessionWindow*sessionWindow, 10)
	if session, ok := e.Pseudonym(schemas.SessionID); ok {
		a, _ := session.Numbers()
		id = tenDigits(a)
	}
	p.text("session_id", id)
	engagement := e.Get(schemas.Engagement)
	if engagement == "" || engagement == "0" {
		engagement = "1" // without any, the user does not count as active
	}
	p.number("engagement_time_msec", engagement)
}

func (p *params) page(e *forward.Event, app bool) {
	address, title := e.Get(schemas.URL), e.Get(schemas.Title)
	p.text("page_location", p.address(address))
	p.text("page_referrer", p.address(e.Get(schemas.Referrer)))
	p.text("page_title", title)
	if app && e.Type == schemas.Pageview {
		if title == "" {
			title = p.address(address)
		}
		p.text("screen_name", title)
	}
	p.text("source", e.Get(schemas.UTMSource))
	p.text("medium", e.Get(schemas.UTMMedium))
	p.text("campaign", e.Get(schemas.UTMCampaign))
	p.text("term", e.Get(schemas.UTMTerm))
	p.text("content", e.Get(schemas.UTMContent))
}

// address leaves away of an address that is too long first the fragment, then
// the query: half a query tells less than none.
func (k *Kind) address(text string) string {
	for _, end := range []byte{'#', '?'} {
		if utf8.RuneCountInString(text) <= k.maxText {
			return text
		}
		if i := strings.IndexByte(text, end); i >= 0 {
			k.count("text_shortened")
			text = text[:i]
		}
	}
	return text
}

// money writes value and currency, only together: Google takes no value without
// a currency. What was paid for an advertisement is nothing that the event is worth,
// and goes under a name of its own.
func (p *params) money(e *forward.Event) {
	value, currency := e.Get(schemas.Value), strings.ToUpper(e.Get(schemas.Currency))
	switch {
	case !isCurrency(currency):
		if value != "" || currency != "" {
			p.count("parameter_left_out")
		}
	default:
		p.text("currency", currency)
		p.number("value", value)
	}
	p.number("ad_price", e.Get(schemas.Price))
	if id, ok := e.Own(schemas.OrderID); ok {
		p.text("transaction_id", id)
	} else if order, ok := e.Pseudonym(schemas.OrderID); ok {
		p.text("transaction_id", order.Hex())
	}
}

func isCurrency(code string) bool {
	return len(code) == 3 && isCapital(code[0]) && isCapital(code[1]) && isCapital(code[2])
}

func (p *params) advertisement(e *forward.Event) {
	p.text("promotion_name", e.Get(schemas.AdCampaign))
	p.text("creative_name", e.Get(schemas.AdCreative))
	p.text("creative_slot", e.Get(schemas.AdPlacement))
	p.text("ad_network", e.Get(schemas.AdNetwork))
}

// special are parameters that Google reads in a way of its own; a site's own
// property of such a name would be taken for it.
var special = map[string]bool{
	"session_id": true, "engagement_time_msec": true, "page_location": true, "page_referrer": true, "page_title": true,
	"value": true, "currency": true, "transaction_id": true, "items": true, "price": true, "tax": true, "shipping": true,
	"coupon": true, "ad_price": true, "user_id": true, "client_id": true, "timestamp_micros": true, "event_id": true,
}

func (p *params) properties(e *forward.Event) {
	for i := range e.Properties {
		property := &e.Properties[i]
		name := property.Name
		if !isName(name) || special[name] {
			name = fit("site_" + name)
			p.count("renamed")
		}
		switch property.Kind {
		case schemas.PropertyNumber:
			p.number(name, property.Text)
		default:
			p.text(name, property.Text)
		}
	}
}
