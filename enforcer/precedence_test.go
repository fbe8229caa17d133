package enforcer

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// statement is something that a signal says of advertising.
type statement struct {
	row    int // of the table of precedence in DESIGN.md
	name   string
	object map[string]any // in the event's consent object
	cookie string         // in the gateway's own cookie
	header schemas.Signals
	reason schemas.Reason
}

// statements are of all kinds of signals, and of all rows.
var statements = []statement{
	{1, "object malformed", map[string]any{"advertising": "yes"}, "", schemas.Signals{}, schemas.ReasonMalformedConsent},
	{1, "own cookie malformed", nil, "1.2026-10-01.everything", schemas.Signals{}, schemas.ReasonMalformedConsent},
	{1, "cookie twice", nil, "", schemas.Signals{Unclear: "euconsent-v2"}, schemas.ReasonMalformedConsent},
	{1, "TC string malformed", nil, "", schemas.Signals{TCF: tcAcceptAllV23[:40]}, schemas.ReasonMalformedConsent},
	{1, "TC string outdated", nil, "", schemas.Signals{TCF: tcV23MissingDisclosedCreatedAfterCutoff}, schemas.ReasonMalformedConsent},
	{1, "GPP malformed", nil, "", schemas.Signals{GPP: "DBABLA"}, schemas.ReasonMalformedConsent},
	{1, "GPP section malformed", nil, "", schemas.Signals{GPP: "DBABLA~CVV", GPPSections: "7"}, schemas.ReasonMalformedConsent},
	{1, "GPP sections malformed", nil, "", schemas.Signals{GPPSections: "seven"}, schemas.ReasonMalformedConsent},
	{1, "Additional Consent malformed", nil, "", schemas.Signals{AdditionalConsent: "3~1"}, schemas.ReasonMalformedConsent},
	{1, "own cookie of no date", nil, "1.2026-13-45.advertising", schemas.Signals{}, schemas.ReasonMalformedConsent},
	{1, "own cookie of the future", nil, "1.2027-01-01.advertising", schemas.Signals{}, schemas.ReasonMalformedConsent},
	{1, "OneTrust of the future", nil, "", schemas.Signals{OneTrust: "groups=C0004:1", OneTrustClosed: "2027-01-01T09:00:00.000Z"}, schemas.ReasonMalformedConsent},
	{1, "US Privacy malformed", nil, "", schemas.Signals{USPrivacy: "1Y"}, schemas.ReasonMalformedConsent},
	{1, "gcs malformed", nil, "", schemas.Signals{GCS: "G2"}, schemas.ReasonMalformedConsent},
	{1, "gcd malformed", nil, "", schemas.Signals{GCD: "xyz"}, schemas.ReasonMalformedConsent},
	{1, "OneTrust malformed", nil, "", schemas.Signals{OneTrust: "groups=C0004"}, schemas.ReasonMalformedConsent},
	{1, "Cookiebot malformed", nil, "", schemas.Signals{Cookiebot: "yes"}, schemas.ReasonMalformedConsent},
	{1, "ATT malformed", nil, "", schemas.Signals{ATT: "perhaps"}, schemas.ReasonMalformedConsent},
	{2, "object refused", map[string]any{"advertising": false}, "", schemas.Signals{}, schemas.ReasonRefused},
	{2, "own cookie refused", nil, "1.2026-10-01.none", schemas.Signals{}, schemas.ReasonRefused},
	{2, "TC string refused", nil, "", schemas.Signals{TCF: tcRejectAllV23}, schemas.ReasonRefused},
	{2, "gcs denied", nil, "", schemas.Signals{GCS: "G101"}, schemas.ReasonRefused},
	{2, "gcd denied", nil, "", schemas.Signals{GCD: "11p1p1p1p5"}, schemas.ReasonRefused},
	{2, "OneTrust refused", nil, "", schemas.Signals{OneTrust: "groups=C0001:1,C0004:0&interactionCount=1", OneTrustClosed: "2026-11-01T09:00:00.000Z"}, schemas.ReasonRefused},
	{2, "Segment refused", nil, "", schemas.Signals{Categories: `{"C0004":false}`}, schemas.ReasonRefused},
	{2, "GPC", nil, "", schemas.Signals{GPC: "1"}, schemas.ReasonGPC},
	{2, "DNT", nil, "", schemas.Signals{DNT: "1"}, schemas.ReasonDNT},
	{2, "GPP opted out", nil, "", schemas.Signals{GPP: "DBABLA~CVVaAAAAAACA", GPPSections: "7"}, schemas.ReasonOptOutSignal},
	{2, "GPP section missing", nil, "", schemas.Signals{GPP: "DBABBg~BVoAAACA", GPPSections: "7"}, schemas.ReasonOptOutSignal},
	{2, "GPP sections without a string", nil, "", schemas.Signals{GPPSections: "7"}, schemas.ReasonOptOutSignal},
	{2, "US Privacy opted out", nil, "", schemas.Signals{USPrivacy: "1YYN"}, schemas.ReasonOptOutSignal},
	{2, "ATT denied", nil, "", schemas.Signals{ATT: "denied"}, schemas.ReasonOptOutSignal},
	{2, "tracking limited", nil, "", schemas.Signals{LimitAdTracking: "1"}, schemas.ReasonOptOutSignal},
	{3, "object granted", map[string]any{"advertising": true}, "", schemas.Signals{}, schemas.ReasonGranted},
	{3, "own cookie granted", nil, "1.2026-10-01.advertising", schemas.Signals{}, schemas.ReasonGranted},
	{3, "TC string granted", nil, "", schemas.Signals{TCF: tcAcceptAllV23}, schemas.ReasonGranted},
	{3, "gcd granted", nil, "", schemas.Signals{GCD: "11t1t1t1t5"}, schemas.ReasonGranted},
	{3, "Segment granted", nil, "", schemas.Signals{Categories: `{"C0004":true}`}, schemas.ReasonGranted},
	{4, "object outdated", map[string]any{"advertising": true, "policy": "2020-01-01"}, "", schemas.Signals{}, schemas.ReasonOutdatedConsent},
	{4, "own cookie outdated", nil, "1.2020-01-01.advertising", schemas.Signals{}, schemas.ReasonOutdatedConsent},
	{5, "nothing", nil, "", schemas.Signals{}, schemas.ReasonSilent},
	{5, "object of something else", map[string]any{"social": true}, "", schemas.Signals{}, schemas.ReasonSilent},
	{5, "OneTrust default", nil, "", schemas.Signals{OneTrust: "groups=C0001:1,C0004:1"}, schemas.ReasonSilent},
	{5, "OneTrust unmapped", nil, "", schemas.Signals{OneTrust: "groups=X9:1&interactionCount=1", OneTrustClosed: "2026-11-01T09:00:00.000Z"}, schemas.ReasonSilent},
	{5, "GPP not opted out", nil, "", schemas.Signals{GPP: "DBABLA~CVVqAAAAAACA.QA", GPPSections: "7"}, schemas.ReasonSilent},
	{5, "US Privacy not opted out", nil, "", schemas.Signals{USPrivacy: "1YNN"}, schemas.ReasonSilent},
	{5, "gcd never set", nil, "", schemas.Signals{GCD: "13l3l3l3l1l1"}, schemas.ReasonSilent},
	{5, "ATT authorized", nil, "", schemas.Signals{ATT: "authorized"}, schemas.ReasonSilent},
	{5, "tracking not limited", nil, "", schemas.Signals{LimitAdTracking: "0"}, schemas.ReasonSilent},
}

// TestPrecedence lets each statement meet every other, in either place: the
// higher row of the table wins, where silence refuses and where it grants.
func TestPrecedence(t *testing.T) {
	table := exampleTable(t)
	check := func(a, b *statement, place string) {
		t.Helper()
		// a speaks in the event, b in the request.
		consent := maps.Clone(a.object)
		if consent == nil {
			consent = make(map[string]any)
		}
		addSignals(consent, &a.header)
		if b.object != nil && a.object != nil || a.cookie != "" && b.cookie != "" {
			return // there is only one of them
		}
		if a.header.Unclear != "" {
			return // which is of requests alone
		}
		maps.Copy(consent, b.object)
		body, err := json.Marshal(map[string]any{"type": "ad_click", "site": "shop", "ad_placement": "top", "consent": consent})
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Place: place, Consent: a.cookie + b.cookie, Signals: b.header}
		var v Verdict
		table.Decide(table.Site("shop"), decode(t, string(body)), &r, nil, &v)

		row, reasons := min(a.row, b.row), []schemas.Reason{a.reason, b.reason}
		if a.row < b.row {
			reasons = reasons[:1]
		} else if a.row > b.row {
			reasons = reasons[1:]
		}
		outcome := schemas.Dropped
		if row == 3 {
			outcome = schemas.Allowed
		}
		if row > 3 && place == "US-NY" { // silence grants
			outcome, reasons = schemas.Allowed, []schemas.Reason{schemas.ReasonGranted}
		}
		got := v.Recipients[0]
		if got.Outcome != outcome || got.Reason != reasons[0] && got.Reason != reasons[len(reasons)-1] {
			t.Errorf("%s in the event and %s in the request, in %s: %v because %v, want %v because %v",
				a.name, b.name, place, got.Outcome, got.Reason, outcome, reasons)
		}
	}
	rows := make(map[int]bool)
	for i := range statements {
		rows[statements[i].row] = true
		for j := range statements {
			check(&statements[i], &statements[j], "DE")
			if statements[i].header.DNT+statements[j].header.DNT == "" { // which does not bind there
				check(&statements[i], &statements[j], "US-NY")
			}
		}
	}
	if len(rows) != 5 {
		t.Errorf("%d rows of the table are covered", len(rows))
	}
}

// addSignals writes signals as the members of a consent object.
func addSignals(consent map[string]any, s *schemas.Signals) {
	add := func(name, text string, value any) {
		if text != "" {
			consent[name] = value
		}
	}
	add("gpc", s.GPC, true)
	add("dnt", s.DNT, true)
	add("tcf", s.TCF, s.TCF)
	add("additional_consent", s.AdditionalConsent, s.AdditionalConsent)
	add("gpp", s.GPP, s.GPP)
	add("gpp_sections", s.GPPSections, s.GPPSections)
	add("us_privacy", s.USPrivacy, s.USPrivacy)
	add("gcs", s.GCS, s.GCS)
	add("gcd", s.GCD, s.GCD)
	add("onetrust", s.OneTrust, s.OneTrust)
	add("onetrust_closed", s.OneTrustClosed, s.OneTrustClosed)
	add("cookiebot", s.Cookiebot, s.Cookiebot)
	add("categories", s.Categories, json.RawMessage(s.Categories))
	add("att", s.ATT, s.ATT)
	add("limit_ad_tracking", s.LimitAdTracking, s.LimitAdTracking)
}

// TestConsentBeforeRevision: whatever tells when the user chose counts as silence
// if that was before the policy's last material revision. A refusal stays one.
func TestConsentBeforeRevision(t *testing.T) {
	revised, err := policy.Parse([]byte(strings.Replace(string(policy.Example), "  - date: 2026-10-01\n", "  - date: 2026-10-01\n    material: true\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if revised.LastMaterial() != "2026-10-01" {
		t.Fatal("the example policy is not what it was")
	}
	before, after := exampleTable(t), Compile(revised)
	check := func(name string, table *Table, place string, s schemas.Signals, want schemas.Reason) {
		t.Helper()
		r := Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Place: place, Signals: s}
		var v Verdict
		table.Decide(table.Site("shop"), decode(t, `{"type":"pageview","site":"shop","url":"https://shop.example.jp/"}`), &r, nil, &v)
		if v.Reason != want {
			t.Errorf("%s in %s under the policy of %s: %v because %v, want %v", name, place, table.Material, v.Outcome, v.Reason, want)
		}
	}
	didomi := func(updated string) string {
		return base64.StdEncoding.EncodeToString([]byte(`{"updated":"` + updated + `","purposes":{"enabled":["measure_content_performance"],"disabled":[]}}`))
	}
	const (
		oneTrust  = "groups=C0001:1,C0002:1&interactionCount=1"
		cookiebot = "{stamp:'a',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit',ver:1,utc:"
	)
	for name, s := range map[string]schemas.Signals{
		"TC string":  {TCF: tcAcceptAllV23}, // of April
		"TCF in GPP": {GPP: "DBABMA~" + tcAcceptAllV23},
		"OneTrust":   {OneTrust: oneTrust, OneTrustClosed: "2026-09-30T23:59:59.999Z"},
		"Cookiebot":  {Cookiebot: cookiebot + "1790812799999}"}, // the last moment of September
		"Didomi":     {Didomi: didomi("2026-09-30T23:59:59.999Z")},
	} {
		check(name, before, "DE", s, schemas.ReasonGranted)
		check(name, after, "DE", s, schemas.ReasonOutdatedConsent)
		check(name, after, "US-NY", s, schemas.ReasonGranted) // by silence
	}
	for name, s := range map[string]schemas.Signals{
		"OneTrust":                {OneTrust: oneTrust, OneTrustClosed: "2026-10-01T00:00:00Z"},
		"OneTrust without a time": {OneTrust: oneTrust},
		"Cookiebot":               {Cookiebot: cookiebot + "1790812800000}"},
		"Didomi":                  {Didomi: didomi("2026-10-01T00:00:00.000Z")},
	} {
		check(name, after, "DE", s, schemas.ReasonGranted)
	}
	check("refusal", after, "US-NY", schemas.Signals{TCF: tcRejectAllV23}, schemas.ReasonRefused)
	check("no time", after, "US-NY", schemas.Signals{OneTrust: oneTrust, OneTrustClosed: "2026-99-01T00:00:00Z"}, schemas.ReasonMalformedConsent)
}
