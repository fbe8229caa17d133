package enforcer

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// saying is what a signal says of a purpose: a row of the table of precedence in
// DESIGN.md, and the reason that is given when it decides.
type saying struct {
	row    int
	reason schemas.Reason
}

var (
	malformed = saying{1, schemas.ReasonMalformedConsent}
	refused   = saying{2, schemas.ReasonRefused}
	byGPC     = saying{2, schemas.ReasonGPC}
	byDNT     = saying{2, schemas.ReasonDNT}
	optedOut  = saying{2, schemas.ReasonOptOutSignal}
	granted   = saying{3, schemas.ReasonGranted}
	outdated  = saying{4, schemas.ReasonOutdatedConsent}
	silent    = saying{5, schemas.ReasonSilent}
)

// sayings are of analytics, advertising and social.
type sayings [3]saying

func ofAll(s saying) sayings { return sayings{s, s, s} }

// statement is what one signal says, in one of the forms that it has.
type statement struct {
	name   string
	says   sayings
	object map[string]any // in the event's consent object
	cookie string         // in the gateway's own cookie
	header schemas.Signals
	in     string // the place where it binds; everywhere when empty
}

// of returns what the statement says of a purpose in a place.
func (s *statement) of(purpose int, place string) saying {
	if s.in != "" && s.in != place {
		return silent
	}
	return s.says[purpose]
}

var everything = map[string]any{"analytics": true, "advertising": true, "social": true}

// statements are of all kinds of signals and of all rows, for each purpose.
var statements = []statement{
	{name: "object malformed", says: ofAll(malformed), object: map[string]any{"advertising": "yes"}},
	{name: "own cookie malformed", says: ofAll(malformed), cookie: "1.2026-10-01.everything"},
	{name: "cookie twice", says: ofAll(malformed), header: schemas.Signals{Unclear: "euconsent-v2"}},
	{name: "TC string malformed", says: ofAll(malformed), header: schemas.Signals{TCF: tcAcceptAllV23[:40]}},
	{name: "TC string outdated", says: ofAll(malformed), header: schemas.Signals{TCF: tcV23MissingDisclosedCreatedAfterCutoff}},
	{name: "GPP malformed", says: ofAll(malformed), header: schemas.Signals{GPP: "DBABLA"}},
	{name: "GPP section malformed", says: ofAll(malformed), header: schemas.Signals{GPP: "DBABLA~CVV", GPPSections: "7"}},
	{name: "GPP sections malformed", says: ofAll(malformed), header: schemas.Signals{GPPSections: "seven"}},
	{name: "Additional Consent malformed", says: ofAll(malformed), header: schemas.Signals{AdditionalConsent: "3~1"}},
	{name: "own cookie of no date", says: ofAll(malformed), cookie: "1.2026-13-45.advertising"},
	{name: "own cookie of the future", says: ofAll(malformed), cookie: "1.2027-01-01.advertising"},
	{name: "OneTrust of the future", says: ofAll(malformed), header: schemas.Signals{OneTrust: "groups=C0004:1", OneTrustClosed: "2027-01-01T09:00:00.000Z"}},
	{name: "US Privacy malformed", says: ofAll(malformed), header: schemas.Signals{USPrivacy: "1Y"}},
	{name: "gcs malformed", says: ofAll(malformed), header: schemas.Signals{GCS: "G2"}},
	{name: "gcd malformed", says: ofAll(malformed), header: schemas.Signals{GCD: "xyz"}},
	{name: "OneTrust malformed", says: ofAll(malformed), header: schemas.Signals{OneTrust: "groups=C0004"}},
	{name: "Cookiebot malformed", says: ofAll(malformed), header: schemas.Signals{Cookiebot: "yes"}},
	{name: "ATT malformed", says: ofAll(malformed), header: schemas.Signals{ATT: "perhaps"}},
	{name: "object refused", says: ofAll(refused), object: map[string]any{"analytics": false, "advertising": false, "social": false}},
	{name: "object in part", says: sayings{granted, silent, refused}, object: map[string]any{"analytics": true, "social": false}},
	{name: "own cookie refused", says: ofAll(refused), cookie: "1.2026-10-01.none"},
	{name: "TC string refused", says: ofAll(refused), header: schemas.Signals{TCF: tcRejectAllV23}},
	{name: "gcs denied", says: sayings{granted, refused, silent}, header: schemas.Signals{GCS: "G101"}},
	{name: "gcs denied for analytics", says: sayings{refused, granted, silent}, header: schemas.Signals{GCS: "G110"}},
	{name: "gcd denied", says: sayings{refused, refused, silent}, header: schemas.Signals{GCD: "11p1p1p1p5"}},
	{name: "OneTrust in part", says: sayings{granted, refused, silent}, header: schemas.Signals{OneTrust: "groups=C0001:1,C0002:1,C0004:0&interactionCount=1", OneTrustClosed: "2026-11-01T09:00:00.000Z"}},
	{name: "Cookiebot in part", says: sayings{refused, granted, granted}, header: schemas.Signals{Cookiebot: "{stamp:'a',necessary:true,preferences:false,statistics:false,marketing:true,method:'explicit',ver:1,utc:1790812800000}"}},
	{name: "Segment refused", says: ofAll(refused), header: schemas.Signals{Categories: `{"C0004":false}`}},
	{name: "GPC", says: sayings{silent, byGPC, byGPC}, header: schemas.Signals{GPC: "1"}},
	{name: "DNT", says: sayings{silent, byDNT, byDNT}, header: schemas.Signals{DNT: "1"}, in: "DE"},
	{name: "GPP opted out", says: sayings{silent, optedOut, optedOut}, header: schemas.Signals{GPP: "DBABLA~CVVaAAAAAACA", GPPSections: "7"}},
	{name: "GPP section missing", says: sayings{silent, optedOut, optedOut}, header: schemas.Signals{GPP: "DBABBg~BVoAAACA", GPPSections: "7"}},
	{name: "GPP sections without a string", says: sayings{silent, optedOut, optedOut}, header: schemas.Signals{GPPSections: "7"}},
	{name: "US Privacy opted out", says: sayings{silent, optedOut, optedOut}, header: schemas.Signals{USPrivacy: "1YYN"}},
	{name: "ATT denied", says: sayings{silent, optedOut, silent}, header: schemas.Signals{ATT: "denied"}},
	{name: "tracking limited", says: sayings{silent, optedOut, silent}, header: schemas.Signals{LimitAdTracking: "1"}},
	{name: "object granted", says: ofAll(granted), object: everything},
	{name: "own cookie of everything", says: ofAll(granted), cookie: "1.2026-10-01.analytics+advertising+social"},
	{name: "own cookie granted", says: sayings{refused, granted, refused}, cookie: "1.2026-10-01.advertising"},
	{name: "TC string granted", says: ofAll(granted), header: schemas.Signals{TCF: tcAcceptAllV23}},
	{name: "gcd granted", says: sayings{granted, granted, silent}, header: schemas.Signals{GCD: "11v1v1v1v5"}},
	{name: "Segment granted", says: sayings{refused, granted, refused}, header: schemas.Signals{Categories: `{"C0004":true}`}},
	{name: "object outdated", says: ofAll(outdated), object: map[string]any{"analytics": true, "advertising": true, "social": true, "policy": "2020-01-01"}},
	{name: "own cookie outdated", says: sayings{refused, outdated, refused}, cookie: "1.2020-01-01.advertising"},
	{name: "own cookie outdated in all", says: ofAll(outdated), cookie: "1.2020-01-01.analytics+advertising+social"},
	{name: "nothing", says: ofAll(silent)},
	{name: "OneTrust default", says: ofAll(silent), header: schemas.Signals{OneTrust: "groups=C0001:1,C0004:1"}},
	{name: "OneTrust unmapped", says: ofAll(silent), header: schemas.Signals{OneTrust: "groups=X9:1&interactionCount=1", OneTrustClosed: "2026-11-01T09:00:00.000Z"}},
	{name: "GPP not opted out", says: ofAll(silent), header: schemas.Signals{GPP: "DBABLA~CVVqAAAAAACA.QA", GPPSections: "7"}},
	{name: "US Privacy not opted out", says: ofAll(silent), header: schemas.Signals{USPrivacy: "1YNN"}},
	{name: "gcd granted by default", says: ofAll(silent), header: schemas.Signals{GCD: "11t1t1t1t5"}},
	{name: "gcd never set", says: ofAll(silent), header: schemas.Signals{GCD: "13l3l3l3l1l1"}},
	{name: "ATT authorized", says: ofAll(silent), header: schemas.Signals{ATT: "authorized"}},
	{name: "tracking not limited", says: ofAll(silent), header: schemas.Signals{LimitAdTracking: "0"}},
}

// asked are events of one purpose each; without consent to it they are dropped.
var asked = [...]map[string]any{
	{"type": "custom", "name": "search", "site": "shop"},
	{"type": "ad_click", "ad_placement": "top", "site": "shop"},
	{"type": "custom", "name": "share", "site": "shop"},
}

// TestPrecedence lets each statement meet every other, in either place, for every
// purpose: the higher row of the table wins, where silence refuses (DE) and where
// it grants (US-CA).
func TestPrecedence(t *testing.T) {
	table := exampleTable(t)
	check := func(a, b *statement, purpose int, place string) {
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
		event := maps.Clone(asked[purpose])
		event["consent"] = consent
		body, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Place: place, Consent: a.cookie + b.cookie, Signals: b.header}
		var v Verdict
		table.Decide(table.Site("shop"), decode(t, string(body)), &r, nil, &v)

		first, second := a.of(purpose, place), b.of(purpose, place)
		if first.row > second.row {
			first, second = second, first
		}
		reasons := []schemas.Reason{first.reason}
		if first.row == second.row {
			reasons = append(reasons, second.reason)
		}
		outcome := schemas.Dropped
		if first.row == 3 {
			outcome = schemas.Allowed
		}
		if first.row > 3 && place == "US-CA" { // silence grants
			outcome, reasons = schemas.Allowed, []schemas.Reason{schemas.ReasonGranted}
		}
		got := v.Recipients[0]
		if got.Outcome != outcome || !slices.Contains(reasons, got.Reason) {
			t.Errorf("%v: %s in the event and %s in the request, in %s: %v because %v, want %v because %v",
				schemas.Analytics+schemas.Purpose(purpose), a.name, b.name, place, got.Outcome, got.Reason, outcome, reasons)
		}
	}
	for purpose := range asked {
		rows := make(map[int]bool)
		for i := range statements {
			rows[statements[i].says[purpose].row] = true
			for j := range statements {
				check(&statements[i], &statements[j], purpose, "DE")
				check(&statements[i], &statements[j], purpose, "US-CA")
			}
		}
		if len(rows) != 5 {
			t.Errorf("%d rows of the table are covered for purpose %d", len(rows), purpose)
		}
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
