//go:build browser

package main_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestTrackerRetries: the collector refuses, then its answer is lost, then all
// is well. Each event is stored once.
func TestTrackerRetries(t *testing.T) {
	u := startUp(t, t.TempDir())
	g, site := newGate(t, u)
	v := newVisitor(t, site, "retry2295")
	v.open(t, "/")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	retry(t, g, v, func() { v.open(t, "/product/usui-genmaicha") })
	v.click(t, "#share")
	v.awaitSent(t, "Share", "allowed")
	awaitEvents(t, u, 1, "name = 'share'")
	awaitEvents(t, u, 1, "type = 'pageview' AND path = '/product/usui-genmaicha'")
	awaitEvents(t, u, 1, "type = 'pageview' AND path = '/'")
	awaitEvents(t, u, 1, "type = 'consent'")
}

// retry has the view of a page sent in bad weather, until it turns fair.
func retry(t *testing.T, g *gate, v *visitor, act func()) {
	t.Helper()
	g.turn(busy)
	act()
	eventually(t, waitTime, "two attempts", func() bool { return g.attempts(busy, "pageview") >= 2 })
	g.turn(lost)
	eventually(t, waitTime, "an attempt whose answer is lost", func() bool { return g.attempts(lost, "pageview") >= 1 })
	g.turn(fair)
	v.awaitSent(t, "Page view", "allowed")
}

// TestTrackerSendsNothingWithdrawn: events wait for the collector when consent
// is withdrawn. They do not leave as they were, though it was agreed to when
// they happened, and neither when it is agreed to again.
func TestTrackerSendsNothingWithdrawn(t *testing.T) {
	u := startUp(t, t.TempDir())
	g, site := newGate(t, u)
	v := newVisitor(t, site, "queue8118")
	v.open(t, "/")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	identifier := v.awaitCookie(t, "sekisho_id")

	g.turn(busy)
	v.open(t, "/product/shirakawa-wakocha")
	eventually(t, waitTime, "the view to be refused", func() bool { return g.attempts(busy, "shirakawa") >= 1 })
	evaluate[any](t, v, `sekisho.track("pageview", {title: "held back"})`)
	evaluate[any](t, v, `sekisho.track("custom", {name: "share"})`)
	evaluate[any](t, v, `sekisho.choose({})`)
	before := len(g.requests())
	evaluate[any](t, v, `sekisho.choose({analytics: true, advertising: true, social: true})`)
	g.turn(fair)
	eventually(t, waitTime, "both choices to be recorded", func() bool { return g.attempts(fair, `"type":"consent"`) >= 3 })
	v.open(t, "/privacy")
	v.awaitSent(t, "Page view", "allowed")

	for _, r := range g.requests()[before:] {
		if strings.Contains(r.Body, "held back") || strings.Contains(r.Body, `"share"`) {
			t.Errorf("sent after the withdrawal: %s", r.Body)
		}
		view := strings.Contains(r.Body, "shirakawa") && strings.Contains(r.Body, `"pageview"`)
		if view && (r.Cookie != "" || strings.Contains(r.Body, v.Marker) || strings.Contains(r.Body, "session_id")) {
			t.Errorf("sent after the withdrawal, with cookies %q: %s", r.Cookie, r.Body)
		}
	}
	awaitEvents(t, u, 2, "type = 'pageview' AND path = '/product/shirakawa-wakocha' AND outcome = 'anonymised' AND visitor_id = ''")
	awaitEvents(t, u, 2, "path = '/product/shirakawa-wakocha' AND type = 'pageview'")
	wantReset(t, u, identifier)
}

// TestTrackerDoesNotWaitWhenLeaving: the page is left while a request is still
// under way. What is queued goes at once.
func TestTrackerDoesNotWaitWhenLeaving(t *testing.T) {
	u := startUp(t, t.TempDir())
	g, site := newGate(t, u)
	v := newVisitor(t, site, "leave4402")
	v.open(t, "/privacy")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	g.turn(slow)
	v.open(t, "/checkout?item=kiso-hojicha")
	eventually(t, waitTime, "the view to be under way", func() bool { return g.attempts(slow, "/checkout") >= 1 })
	v.click(t, "#order")
	v.await(t, `location.pathname === "/thanks"`)
	eventually(t, waitTime, "the order to be sent", func() bool { return g.attempts(slow, "conversion") >= 1 })
	g.turn(fair)
	awaitEvents(t, u, 1, "type = 'conversion'")
	awaitEvents(t, u, 1, "type = 'pageview' AND path = '/checkout'")
}

// TestTrackerKeepsOneRequestUnderWay: what happens while the first answer, with
// the visitor cookie, is awaited, comes under that cookie.
func TestTrackerKeepsOneRequestUnderWay(t *testing.T) {
	u := startUp(t, t.TempDir())
	g, site := newGate(t, u)
	g.turn(slow)
	v := newVisitor(t, site, "order1973")
	v.open(t, "/product/kiso-hojicha")
	v.click(t, "#accept")
	eventually(t, waitTime, "the first request", func() bool { return len(g.requests()) == 1 })
	v.click(t, "#share")
	evaluate[any](t, v, `sekisho.track("pageview", {title: "second"})`)
	if got := len(g.requests()); got != 1 {
		t.Fatalf("%d requests are under way", got)
	}
	g.turn(fair)
	second := awaitEvents(t, u, 1, "title = 'second'")[0]
	if got := count(t, u, "SELECT uniqExact(visitor_id) FROM events"); got != 1 || !pseudonym.MatchString(second.Visitor) {
		t.Errorf("one browser is %d visitors", got)
	}
}

// TestTrackerPassesOverOldConsent: consent from before the policy last changed
// in substance is none, and the visitor is asked again.
func TestTrackerPassesOverOldConsent(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "old5060")
	v.do(t, chromedp.Navigate(u.Demo+"/static/gate.svg"))
	check := func(cookie string, asked bool) {
		t.Helper()
		evaluate[any](t, v, `document.cookie = "sekisho_consent=`+cookie+`; Path=/"`)
		v.open(t, "/")
		if got := !evaluate[bool](t, v, `document.getElementById("banner").hidden`); got != asked {
			t.Errorf("with the choice %q: asked %v, want %v", cookie, got, asked)
		}
		if got := evaluate[bool](t, v, `sekisho.choice() === null`); got != asked {
			t.Errorf("with the choice %q: none %v, want %v", cookie, got, asked)
		}
	}
	check("1.2022-03-31.analytics", true)
	check("1.2022-04-01.analytics", false)
	check("1.2026-10-01.none", false)
	check("1.2026-10-01.analytics+social", false)
	check("1.2026-10-01.analytics+everything", true)
	check("2.2026-10-01.analytics", true)
	check("1.2026-10-01.", true)
	check("yes", true)
}

// TestTrackerCountsGoingBack: a page that the browser shows again, out of its
// cache, was viewed again.
func TestTrackerCountsGoingBack(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "back7350")
	v.open(t, "/")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	v.open(t, "/advertiser")
	v.awaitSent(t, "Page view", "allowed")
	evaluate[any](t, v, `history.back()`)
	v.await(t, `location.pathname === "/" && document.readyState === "complete"`)
	awaitEvents(t, u, 2, "type = 'pageview' AND path = '/'")
	if got := count(t, u, "SELECT uniqExact(visitor_id) FROM events"); got != 1 {
		t.Errorf("one browser is %d visitors", got)
	}
}

// TestPixel: a browser without scripts is counted, and no more.
func TestPixel(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "pixel6677")
	v.do(t, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	v.open(t, "/product/arai-gyokuro")
	seen := awaitEvents(t, u, 1, "1")[0]
	if seen.Type != "pageview" || seen.Path != "/product/arai-gyokuro" || seen.Outcome != "anonymised" || seen.Visitor != "" {
		t.Errorf("got %+v", seen)
	}
	if cookies := v.cookies(t); len(cookies) != 0 {
		t.Errorf("the pixel sets cookies: %v", cookies)
	}
	u.wantNowhere(t, v.Marker)
}
