package ingest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

func TestExplainer(t *testing.T) {
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := registry.NewHasher([]byte(strings.Repeat("r", registry.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	resets := enforcer.NewResets(hasher)
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	resets.Put(&schemas.Reset{Field: schemas.GA, Hash: resets.Hash(schemas.GA, "123.456"), At: now})
	config := DefaultConfig()
	config.PlaceHeader = "X-Place"
	x := NewExplainer(config, enforcer.New(enforcer.Compile(p), nil, resets))
	check := func(event string, headers map[string]string, place string, outcome schemas.Outcome, reason schemas.Reason, jurisdiction string, signals ...string) {
		t.Helper()
		h := http.Header{}
		for name, value := range headers {
			h.Set(name, value)
		}
		got, err := x.Explain(Question{Event: []byte(event), Headers: h, Place: place, Now: now})
		if err != nil || got.Outcome != outcome || got.Reason != reason || got.Jurisdiction.Name != jurisdiction {
			t.Errorf("%s %v: %v because %v in %q, %v", event, headers, got.Outcome, got.Reason, got.Jurisdiction.Name, err)
		}
		var from []string
		for _, s := range got.Signals {
			from = append(from, s.From)
		}
		if strings.Join(from, ", ") != strings.Join(signals, ", ") {
			t.Errorf("%s %v: signals %v, want %v", event, headers, from, signals)
		}
	}
	const (
		view  = `{"type":"pageview","site":"shop","url":"https://shop.example.jp/"}`
		click = `{"type":"ad_click","site":"shop","ad_placement":"top","consent":{"advertising":true}}`
	)
	type headers = map[string]string
	check(view, nil, "", schemas.Anonymised, schemas.ReasonSilent, "japan")
	check(view, headers{"Cookie": "sekisho_consent=1.2026-10-01.analytics"}, "", schemas.Allowed, schemas.ReasonGranted, "japan", "cookie sekisho_consent")
	check(view, headers{"Cookie": "sekisho_consent=1.2026-10-01.analytics; _ga=GA1.1.123.456"}, "", schemas.Dropped, schemas.ReasonReset, "japan", "cookie sekisho_consent")
	check(view, headers{"Cookie": "OptanonConsent=groups=C0002:0&interactionCount=1; usprivacy=1YNN"}, "", schemas.Anonymised, schemas.ReasonRefused, "japan", "cookie usprivacy", "cookie OptanonConsent")
	check(click, headers{"Sec-GPC": "1", "DNT": "1"}, "", schemas.Dropped, schemas.ReasonGPC, "japan", "event's consent", "header Sec-GPC", "header DNT")
	check(view, headers{"X-Place": "us-ca"}, "", schemas.Allowed, schemas.ReasonGranted, "california")
	check(view, headers{"X-Place": "us-ca"}, "JP", schemas.Anonymised, schemas.ReasonSilent, "japan")
	check(view, headers{"Origin": "https://shop.example.jp"}, "", schemas.Anonymised, schemas.ReasonSilent, "japan")
	check(view, headers{"Origin": "https://evil.example"}, "", schemas.Rejected, schemas.ReasonOrigin, "")
	check(`{"type":"pageview","site":"none","url":"https://shop.example.jp/"}`, nil, "", schemas.Rejected, schemas.ReasonUnknownSite, "")
	check(`{"type":"pageview","site":"shop"}`, nil, "", schemas.Rejected, schemas.ReasonInvalid, "")
	check(`{"type":"custom","name":"a","site":"shop","properties":{"b":1}}`, nil, "", schemas.Rejected, schemas.ReasonInvalid, "")
	check(`{"type":"pageview","site":"shop","url":"https://shop.example.jp/","time":"2020-01-01T00:00:00Z"}`, nil, "", schemas.Rejected, schemas.ReasonInvalid, "")
	for _, body := range []string{"", "{", `"event"`, "[]", "[" + view + "," + view + "]"} {
		if _, err := x.Explain(Question{Event: []byte(body)}); err == nil {
			t.Errorf("%q is explained", body)
		}
	}
}
