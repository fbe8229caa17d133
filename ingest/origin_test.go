package ingest

import (
	"strings"
	"testing"

	"sekisho/enforcer"
	"sekisho/schemas/policy"
)

// TestCrossOrigin: pages of the sites, and only they, may read answers.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	r := start(t)
	preflight := r.do("OPTIONS", "/v1/events", "", shop, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
	preflight.want(t, "a preflight", 204)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://shop.example.jp", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": "POST, OPTIONS", "Access-Control-Allow-Headers": "Content-Type, Content-Encoding, Prefer",
		"Access-Control-Max-Age": "7200", "Vary": "Origin",
	} {
		if got := preflight.header.Get(name); got != want {
			t.Errorf("preflight: %s is %q, want %q", name, got, want)
		}
	}
	check := func(what string, a answer, status int, allowed string) {
		t.Helper()
		a.want(t, what, status)
		if got := a.header.Get("Access-Control-Allow-Origin"); got != allowed {
			t.Errorf("%s: %q may read it, want %q", what, got, allowed)
		}
		if a.header.Get("Vary") != "Origin" {
			t.Errorf("%s: Vary is %q", what, a.header.Get("Vary"))
		}
	}
	check("events", r.post(page(""), shop), 204, "https://shop.example.jp")
	check("bad events", r.post("{", shop), 400, "https://shop.example.jp")
	check("too many bytes", r.post(strings.Repeat(" ", 2<<20), shop), 413, "https://shop.example.jp")
	check("a wrong type", r.post("a", shop, "Content-Type: text/html"), 415, "https://shop.example.jp")
	check("a wrong method", r.do("PUT", "/v1/events", "a", shop), 405, "https://shop.example.jp")
	check("a local page", r.post(page(""), "Origin: http://localhost:3000"), 204, "http://localhost:3000")
	check("a server", r.post(page("")), 204, "")
	check("a pixel", r.do("GET", "/v1/pixel.gif?site=shop&url=https://shop.example.jp/", "", shop), 200, "https://shop.example.jp")
	check("a reset", r.do("POST", "/v1/reset", "{}", shop), 400, "https://shop.example.jp")
}

// TestHostileOrigins get nothing, and are not mirrored.
func TestHostileOrigins(t *testing.T) {
	t.Parallel()
	r := start(t)
	refused := uint64(0)
	check := func(origin string) {
		t.Helper()
		header := "Origin: " + origin
		for what, a := range map[string]answer{
			"POST":      r.post(page(yes), header),
			"preflight": r.do("OPTIONS", "/v1/events", "", header),
			"reset":     r.do("POST", "/v1/reset", `{"visitor_id":"v"}`, header),
			"pixel":     r.do("GET", "/v1/pixel.gif?site=shop&url=https://shop.example.jp/", "", header),
		} {
			a.want(t, what+" from "+origin, 403)
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s from %s: the answer has %s", what, origin, name)
				}
			}
			if strings.Contains(a.body, origin) || len(a.cookies()) > 0 {
				t.Errorf("%s from %s: %v %s", what, origin, a.header, a.body)
			}
		}
		refused++ // a POST and a pixel; a preflight and a reset bring no events
	}
	check("null")
	check("https://shop.example.jp.evil.example")
	check("https://evil-shop.example.jp")
	check("https://evil.shop.example.jp")
	check("https://shop.example.jp@evil.example")
	check("https://shop.example.jp:8443")
	check("https://shop.example.jp:443")
	check("https://shop.example.jp.")
	check("https://shop.example.jp/")
	check("https://SHOP.example.jp")
	check("http://shop.example.jp")
	check("shop.example.jp")
	check("https://shop.example.jp https://evil.example")
	check("https://evil.example, https://shop.example.jp")
	check("http://localhost")
	check("http://localhost:")
	check("http://localhost:*")
	check("http://localhost:80.evil.example")
	check("http://localhost:3000@evil.example")
	check("http://localhost:123456")
	check("http://localhost.evil.example:80")
	check("http://127.0.0.1:80")
	check("https://shop.example.jp\tx")
	check("*")

	// Two of them, the first being good.
	r.post(page(""), shop, "Origin: https://evil.example").want(t, "two origins", 403)
	r.accounted(map[string]uint64{" unknown rejected origin": refused + 1, " pageview rejected origin": refused})
}

// TestOriginIsHeldAgainstTheEventsSite: a page may send its own site's events
// only, whatever else is in the batch.
func TestOriginIsHeldAgainstTheEventsSite(t *testing.T) {
	t.Parallel()
	r := start(t)
	news := strings.Replace(page(yes), "shop", "news", 1)
	r.post("["+page(yes)+","+news+"]", shop).want(t, "two sites", 400, `"index":1,"path":"site"`)
	r.post("["+news+","+news+"]", shop).want(t, "another site's", 403)
	r.post("["+page(yes)+","+news+"]").want(t, "a server's", 204)
	r.accounted(map[string]uint64{
		"shop pageview allowed granted": 2, "news pageview rejected origin": 3, "news pageview allowed granted": 1,
	})
}

// TestHeaderInjection: what a client writes is in no header of the answer.
func TestHeaderInjection(t *testing.T) {
	t.Parallel()
	r := start(t)
	const canary = "CANARY-injected"
	body := page(yes)
	for _, line := range []string{
		"Origin: https://shop.example.jp\r\n X-Folded: " + canary,
		"Origin: https://shop.example.jp\rSet-Cookie: " + canary,
		"Origin: https://shop.example.jp\nSet-Cookie: " + canary,
		"Prefer: return=representation; " + canary,
		"Cookie: sekisho_id=" + canary + "; sekisho_consent=" + canary + "; _ga=" + canary,
		"Content-Encoding: " + canary,
		"Host: " + canary,
		"X-Forwarded-For: " + canary,
		"User-Agent: " + canary,
	} {
		answer := r.raw("POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nConnection: close\r\n" + line + "\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body)
		if strings.Contains(answer, canary) || !strings.HasPrefix(answer, "HTTP/1.1 ") {
			t.Errorf("%q: %q", line, answer)
		}
	}
	for _, target := range []string{
		"/v1/pixel.gif?site=shop%0d%0aSet-Cookie:" + canary + "&url=https://shop.example.jp/",
		"/v1/pixel.gif?site=shop&url=https://shop.example.jp/%0d%0aSet-Cookie:" + canary,
		"/" + canary + "%0d%0aSet-Cookie:a=b",
	} {
		a := r.do("GET", target, "")
		if strings.Contains(a.body, canary) || len(a.cookies()) > 0 && strings.Contains(a.header.Get("Set-Cookie"), canary) {
			t.Errorf("%s: %v %s", target, a.header, a.body)
		}
	}
}

// TestPolicyReplacedMeanwhile: an origin that a new policy names may send at
// once, and one that it no longer names may not.
func TestPolicyReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.post(page(""), shop).want(t, "before", 204)
	text := strings.Replace(string(policy.Example), "https://shop.example.jp", "https://new.example.jp", 1)
	r.enforcer.SetTable(enforcer.Compile(must(policy.Parse([]byte(text)))(t)))
	r.post(page(""), shop).want(t, "the old origin", 403)
	r.post(page(""), "Origin: https://new.example.jp").want(t, "the new one", 204)
}
