//go:build browser

package main_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// row is an event as it is in ClickHouse.
type row struct {
	ID        string    `ch:"id"`
	Time      time.Time `ch:"time"`
	Type      string    `ch:"type"`
	Name      string    `ch:"name"`
	Outcome   string    `ch:"outcome"`
	Reason    string    `ch:"reason"`
	URL       string    `ch:"url"`
	Path      string    `ch:"path"`
	Visitor   string    `ch:"visitor_id"`
	Session   string    `ch:"session_id"`
	Others    string    `ch:"others"` // the other identifiers
	Agent     string    `ch:"user_agent"`
	Referrer  string    `ch:"referrer"`
	Order     string    `ch:"order_id"`
	Value     string    `ch:"worth"`
	Currency  string    `ch:"currency"`
	Placement string    `ch:"ad_placement"`
	Purposes  []string  `ch:"purposes"`
}

// events reads the rows that fit the condition.
func events(t *testing.T, u *running, condition string, arguments ...any) []row {
	t.Helper()
	return rows[row](t, u, `SELECT toString(id) AS id, time, type, name, outcome, reason, url, path(url) AS path, visitor_id, session_id,
		concat(user_id, app_instance_id, ga, fbp, fbc, idfa, gaid, panel_id, ad_click_id) AS others,
		user_agent, referrer, order_id, ifNull(toString(value), '') AS worth, currency, ad_placement, purposes
		FROM events WHERE `+condition+` ORDER BY id`, arguments...)
}

// awaitEvents waits until there are so many rows that fit, and returns them. It
// fails when there are more.
func awaitEvents(t *testing.T, u *running, n int, condition string, arguments ...any) (found []row) {
	t.Helper()
	eventually(t, waitTime, fmt.Sprintf("%d rows with %s %v", n, condition, arguments), func() bool {
		found = events(t, u, condition, arguments...)
		return len(found) >= n
	})
	if len(found) > n {
		t.Fatalf("%d rows with %s %v, want %d: %+v", len(found), condition, arguments, n, found)
	}
	return found
}

var pseudonym = regexp.MustCompile(`^k1\.[0-9a-f]{32}$`)

// wantConsent fails the test unless the choice that the browser keeps is this.
func wantConsent(t *testing.T, v *visitor, want string) {
	t.Helper()
	if got := v.awaitCookie(t, "sekisho_consent"); got != "1.2026-10-01."+want {
		t.Errorf("the consent cookie is %q, want ….%s", got, want)
	}
}

// shopAround visits the site as customers do: a tea, the advertisement beside
// it, and an order. Six pages are opened after the one that is open.
func shopAround(t *testing.T, v *visitor) {
	t.Helper()
	v.open(t, "/product/kiso-hojicha")
	v.do(t, chromedp.ScrollIntoView(chromedp.CSS("#ad")))
	v.await(t, `document.getElementById("report-events").textContent.includes("Advertisement seen")`)
	v.click(t, "#ad a")
	v.await(t, `location.pathname === "/advertiser" && document.readyState === "complete"`)
	v.open(t, "/product/arai-gyokuro")
	v.click(t, "#share")
	v.await(t, `document.getElementById("report-events").textContent.includes("Share")`)
	v.click(t, "#buy")
	v.await(t, `location.pathname === "/checkout" && document.readyState === "complete"`)
	v.click(t, "#order")
	v.await(t, `location.pathname === "/thanks" && document.readyState === "complete"`)
	v.open(t, "/privacy")
}

func TestBrowserAccepts(t *testing.T) {
	dir := t.TempDir()
	u := startUp(t, dir)
	v := newVisitor(t, u.Demo, "accept8317")
	v.open(t, "/")
	if cookies := v.cookies(t); len(cookies) != 0 {
		t.Errorf("before any choice there are cookies: %v", cookies)
	}
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	wantConsent(t, v, "analytics+advertising+social")
	identifier := v.awaitCookie(t, "sekisho_id")
	shopAround(t, v)
	v.awaitSent(t, "Page view", "allowed")

	first := awaitEvents(t, u, 1, "type = 'pageview' AND path = '/'")[0]
	if !strings.HasSuffix(first.URL, "/?marker="+v.Marker) || first.Outcome != "allowed" || first.Agent != v.Agent {
		t.Errorf("the first page view is %+v", first)
	}
	if !pseudonym.MatchString(first.Visitor) || !pseudonym.MatchString(first.Session) {
		t.Errorf("the first page view has no pseudonyms: %+v", first)
	}
	all := awaitEvents(t, u, 13, "name != 'engagement'")
	kinds := make(map[string]int)
	for _, r := range all {
		kinds[r.Type+r.Name]++
		if r.Outcome != "allowed" || r.Visitor != first.Visitor || r.Others != "" {
			t.Errorf("not the visitor's own: %+v", r)
		}
		if r.Type != "consent" && r.Session != first.Session {
			t.Errorf("of another session: %+v", r)
		}
	}
	want := map[string]int{"pageview": 7, "consent": 1, "ad_impression": 2, "ad_click": 1, "conversionorder": 1, "customshare": 1}
	if !maps.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
	order := awaitEvents(t, u, 1, "type = 'conversion'")[0]
	if order.Value != "2400" || order.Currency != "JPY" || !strings.HasPrefix(order.Order, "EX-") {
		t.Errorf("the order is %+v", order)
	}
	click := awaitEvents(t, u, 1, "type = 'ad_click'")[0]
	if click.Placement != "product" || click.Path != "/product/kiso-hojicha" {
		t.Errorf("the click is %+v", click)
	}
	session := evaluate[string](t, v, `sessionStorage.getItem("sekisho_session")`)
	u.wantNowhere(t, identifier, session)

	v.do(t, chromedp.Navigate("about:blank")) // nothing more comes of it
	u.stop(t)
	u = startUp(t, dir)
	again := events(t, u, "name != 'engagement'")
	if !reflect.DeepEqual(again, all) {
		t.Errorf("after a restart there are %d rows, before there were %d, or they differ:\n%+v\n%+v", len(again), len(all), again, all)
	}
}

func TestBrowserDeclines(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "decline5529")
	v.open(t, "/")
	v.click(t, "#decline")
	v.awaitSent(t, "Page view", "anonymised")
	wantConsent(t, v, "none")
	shopAround(t, v)
	v.awaitSent(t, "Page view", "anonymised")

	all := awaitEvents(t, u, 8, "1")
	for _, r := range all {
		if r.Type != "pageview" && r.Type != "consent" {
			t.Errorf("this needs consent: %+v", r)
		}
		if r.Outcome != "anonymised" || r.Visitor+r.Session+r.Others+r.Referrer+r.Order != "" {
			t.Errorf("this could tell who it was: %+v", r)
		}
		if strings.Contains(r.URL, "?") || r.Agent != "Chrome 149" || !r.Time.Equal(r.Time.Truncate(time.Hour)) {
			t.Errorf("this says too much: %+v", r)
		}
	}
	eventually(t, waitTime, "the account of 8 events: what is refused is not even sent", func() bool {
		return count(t, u, "SELECT sum(received) FROM accounts") == 8
	})
	if cookies := v.cookies(t); len(cookies) != 1 {
		t.Errorf("the browser has more than the refusal: %v", cookies)
	}
	if kept := evaluate[int](t, v, `sessionStorage.length + localStorage.length`); kept != 0 {
		t.Errorf("%d things are stored in the browser", kept)
	}
	u.wantNowhere(t, v.Marker, v.Agent, `"visitor_id"`, `"session_id"`)
	u.stop(t)
	if out := u.out.String(); strings.Contains(out, v.Marker) {
		t.Errorf("the marker was printed:\n%s", out)
	}
}

func TestBrowserSaysNothing(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "silent7741")
	v.open(t, "/")
	v.open(t, "/product/usui-genmaicha") // leaving is when the view is counted
	v.open(t, "/privacy")
	v.do(t, chromedp.Navigate("about:blank"))
	all := awaitEvents(t, u, 3, "1")
	for _, r := range all {
		if r.Type != "pageview" || r.Outcome != "anonymised" || r.Visitor+r.Session+r.Others != "" {
			t.Errorf("got %+v", r)
		}
	}
	if cookies := v.cookies(t); len(cookies) != 0 {
		t.Errorf("without a choice there are cookies: %v", cookies)
	}
	u.wantNowhere(t, v.Marker, v.Agent)
}

func TestBrowserWithGPC(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "gpc6082")
	v.withGPC(t)
	v.open(t, "/privacy")
	v.do(t, chromedp.WaitVisible(chromedp.CSS("#gpc")))
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	wantConsent(t, v, "analytics+advertising+social")
	shopAround(t, v)
	v.awaitSent(t, "Page view", "allowed")
	all := awaitEvents(t, u, 8, "name != 'engagement'")
	for _, r := range all {
		if r.Type != "pageview" && r.Type != "consent" || r.Outcome != "allowed" || !pseudonym.MatchString(r.Visitor) {
			t.Errorf("got %+v", r)
		}
		if !slices.Equal(r.Purposes, []string{"necessary", "analytics"}) {
			t.Errorf("these purposes were not granted: %v", r.Purposes)
		}
	}

	// A page that does not care: the collector does.
	status := evaluate[int](t, v, `fetch("`+u.Collector+`/v1/events", {method: "POST", credentials: "include", body: JSON.stringify(
		{type: "ad_click", site: "shop", ad_placement: "careless", consent: {advertising: true}})}).then((r) => r.status)`)
	if status != http.StatusNoContent {
		t.Fatalf("the collector answered %d", status)
	}
	eventually(t, waitTime, "the account of the careless click", func() bool {
		return count(t, u, "SELECT sum(count) FROM decisions WHERE type = 'ad_click' AND recipient = '' AND outcome = 'dropped' AND reason = 'gpc'") == 1
	})
	if got := count(t, u, "SELECT sum(count) FROM decisions WHERE recipient = '' AND (type LIKE 'ad%' OR type = 'conversion')"); got != 1 {
		t.Errorf("%d advertising events came in: only the careless page sends them", got)
	}
	if found := events(t, u, "type LIKE 'ad%' OR type = 'conversion' OR name = 'share'"); len(found) > 0 {
		t.Errorf("Global Privacy Control was passed over: %+v", found)
	}
	u.wantNowhere(t, "careless")
}

func TestBrowserWithdraws(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "withdraw9416")
	v.open(t, "/")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	identifier := v.awaitCookie(t, "sekisho_id")
	before := awaitEvents(t, u, 1, "type = 'pageview'")[0]

	v.open(t, "/privacy")
	v.awaitSent(t, "Page view", "allowed")
	v.click(t, "#none")
	v.awaitNoCookie(t, "sekisho_id")
	wantConsent(t, v, "none")
	if kept := evaluate[int](t, v, `sessionStorage.length`); kept != 0 {
		t.Error("the session outlives the withdrawal")
	}
	wantReset(t, u, identifier)

	v.open(t, "/product/suzuka-kabusecha")
	v.awaitSent(t, "Page view", "anonymised")
	bare := awaitEvents(t, u, 1, "path = '/product/suzuka-kabusecha'")[0]
	if bare.Visitor+bare.Session != "" || bare.Outcome != "anonymised" {
		t.Errorf("after the withdrawal: %+v", bare)
	}

	// By the settings this time, and one purpose only.
	v.open(t, "/privacy")
	v.click(t, "#analytics")
	v.click(t, "#save")
	wantConsent(t, v, "analytics")
	v.awaitCookie(t, "sekisho_id")
	v.open(t, "/product/hakone-sencha")
	v.awaitSent(t, "Page view", "allowed")
	v.awaitSent(t, "Advertisement seen", "withheld")
	after := awaitEvents(t, u, 1, "path = '/product/hakone-sencha'")[0]
	if !pseudonym.MatchString(after.Visitor) || after.Visitor == before.Visitor || after.Session == before.Session {
		t.Errorf("who agrees again is a new visitor:\nbefore %+v\nafter %+v", before, after)
	}
}

func TestBrowserIsForgotten(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "reset3350")
	v.open(t, "/privacy")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	identifier := v.awaitCookie(t, "sekisho_id")
	before := awaitEvents(t, u, 1, "type = 'pageview'")[0]

	v.click(t, "#forget")
	v.await(t, `document.getElementById("reset-status").textContent.startsWith("Done")`)
	v.do(t, chromedp.WaitVisible(chromedp.CSS("#banner")))
	if cookies := v.cookies(t); len(cookies) != 0 {
		t.Errorf("the browser remembers: %v", cookies)
	}
	if kept := evaluate[int](t, v, `sessionStorage.length`); kept != 0 {
		t.Error("the session outlives the reset")
	}
	wantReset(t, u, identifier)

	v.click(t, "#accept")
	v.awaitCookie(t, "sekisho_id")
	v.open(t, "/")
	v.awaitSent(t, "Page view", "allowed")
	after := awaitEvents(t, u, 1, "type = 'pageview' AND path = '/'")[0]
	if !pseudonym.MatchString(after.Visitor) || after.Visitor == before.Visitor || after.Session == before.Session {
		t.Errorf("who was forgotten is a new visitor:\nbefore %+v\nafter %+v", before, after)
	}
}

// wantReset fails the test unless the collector refuses the identifier.
func wantReset(t *testing.T, u *running, identifier string) {
	t.Helper()
	const event = `{"type":"pageview","site":"shop","url":"http://localhost:1/","consent":{"analytics":true}}`
	request, err := http.NewRequest(http.MethodPost, u.Collector+"/v1/events", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", "http://localhost:1")
	request.Header.Set("Prefer", "return=representation")
	request.Header.Set("Cookie", "sekisho_id="+identifier)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), `"outcome":"dropped","reason":"reset"`) {
		t.Errorf("the old identifier still passes: %s %s", answer.Status, body)
	}
}

// TestBrowserByKeyboard declines without a mouse.
func TestBrowserByKeyboard(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "keys1234")
	v.open(t, "/")
	v.do(t, chromedp.WaitVisible(chromedp.CSS("#decline")))
	for presses := 0; evaluate[string](t, v, `document.activeElement.id`) != "decline"; presses++ {
		if presses == 6 {
			t.Fatal("six presses of Tab do not reach the banner")
		}
		v.do(t, chromedp.KeyEvent(kb.Tab))
	}
	v.do(t, chromedp.KeyEvent(kb.Enter), chromedp.WaitNotVisible(chromedp.CSS("#banner")))
	wantConsent(t, v, "none")
	if got := evaluate[string](t, v, `document.activeElement.id`); got != "main" {
		t.Errorf("after the banner the focus is on %q, not on the page", got)
	}
}
