package ingest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// record decodes a stored event.
func record(t testing.TB, m kafka.Message) *schemas.Record {
	t.Helper()
	var d schemas.RecordDecoder
	r := new(schemas.Record)
	if err := d.Decode(m.Value, r); err != nil {
		t.Fatal(err)
	}
	return r
}

const pixelOfShop = "/v1/pixel.gif?site=shop&url=https://shop.example.jp/"

// TestNoConsentNoTrace: without consent an answer has nothing by which a
// browser could be known again.
func TestNoConsentNoTrace(t *testing.T) {
	t.Parallel()
	r := start(t)
	plain := map[string]bool{
		"Access-Control-Allow-Origin": true, "Access-Control-Allow-Credentials": true, "Vary": true, "Cache-Control": true,
		"Content-Length": true, "Content-Type": true, "X-Content-Type-Options": true, "Cross-Origin-Resource-Policy": true,
		"Preference-Applied": true, "Allow": true,
	}
	check := func(what string, ask func() answer) {
		t.Helper()
		first, second := ask(), ask()
		for name := range first.header {
			if !plain[name] {
				t.Errorf("%s: the answer has %s: %v", what, name, first.header[name])
			}
			if first.header.Get(name) != second.header.Get(name) {
				t.Errorf("%s: %s differs between two requests: %q, %q", what, name, first.header.Get(name), second.header.Get(name))
			}
		}
		if first.body != second.body {
			t.Errorf("%s: two requests are answered differently: %s %s", what, first.body, second.body)
		}
	}
	check("silence", func() answer { return r.post(page(""), shop, represent) })
	check("refusal", func() answer { return r.post(page(no), shop, represent) })
	check("malformed consent", func() answer { return r.post(page(`"consent":"yes"`), shop, represent) })
	check("a refusing cookie", func() answer { return r.post(page(yes), shop, represent, "Cookie: sekisho_consent=1.2026-10-01.none") })
	check("GPC for an advertisement", func() answer {
		return r.post(`{"type":"ad_click","site":"shop","ad_placement":"top",`+yes+`}`, shop, represent, "Sec-GPC: 1")
	})
	check("a dropped event", func() answer {
		return r.post(`{"type":"ad_click","site":"shop","ad_placement":"top"}`, shop, represent)
	})
	check("a decline", func() answer { return r.post(`{"type":"consent","site":"shop",`+no+`}`, shop, represent) })
	check("a rejected event", func() answer { return r.post(page(`"title":1,`+yes), shop, represent) })
	check("a page's pixel", func() answer { return r.do("GET", pixelOfShop, "") })
	check("a foreign pixel", func() answer { return r.do("GET", "/v1/pixel.gif?site=shop&url=https://evil.example/", "") })
	check("nothing", func() answer { return r.do("GET", "/", "") })
	check("health", func() answer { return r.do("GET", "/healthz", "") })
	id := soonID()
	check("a server with consent", func() answer { return r.post(page(yes+`,"id":"`+id+`"`), represent) })
	for _, m := range r.stored().events {
		if e := record(t, m).Event; e.Fields.Has(schemas.VisitorID) {
			t.Error("an event has a visitor id")
		}
	}
}

// soonID is a version 7 UUID of about now.
func soonID() string {
	const hex = "0123456789abcdef"
	ms, id := time.Now().UnixMilli(), []byte("00000000-0000-7000-8000-000000000000")
	for i := 12; i >= 0; i-- {
		if id[i] != '-' {
			id[i] = hex[ms&15]
			ms >>= 4
		}
	}
	return string(id)
}

// visitor returns the visitor id that an answer's cookie sets, "" for none.
func (a answer) visitor(t testing.TB) string {
	t.Helper()
	value := ""
	for _, c := range a.cookies() {
		if c.Name != VisitorCookie {
			t.Errorf("the cookie %s is set", c.Name)
		}
		value, _ = enforcer.SplitVisitor(c.Value)
	}
	return value
}

// cookie returns the visitor cookie as it is set, "" for none.
func (a answer) cookie() string {
	for _, c := range a.cookies() {
		if c.Name == VisitorCookie && c.Value != "" {
			return "Cookie: " + VisitorCookie + "=" + c.Value
		}
	}
	return ""
}

// TestVisitorCookie is set once consent is there, is kept, and is forgotten.
func TestVisitorCookie(t *testing.T) {
	t.Parallel()
	r := start(t)
	a := r.post("["+page(yes)+","+page(yes)+"]", shop)
	a.want(t, "consent", 204)
	cookies := a.cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies are set", len(cookies))
	}
	c := cookies[0]
	if c.Name != "sekisho_id" || len(c.Value) != 22+1+grantLen || c.MaxAge != 34560000 || c.Path != "/" || c.Domain != "" ||
		!c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie is %s", a.header.Get("Set-Cookie"))
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Error("the answer may be stored")
	}
	mine := a.cookie()
	if got := r.post(page(yes), shop, mine).visitor(t); got != "" {
		t.Errorf("a known visitor is given %s", got)
	}
	visitors := map[string]int{}
	for _, m := range r.stored().events {
		visitors[record(t, m).Event.Get(schemas.VisitorID)]++
	}
	if len(visitors) != 1 {
		t.Errorf("three page views of one visitor have the ids %v", visitors)
	}
	r.nowhere(a.visitor(t))
	if bare := r.post(page(yes), shop, "Cookie: sekisho_id="+a.visitor(t)); bare.visitor(t) != a.visitor(t) {
		t.Errorf("a cookie that does not say what was granted becomes %s", bare.cookie())
	}

	foreign := r.post("["+chosen(yes)+","+page(yes+`,"session_id":"s","title":"foreign"`)+"]", shop, "Sec-Fetch-Site: cross-site", represent)
	if foreign.want(t, "a page of another site", 200, `"outcome":"allowed","reason":"granted"`); len(foreign.cookies()) != 0 {
		t.Errorf("a page of another site, whose browser refuses cookies, is given %s", foreign.header.Get("Set-Cookie"))
	}
	for _, m := range r.stored().events {
		e := &record(t, m).Event
		if e.Get(schemas.Title) == "foreign" && e.Get(schemas.VisitorID)+e.Get(schemas.SessionID) != "" {
			t.Errorf("a page of another site has the visitor %q", e.Get(schemas.VisitorID))
		}
	}
	r.post(page(yes), shop, mine, "Sec-Fetch-Site: same-site").want(t, "a page of the same site", 204)

	pixel := r.do("GET", pixelOfShop, "", "Cookie: sekisho_consent=1.2026-10-01.analytics")
	pixel.want(t, "a pixel with consent", 200)
	if len(pixel.visitor(t)) != 22 {
		t.Error("a pixel with consent sets no cookie")
	}
	for what, cookie := range map[string]string{
		"one of another length": "sekisho_id=short", "one with other letters": "sekisho_id=" + strings.Repeat("!", 22),
	} {
		if got := r.post(page(yes), shop, "Cookie: "+cookie).visitor(t); len(got) != 22 {
			t.Errorf("%s is taken for a visitor cookie", what)
		}
	}
	if got := r.post(page(yes+`,"visitor_id":"own"`), shop).visitor(t); got != "" {
		t.Error("an event with an id of its own is given a cookie")
	}
}

// TestDeclineForgets: a visitor who declines loses the cookie, and its id never
// passes again.
func TestDeclineForgets(t *testing.T) {
	t.Parallel()
	r := start(t)
	old := r.post(page(yes), shop).visitor(t)
	mine := "Cookie: sekisho_id=" + old
	decline := `{"type":"consent","site":"shop",` + no + `}`
	a := r.post(decline, shop, mine)
	a.want(t, "the decline", 204)
	if cookies := a.cookies(); len(cookies) != 1 || cookies[0].Value != "" || cookies[0].Expires.After(time.Now()) || cookies[0].Path != "/" {
		t.Errorf("the cookie is not forgotten: %s", a.header.Get("Set-Cookie"))
	}
	r.post(page(yes), shop, mine, represent).want(t, "the old id", 200, `"outcome":"dropped","reason":"reset"`)
	resets := r.readAll(r.cluster.Config().Topics.Resets, 0)
	if len(resets) != 1 {
		t.Fatalf("%d resets are in Kafka", len(resets))
	}
	if reset, err := schemas.DecodeReset(resets[0].Value); err != nil || reset.Field != schemas.VisitorID || len(reset.Pseudonyms) != 1 {
		t.Errorf("the reset is %+v, %v", reset, err)
	}
	if again := r.post(page(yes), shop).visitor(t); again == old || again == "" {
		t.Errorf("who agrees again is given %q", again)
	}
	if got := r.post(decline, shop); len(got.cookies()) != 0 {
		t.Error("a decline without a cookie sets one")
	}
	r.nowhere(old)
}

// TestLastWordOfABatchCounts, when it both agrees and declines.
func TestLastWordOfABatchCounts(t *testing.T) {
	t.Parallel()
	r := start(t)
	agree, decline := page(yes), `{"type":"consent","site":"shop",`+no+`}`
	if got := r.post("["+agree+","+decline+"]", shop).cookies(); len(got) != 0 {
		t.Errorf("who agreed and then declined is given %v", got)
	}
	old := r.post(agree, shop).visitor(t)
	a := r.post("["+agree+","+decline+","+agree+"]", shop, "Cookie: sekisho_id="+old, represent)
	a.want(t, "the batch", 200)
	if got := a.visitor(t); len(got) != 22 || got == old {
		t.Errorf("who declined and agreed again is given %q", got)
	}
	for i, result := range a.represented(t).Events {
		if i != 1 && result.Outcome != schemas.Allowed {
			t.Errorf("event %d is %v because %v", i, result.Outcome, result.Reason)
		}
	}
	visitors := map[string]bool{}
	for _, m := range r.stored().events {
		if r := record(t, m); r.Outcome == schemas.Allowed {
			visitors[r.Event.Get(schemas.VisitorID)] = true
		}
	}
	if len(visitors) != 3 { // the first, the old one's, and the new one
		t.Errorf("%d visitors are stored, want 3", len(visitors))
	}
}

// TestVisitorOfWhatIsNecessary: where the policy lets what is necessary know a
// terminal, its cookie is one visitor's though nothing was granted, and it can be reset.
func TestVisitorOfWhatIsNecessary(t *testing.T) {
	t.Parallel()
	r := start(t)
	p := must(policy.Parse(policy.Example))(t)
	p.Purposes.Necessary.Categories = append(p.Purposes.Necessary.Categories, schemas.TerminalIdentification)
	p.Events.Conversion.Purpose = schemas.Necessary
	r.enforcer.SetTable(enforcer.Compile(p))
	const order = `{"type":"conversion","site":"shop","name":"order","consent":{"analytics":false,"advertising":false}}`
	a := r.post(order, shop)
	id, mine := a.visitor(t), a.cookie()
	if again := r.post(order, shop, mine, represent); again.cookie() != "" || !strings.Contains(again.body, "allowed") {
		t.Errorf("the next event is answered %s %s", again.cookie(), again.body)
	}
	if n := r.visitors(schemas.VisitorID); len(n) != 1 {
		t.Errorf("there are %d visitors", len(n))
	}
	r.do("POST", "/v1/reset", "", shop, mine, "Content-Type: application/json").want(t, "the reset", 202)
	r.post(page(yes+`,"visitor_id":"`+id+`"`), represent).want(t, "the old one", 200, `"reason":"reset"`)
}
