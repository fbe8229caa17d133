//go:build browser

package main_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestTrackerHearsARefusal: whatever a page has tracked before, and whatever its
// address is, who takes consent back is heard.
func TestTrackerHearsARefusal(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "heard6143")
	v.open(t, "/")
	check := func(what, act string) {
		t.Helper()
		evaluate[any](t, v, `sekisho.choose({ analytics: true, advertising: true })`)
		identifier := v.awaitCookie(t, "sekisho_id")
		if got := evaluate[bool](t, v, act); !got {
			t.Errorf("%s: %s is not so", what, act)
		}
		evaluate[any](t, v, `sekisho.choose({})`)
		v.awaitNoCookie(t, "sekisho_id")
		wantReset(t, u, identifier)
	}
	check("an address that is none", `sekisho.track("pageview", { url: "http://" }) === undefined`)
	check("a number that JSON does not have", `sekisho.track("consent", { value: 1n }) === undefined`)
	check("an object that holds itself", `(() => { const o = {}; o.properties = o; return sekisho.track("conversion", o) === undefined; })()`)
	check("a long query", `(history.replaceState(null, "", "/?q=" + "x".repeat(5000)), true)`)
	check("a long path", `(history.replaceState(null, "", "/" + "x".repeat(5000)), true)`)
}

// TestTrackerRemembersARefusal: who declines while the collector is out of reach, and
// leaves, is heard on the next page, and with no more than that. Who agrees again there
// is a new visitor.
func TestTrackerRemembersARefusal(t *testing.T) {
	u := startUp(t, t.TempDir())
	g, site := newGate(t, u)
	v := newVisitor(t, site, "later3318")
	v.open(t, "/privacy")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	identifier := v.awaitCookie(t, "sekisho_id")
	g.turn(busy)
	v.click(t, "#none")
	eventually(t, waitTime, "the refusal to be sent in vain", func() bool { return g.attempts(busy, `"type":"consent"`) >= 1 })
	v.open(t, "/product/usui-genmaicha")
	eventually(t, waitTime, "the next page to be", func() bool { return g.attempts(busy, "usui-genmaicha") >= 1 })
	g.turn(fair)
	v.awaitSent(t, "Page view", "anonymised")
	if cookies := v.cookies(t); len(cookies) != 1 {
		t.Errorf("the browser keeps %v", cookies)
	}
	wantReset(t, u, identifier)
	if got := g.attempts(fair, `"type":"consent"`); got != 1 {
		t.Errorf("%d choices were heard, want the first", got)
	}
	v.await(t, `localStorage.length === 0`)
	before := len(g.requests())
	v.open(t, "/privacy")
	v.awaitSent(t, "Page view", "anonymised")
	for _, r := range g.requests()[before:] {
		if r.Cookie != "" {
			t.Errorf("after the refusal was heard %q is sent", r.Cookie)
		}
	}
	seen := awaitEvents(t, u, 1, "path = '/product/usui-genmaicha'")[0]
	if seen.Outcome != "anonymised" || seen.Visitor+seen.Session+seen.Others != "" {
		t.Errorf("got %+v", seen)
	}

	// And who agrees again on the next page, before the refusal was heard, is new.
	v.click(t, "#all")
	identifier = v.awaitCookie(t, "sekisho_id")
	g.turn(busy)
	v.click(t, "#none")
	v.open(t, "/product/arai-gyokuro")
	eventually(t, waitTime, "the page after to be", func() bool { return g.attempts(busy, "arai-gyokuro") >= 1 })
	evaluate[any](t, v, `sekisho.choose({ analytics: true, advertising: true, social: true })`)
	g.turn(fair)
	v.awaitSent(t, "Your choice", "allowed")
	if again := v.awaitCookie(t, "sekisho_id"); again[:22] == identifier[:22] {
		t.Error("who agrees again is the old visitor")
	}
	wantReset(t, u, identifier)

	// Nor is that lost to a page whose own refusal was heard, when the one after was
	// made in another tab that is gone.
	evaluate[any](t, v, `sekisho.choose({})`)
	v.awaitNoCookie(t, "sekisho_id")
	ctx, end := chromedp.NewContext(v.ctx)
	defer end()
	other := &visitor{Marker: v.Marker, Agent: v.Agent, site: v.site, ctx: ctx}
	other.do(t)
	other.open(t, "/privacy")
	other.click(t, "#all")
	identifier = other.awaitCookie(t, "sekisho_id")
	g.turn(busy)
	before = g.attempts(busy, `"type":"consent"`)
	other.click(t, "#none")
	eventually(t, waitTime, "the other tab's refusal to be sent in vain", func() bool { return g.attempts(busy, `"type":"consent"`) > before })
	end()
	evaluate[any](t, v, `sekisho.choose({ analytics: true, advertising: true, social: true })`)
	g.turn(fair)
	eventually(t, waitTime, "a new visitor", func() bool {
		id := v.cookies(t)["sekisho_id"]
		return id != "" && id[:22] != identifier[:22]
	})
	wantReset(t, u, identifier)
}

// TestTrackerRemembersARefusalBesideConsent: who agrees, declines and looks away before the
// first answer has sent the refusal without the cookie that this answer brings. It is sent
// again with that.
func TestTrackerRemembersARefusalBesideConsent(t *testing.T) {
	u := startUp(t, t.TempDir())
	g, site := newGate(t, u)
	v := newVisitor(t, site, "beside7702")
	v.open(t, "/privacy")
	evaluate[any](t, v, `(() => {
		const send = fetch;
		window.answered = 0;
		window.fetch = (...what) => send(...what).finally(() => setTimeout(() => answered++));
	})()`)
	g.turn(slow)
	v.click(t, "#accept")
	eventually(t, waitTime, "the consent to be under way", func() bool { return g.attempts(slow, `"analytics":true`) == 1 })
	v.click(t, "#none")
	evaluate[any](t, v, `(() => {
		Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
		document.dispatchEvent(new Event("visibilitychange"));
	})()`)
	eventually(t, waitTime, "the refusal to be under way", func() bool { return g.attempts(slow, `"analytics":false`) == 1 })
	g.turn(fair)
	v.await(t, `answered >= 2`)
	identifier := v.awaitCookie(t, "sekisho_id")
	v.open(t, "/product/usui-genmaicha")
	v.awaitNoCookie(t, "sekisho_id")
	wantReset(t, u, identifier)
	v.await(t, `localStorage.length === 0`)
}

// TestTrackerSparesTheCollector: a page that nobody looks at any more, and that goes on
// tracking, does not send all that waits each time, nor for each request that failed.
func TestTrackerSparesTheCollector(t *testing.T) {
	u := startUp(t, t.TempDir())
	g, site := newGate(t, u)
	v := newVisitor(t, site, "spares8846")
	v.open(t, "/")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	g.turn(busy)
	evaluate[any](t, v, `(() => {
		for (let i = 0; i < 100; i++) sekisho.track("pageview", { title: "waits" });
		Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
		document.dispatchEvent(new Event("visibilitychange"));
	})()`)
	eventually(t, waitTime, "all to be tried", func() bool { return g.attempts(busy, "waits") >= 5 })
	evaluate[any](t, v, `(async () => {
		for (let i = 0; i < 25; i++) {
			sekisho.track("pageview", { title: "more" });
			await fetch(document.querySelector("script[src*='sekisho.js']").src);
		}
	})()`)
	if got := g.attempts(busy, "waits"); got > 45 {
		t.Errorf("%d requests were sent in vain, while 25 events were tracked", got)
	}
	g.turn(fair)
	evaluate[bool](t, v, `document.dispatchEvent(new Event("visibilitychange"))`) // a last time
	awaitEvents(t, u, 100, "title = 'waits'")
	awaitEvents(t, u, 25, "title = 'more'")
}

// TestTrackerHearsOfAnotherTab: what was chosen in another tab holds in one that is
// looked at again: nobody is asked twice, and what waited there goes.
func TestTrackerHearsOfAnotherTab(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "tabs5514")
	v.open(t, "/product/usui-genmaicha")
	v.do(t, chromedp.WaitVisible(chromedp.CSS("#banner")))
	ctx, end := chromedp.NewContext(v.ctx)
	defer end()
	other := &visitor{Marker: v.Marker, Agent: v.Agent, site: v.site, ctx: ctx}
	other.do(t)
	other.open(t, "/privacy")
	other.click(t, "#accept")
	other.awaitSent(t, "Page view", "allowed")
	evaluate[bool](t, v, `document.dispatchEvent(new Event("visibilitychange"))`)
	if !evaluate[bool](t, v, `document.visibilityState === "visible" && document.getElementById("banner").hidden`) {
		t.Fatal("the other tab still asks")
	}
	v.awaitSent(t, "Page view", "allowed")
	if !evaluate[bool](t, other, `(() => {
		document.getElementById("advertising").click();
		document.dispatchEvent(new Event("visibilitychange"));
		return document.getElementById("analytics").checked && !document.getElementById("advertising").checked;
	})()`) {
		t.Error("what was ticked and is not saved yet is lost to who looks at another tab")
	}
	seen := awaitEvents(t, u, 2, "type = 'pageview'")
	if seen[0].Visitor != seen[1].Visitor || !pseudonym.MatchString(seen[0].Visitor) {
		t.Errorf("one browser is two visitors: %+v", seen)
	}

	// So does what is declined there, and the session with it.
	evaluate[any](t, other, `sekisho.choose({})`)
	v.awaitNoCookie(t, "sekisho_id")
	evaluate[any](t, v, `sekisho.track("pageview")`)
	v.awaitSent(t, "Page view", "anonymised")
	if kept := evaluate[int](t, v, `sessionStorage.length`); kept != 0 {
		t.Error("the session outlives what was declined in another tab")
	}
}

// TestTrackerKeepsWhatWasTracked: an event says what was so when it was tracked, and
// an address of the page's own may be relative.
func TestTrackerKeepsWhatWasTracked(t *testing.T) {
	u := startUp(t, t.TempDir())
	v := newVisitor(t, u.Demo, "kept2087")
	v.open(t, "/")
	evaluate[any](t, v, `(() => {
		const order = { name: "order", currency: "JPY", properties: { plan: "first" } };
		sekisho.track("conversion", order);
		order.properties.plan = "second";
		sekisho.track("pageview", { url: "step/2" });
	})()`)
	v.click(t, "#accept")
	awaitEvents(t, u, 1, "type = 'conversion' AND properties['plan'] = 'first'")
	awaitEvents(t, u, 1, "type = 'pageview' AND path = '/step/2'")
}

// TestTrackerRenderedAhead: a page that the browser renders before anybody sees it
// sends nothing until then, whatever it tracks.
func TestTrackerRenderedAhead(t *testing.T) {
	u := startUp(t, t.TempDir())
	g, site := newGate(t, u)
	v := newVisitor(t, site, "ahead9930")
	v.open(t, "/")
	v.click(t, "#accept")
	v.awaitSent(t, "Page view", "allowed")
	before := len(g.requests())
	v.do(t, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `{ let ahead = true;
				Object.defineProperty(Document.prototype, "prerendering", { get: () => ahead });
				window.seen = () => { ahead = false; document.dispatchEvent(new Event("prerenderingchange")); }; }`,
		})
		return err
	}))
	v.open(t, "/product/usui-genmaicha")
	v.click(t, "#share")
	// A later request of the page: what was tracked before it would be there by then.
	evaluate[int](t, v, `fetch(document.querySelector("script[src*='sekisho.js']").src).then((r) => r.status)`)
	for _, r := range g.requests()[before:] {
		if strings.Contains(r.Body, "usui-genmaicha") {
			t.Errorf("the page that nobody has seen sent %s", r.Body)
		}
	}
	evaluate[any](t, v, `seen()`)
	v.awaitSent(t, "Share", "allowed")
	awaitEvents(t, u, 1, "name = 'share'")
	awaitEvents(t, u, 1, "type = 'pageview' AND path = '/product/usui-genmaicha'")
}
