package traffic

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// mind is what a visitor has made up their mind to.
type mind uint8

const (
	acceptsAll mind = iota
	declinesAll
	acceptsAnalytics
	acceptsUnderGPC // clicked accept, but the browser sends Global Privacy Control
	sendsNonsense   // a broken banner: the consent cannot be understood
	saysNothing
)

// minds has every mind as often as it is found.
var minds = []mind{
	acceptsAll, acceptsAll, acceptsAll, acceptsAll, acceptsAll, acceptsAll, acceptsAll, acceptsAll, acceptsAll,
	declinesAll, declinesAll, declinesAll, declinesAll, declinesAll,
	acceptsAnalytics, acceptsAnalytics, acceptsAnalytics,
	acceptsUnderGPC, sendsNonsense, saysNothing,
}

var consents = map[mind]map[string]any{
	acceptsAll:       {"analytics": true, "advertising": true, "social": true},
	declinesAll:      {"analytics": false, "advertising": false, "social": false},
	acceptsAnalytics: {"analytics": true, "advertising": false, "social": false},
	acceptsUnderGPC:  {"analytics": true, "advertising": true, "social": true},
	sendsNonsense:    {"analytics": "yes please"},
}

// refuses reports whether the visitor refused the purpose, in whatever way: an
// event for it may never be allowed.
func (m mind) refuses(purpose string) bool {
	switch m {
	case declinesAll, sendsNonsense:
		return true
	case acceptsAnalytics:
		return purpose != "analytics"
	case acceptsUnderGPC:
		return purpose != "analytics"
	}
	return false
}

// visitor is one person on one site.
type visitor struct {
	id    string
	mind  mind
	site  string
	agent string
	reset bool // asked to be forgotten; the identifier must never pass again
}

var (
	sites  = []string{"shop", "shop", "news", "travel"}
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
	}
	hosts = map[string]string{"shop": "https://shop.example.jp", "news": "https://news.example.jp", "travel": "https://travel.example.com"}
	pages = map[string][]string{
		"shop":   {"/", "/tea/sencha", "/tea/hojicha?page=2", "/cups/yunomi?utm_source=mail&utm_campaign=autumn", "/cart"},
		"news":   {"/", "/economy/2026/11/rates", "/culture?page=3", "/weather"},
		"travel": {"/", "/search?from=TYO&to=KIX", "/hotels/kyoto", "/guides/onsen"},
	}
)

func newVisitor(r *rand.Rand) *visitor {
	return &visitor{
		id:    "visitor-" + strconv.FormatUint(r.Uint64(), 36),
		mind:  minds[r.IntN(len(minds))],
		site:  sites[r.IntN(len(sites))],
		agent: agents[r.IntN(len(agents))],
	}
}

// event is an event on its way, and what the ledger has to know of it.
type event struct {
	id      uuid.UUID
	purpose string // that must be granted, "" for none
	bad     bool   // does not fit the schema
	refused bool   // the visitor refused the purpose, or was reset
	body    map[string]any
}

// visit makes the events of a visit of at most that many.
func (v *visitor) visit(r *rand.Rand, most int) []event {
	events := []event{v.pageview(r)}
	for n := r.IntN(12); n > 0 && len(events) < most; n-- {
		switch dice := r.IntN(100); {
		case dice < 55:
			events = append(events, v.pageview(r))
		case dice < 75:
			events = append(events, v.event("ad_impression", "advertising", map[string]any{
				"ad_network": "example-ads", "ad_campaign": "autumn-" + strconv.Itoa(r.IntN(5)),
				"ad_creative": "banner-" + strconv.Itoa(r.IntN(9)), "ad_placement": "top", "price": 0.0012, "currency": "JPY",
			}))
		case dice < 80:
			events = append(events, v.event("ad_click", "advertising", map[string]any{"ad_campaign": "autumn-1", "ad_placement": "top"}))
		case dice < 84:
			events = append(events, v.event("conversion", "advertising", map[string]any{
				"name": "order", "value": float64(500 + r.IntN(9000)), "currency": "JPY", "order_id": strconv.Itoa(r.IntN(1e9)),
			}))
		case dice < 90:
			events = append(events, v.event("custom", "analytics", map[string]any{"name": "engagement", "engagement_ms": r.IntN(90000)}))
		case dice < 94:
			events = append(events, v.event("custom", "social", map[string]any{"name": "share"}))
		case dice < 97:
			events = append(events, v.event("consent", "", nil))
		default:
			events = append(events, v.nonsense(r))
		}
	}
	return events
}

func (v *visitor) pageview(r *rand.Rand) event {
	page := pages[v.site][r.IntN(len(pages[v.site]))]
	return v.event("pageview", "analytics", map[string]any{
		"url": hosts[v.site] + page, "title": "Example " + v.site, "language": "ja-JP", "timezone": "Asia/Tokyo",
		"screen_width": 1920, "screen_height": 1080, "viewport_width": 1280, "viewport_height": 900,
	})
}

// nonsense is an event that does not fit the schema.
func (v *visitor) nonsense(r *rand.Rand) event {
	e := v.event("pageview", "analytics", map[string]any{"url": hosts[v.site] + "/"})
	switch r.IntN(4) {
	case 0:
		delete(e.body, "url")
	case 1:
		e.body["screen_width"] = "wide"
	case 2:
		e.body["telephone"] = "not a field"
	case 3:
		e.body["time"] = "1970-01-01T00:00:00Z"
	}
	e.bad = true
	return e
}

func (v *visitor) event(kind, purpose string, fields map[string]any) event {
	id := uuid.Must(uuid.NewV7())
	body := map[string]any{
		"id": id.String(), "type": kind, "site": v.site, "time": time.Now().UTC().Format(time.RFC3339Nano),
		"visitor_id": v.id, "user_agent": v.agent,
	}
	if consent := consents[v.mind]; consent != nil {
		body["consent"] = consent
	}
	if v.mind == acceptsUnderGPC {
		body["consent"] = map[string]any{"analytics": true, "advertising": true, "social": true, "gpc": true}
	}
	for name, value := range fields {
		body[name] = value
	}
	return event{id: id, purpose: purpose, refused: v.reset || purpose != "" && v.mind.refuses(purpose), body: body}
}
