package ingest

import (
	"bufio"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// TestSignalsOfRequest: a request's headers and cookies as they come over the
// wire. What comes twice with different values, or empty, cannot be understood.
func TestSignalsOfRequest(t *testing.T) {
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	config := DefaultConfig()
	config.PlaceHeader = "X-Place"
	x := NewExplainer(config, enforcer.New(enforcer.Compile(p), nil, nil))
	hear := func(headers ...string) (*session, *fasthttp.RequestCtx) {
		t.Helper()
		var ctx fasthttp.RequestCtx
		raw := "POST /v1/events HTTP/1.1\r\nHost: t.example.jp\r\n" + strings.Join(append(headers, "\r\n"), "\r\n")
		if err := ctx.Request.Header.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
			t.Fatal(err)
		}
		var s session
		s.begin(&ctx, x.collector)
		return &s, &ctx
	}
	check := func(want schemas.Signals, consent string, headers ...string) {
		t.Helper()
		s, _ := hear(headers...)
		if s.request.Signals != want || s.request.Consent != consent {
			t.Errorf("%q: heard %+v and %q", headers, s.request.Signals, s.request.Consent)
		}
	}
	check(schemas.Signals{TCF: "a"}, "", "Cookie: euconsent-v2=a; euconsent-v2=a")
	check(schemas.Signals{TCF: "a", Unclear: "euconsent-v2"}, "", "Cookie: euconsent-v2=a; euconsent-v2=b")
	check(schemas.Signals{TCF: "a", Unclear: "euconsent-v2"}, "", "Cookie: euconsent-v2=a", "Cookie: euconsent-v2=b")
	check(schemas.Signals{Unclear: enforcer.ConsentCookie}, "x", "Cookie: sekisho_consent=x; sekisho_consent=y")
	for cookie, want := range map[string]schemas.Signals{
		"usprivacy": {USPrivacy: "a"}, "OptanonConsent": {OneTrust: "a"}, "OptanonAlertBoxClosed": {OneTrustClosed: "a"},
		"CookieConsent": {Cookiebot: "a"}, "didomi_token": {Didomi: "a"}, "addtl_consent": {AdditionalConsent: "a"},
		"eupubconsent-v2": {TCFPublisher: "a"}, "OTGPPConsent": {GPP: "a"}, "OTAdditionalConsentString": {AdditionalConsent: "a"},
		"cookieyes-consent": {CookieYes: "a"},
	} {
		check(want, "", "Cookie: "+cookie+"=a")
		want.Unclear = cookie
		check(want, "", "Cookie: "+cookie+"=a; x=y; "+cookie+"=b")
		check(schemas.Signals{Unclear: cookie}, "", "Cookie: "+cookie+"=")
	}
	check(schemas.Signals{TCFHeader: "a"}, "", "Sekisho-TCF: a")
	check(schemas.Signals{TCFHeader: "a", Unclear: "Sekisho-TCF"}, "", "Sekisho-TCF: a", "Sekisho-TCF: b")
	check(schemas.Signals{TCF: "a", TCFPublisher: "b", TCFHeader: "c"}, "", "Sekisho-TCF: c", "Cookie: euconsent-v2=a; eupubconsent-v2=b")
	// Any line that is 1.
	check(schemas.Signals{GPC: "1"}, "", "Sec-GPC: 0", "Sec-GPC: 1")
	check(schemas.Signals{GPC: "1"}, "", "Sec-GPC: 1", "Sec-GPC: 0")
	check(schemas.Signals{DNT: "1"}, "", "DNT:", "DNT: 1")
	check(schemas.Signals{GPC: "0"}, "", "Sec-GPC: 0")

	for want, lines := range map[string][]string{
		"US-CA": {"X-Place: us-ca"}, "JP": {"X-Place: JP", "X-Place: jp"}, noPlace: {"X-Place: US", "X-Place: DE"}, "": nil,
	} {
		_, ctx := hear(lines...)
		if got := placeOf(ctx.Request.Header.PeekAll("X-Place")); got != want {
			t.Errorf("%q: the place is %q", lines, got)
		}
	}

	// The explanation hears and tells the same.
	got, err := x.Explain(Question{Event: []byte(`{"type":"pageview","site":"shop","url":"https://shop.example.jp/"}`),
		Headers: map[string][]string{"Cookie": {"usprivacy=1YNN", "usprivacy=1YYN"}, "Sec-Gpc": {"0", "1"}, "X-Place": {"US", "US"}}})
	if err != nil {
		t.Fatal(err)
	}
	var from []string
	for _, s := range got.Signals {
		from = append(from, s.From)
	}
	if got.Reason != schemas.ReasonMalformedConsent || !slices.Equal(from, []string{"cookie usprivacy", "header Sec-GPC", "cookie usprivacy"}) || !strings.Contains(got.Signals[0].Problem, "more than once") {
		t.Errorf("explained as %v with %q", got.Reason, from)
	}
}
