package enforcer

import (
	"strings"
	"testing"
	"time"

	"sekisho/enforcer/registry"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

func exampleTable(t testing.TB) *Table {
	t.Helper()
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	return Compile(p)
}

func newResets(t testing.TB) *Resets {
	t.Helper()
	hasher, err := registry.NewHasher([]byte(strings.Repeat("r", registry.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	return NewResets(hasher)
}

func newKeys(t testing.TB) *Keys {
	t.Helper()
	keys, err := NewKeys("k1", []byte(strings.Repeat("p", MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// decode reads an event as the collector does.
func decode(t testing.TB, text string) *schemas.Event {
	t.Helper()
	var d schemas.Decoder
	e := new(schemas.Event)
	if _, err := d.Parse([]byte(text)); err != nil {
		t.Fatalf("cannot parse %s: %v", text, err)
	}
	if problem := d.Event(0, e); problem != nil {
		t.Fatalf("cannot decode %s: %v", text, problem)
	}
	if !e.Fields.Has(schemas.ID) {
		e.Set(schemas.ID, "0190163d-8694-739b-aea5-966c26f8ad91")
	}
	if e.Time.IsZero() {
		e.Time = time.Date(2026, 11, 2, 9, 17, 23, 456e6, time.UTC)
	}
	Normalise(e)
	return e
}

// TestConsentObjectAndCookie: how the two combine, for page views: the most
// restrictive wins, malformed is refusal, silence is the jurisdiction's default.
func TestConsentObjectAndCookie(t *testing.T) {
	table := exampleTable(t)
	check := func(consent string, request Request, country string, outcome schemas.Outcome, reason schemas.Reason) {
		t.Helper()
		text := `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","visitor_id":"v"`
		if consent != "" {
			text += `,"consent":` + consent
		}
		if country != "" {
			text += `,"region":"` + country + `"`
		}
		e := decode(t, text+"}")
		var v Verdict
		request.Now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
		table.Decide(table.Site("shop"), e, &request, nil, &v)
		if v.Outcome != outcome || v.Reason != reason {
			t.Errorf("consent %s, request %+v, in %q: got %v because %v, want %v because %v", consent, request, country, v.Outcome, v.Reason, outcome, reason)
		}
	}
	const (
		yes       = `{"analytics":true,"advertising":true,"social":true}`
		no        = `{"analytics":false}`
		old       = `{"analytics":true,"policy":"2022-03-31"}`
		current   = `{"analytics":true,"policy":"2022-04-01"}`
		cookieYes = "1.2026-10-01.analytics+advertising"
		cookieNo  = "1.2026-10-01.none"
		cookieOld = "1.2021-01-01.analytics"
	)
	var (
		silent = Request{}
		gpc    = Request{Signals: schemas.Signals{GPC: "1"}}
		dnt    = Request{Signals: schemas.Signals{DNT: "1"}}
		cookie = func(c string) Request { return Request{Consent: c} }
	)
	// One signal.
	check(yes, silent, "", schemas.Allowed, schemas.ReasonGranted)
	check(no, silent, "", schemas.Anonymised, schemas.ReasonRefused)
	check("", silent, "", schemas.Anonymised, schemas.ReasonSilent)
	check("{}", silent, "", schemas.Anonymised, schemas.ReasonSilent)
	check("", cookie(cookieYes), "", schemas.Allowed, schemas.ReasonGranted)
	check("", cookie(cookieNo), "", schemas.Anonymised, schemas.ReasonRefused)
	// Two that differ: the refusal wins.
	check(yes, cookie(cookieNo), "", schemas.Anonymised, schemas.ReasonRefused)
	check(no, cookie(cookieYes), "", schemas.Anonymised, schemas.ReasonRefused)
	// Malformed is refusal, whatever else is said.
	check(`"yes"`, silent, "", schemas.Anonymised, schemas.ReasonMalformedConsent)
	check(`{"analytics":"true"}`, silent, "", schemas.Anonymised, schemas.ReasonMalformedConsent)
	check(`{"analytics":true,"unknown":1}`, silent, "", schemas.Anonymised, schemas.ReasonMalformedConsent)
	check(`{"analytics":true,"policy":"soon"}`, silent, "", schemas.Anonymised, schemas.ReasonMalformedConsent)
	check(yes, cookie("1.2026-10-01.everything"), "", schemas.Anonymised, schemas.ReasonMalformedConsent)
	check("", cookie("2.2026-10-01.analytics"), "", schemas.Anonymised, schemas.ReasonMalformedConsent)
	// No such day, and a policy that is still to come.
	for _, date := range []string{"9999-99-99", "2026-13-45", "2026-02-30", "0000-00-00", "2026-11-04"} {
		check(`{"analytics":true,"policy":"`+date+`"}`, silent, "", schemas.Anonymised, schemas.ReasonMalformedConsent)
		check("", cookie("1."+date+".analytics"), "", schemas.Anonymised, schemas.ReasonMalformedConsent)
	}
	check("", cookie("1.2026-11-03.analytics"), "", schemas.Allowed, schemas.ReasonGranted)
	// Consent older than the last material revision is silence.
	check(old, silent, "", schemas.Anonymised, schemas.ReasonOutdatedConsent)
	check(current, silent, "", schemas.Allowed, schemas.ReasonGranted)
	check("", cookie(cookieOld), "", schemas.Anonymised, schemas.ReasonOutdatedConsent)
	check(old, silent, "US-NY", schemas.Allowed, schemas.ReasonGranted)
	// Silence by place.
	check("", silent, "US-NY", schemas.Allowed, schemas.ReasonGranted)
	check("", silent, "ZZ", schemas.Anonymised, schemas.ReasonSilent)
	// What is no place has the strictest rules, not those of what it begins with.
	check("", Request{Place: "US,DE"}, "", schemas.Anonymised, schemas.ReasonSilent)
	for _, none := range []string{"USA", "US_NY", "US-ny", "us-NY", "US-", "U"} {
		check("", silent, none, schemas.Anonymised, schemas.ReasonSilent)
		check("", Request{Place: none}, "", schemas.Anonymised, schemas.ReasonSilent)
		check("", Request{Place: none}, "US-NY", schemas.Anonymised, schemas.ReasonSilent)
	}
	check(`"yes"`, silent, "US-NY", schemas.Anonymised, schemas.ReasonMalformedConsent)
	// The edge knows better than the event.
	check("", Request{Place: "DE"}, "US-NY", schemas.Anonymised, schemas.ReasonSilent)
	// GPC and DNT refuse what the policy says that they refuse: not analytics.
	check(yes, gpc, "", schemas.Allowed, schemas.ReasonGranted)
	check(yes, dnt, "", schemas.Allowed, schemas.ReasonGranted)
}

func TestAdvertisingSignals(t *testing.T) {
	table := exampleTable(t)
	check := func(request Request, region string, outcome schemas.Outcome, reason schemas.Reason) {
		t.Helper()
		e := decode(t, `{"type":"ad_click","site":"shop","ad_placement":"top","region":"`+region+`","consent":{"advertising":true}}`)
		var v Verdict
		table.Decide(table.Site("shop"), e, &request, nil, &v)
		if v.Outcome != outcome || v.Reason != reason {
			t.Errorf("request %+v in %q: got %v because %v, want %v because %v", request, region, v.Outcome, v.Reason, outcome, reason)
		}
	}
	check(Request{}, "JP", schemas.Allowed, schemas.ReasonGranted)
	check(Request{Signals: schemas.Signals{GPC: "1"}}, "JP", schemas.Dropped, schemas.ReasonGPC)
	check(Request{Signals: schemas.Signals{GPC: "0"}}, "JP", schemas.Allowed, schemas.ReasonGranted)
	check(Request{Signals: schemas.Signals{GPC: "true"}}, "JP", schemas.Allowed, schemas.ReasonGranted)
	check(Request{Signals: schemas.Signals{DNT: "1"}}, "JP", schemas.Allowed, schemas.ReasonGranted)
	check(Request{Signals: schemas.Signals{DNT: "1"}}, "DE", schemas.Dropped, schemas.ReasonDNT)
	check(Request{Signals: schemas.Signals{DNT: "1"}}, "ZZ", schemas.Dropped, schemas.ReasonDNT)
}

func TestFieldsByPurpose(t *testing.T) {
	table := exampleTable(t)
	keys := newKeys(t)
	const event = `{"type":"pageview","site":"shop","url":"https://shop.example.jp/p?id=7","title":"Tea","country":"JP","visitor_id":"abc",
		"gaid":"38400000-8cf0-11bd-b23e-10b96e40000d","ad_campaign":"autumn","user_agent":"Mozilla/5.0 Chrome/155.0.1","age_band":"30-39","properties":{"plan":"gold","items":2},"consent":%}`
	record := func(consent string) *schemas.Record {
		e := decode(t, strings.Replace(event, "%", consent, 1))
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{}, nil, &v)
		return new(Projector).Record(keys, e, &v, v.Outcome)
	}
	all := record(`{"analytics":true,"advertising":true}`)
	if !all.Event.Fields.Has(schemas.GAID) || !all.Event.Fields.Has(schemas.AdCampaign) || len(all.Event.Properties) != 2 {
		t.Errorf("with all granted, fields are missing: %v", all.Event.Fields.Names())
	}
	if strings.Contains(string(all.AppendJSON(nil)), "38400000") {
		t.Error("a raw advertising identifier is in the record")
	}
	analytics := record(`{"analytics":true,"advertising":false}`)
	for _, f := range []schemas.Field{schemas.GAID, schemas.AdCampaign} {
		if analytics.Event.Fields.Has(f) {
			t.Errorf("without advertising, %v is in the record", f)
		}
	}
	none := record(`{"analytics":false}`)
	if none.Outcome != schemas.Anonymised {
		t.Fatalf("without consent, the outcome is %v", none.Outcome)
	}
	got := string(none.AppendJSON(nil))
	for _, secret := range []string{"abc", "38400000", "gold", "30-39", "id=7", "Tea", "17:23", "0190163d", "155.0"} {
		if strings.Contains(got, secret) {
			t.Errorf("the anonymised record has %q: %s", secret, got)
		}
	}
	if !strings.Contains(got, `"user_agent":"Chrome 155"`) || !strings.Contains(got, `"time":"2026-11-02T09:00:00.000Z"`) {
		t.Errorf("the anonymised record lacks the browser's family or the hour: %s", got)
	}
}

// TestResetHolds: an event under a reset identifier of any kind never passes
// with it, however the identifier is written.
func TestResetHolds(t *testing.T) {
	table := exampleTable(t)
	resets := newResets(t)
	put := func(f schemas.Field, id string) {
		resets.Put(&schemas.Reset{Field: f, Hash: resets.Hash(f, NormalIdentifier(f, id)), At: time.Now()})
	}
	put(schemas.IDFA, "EA7583CD-A667-48BC-B806-42ECB2B48606")
	put(schemas.GA, "GA1.1.123.456")
	put(schemas.VisitorID, "v1")
	check := func(field, id string, outcome schemas.Outcome) {
		t.Helper()
		e := decode(t, `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","consent":{"analytics":true,"advertising":true},"`+field+`":"`+id+`"}`)
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{}, resets, &v)
		if v.Outcome != outcome {
			t.Errorf("%s %s: got %v because %v, want %v", field, id, v.Outcome, v.Reason, outcome)
		}
	}
	check("visitor_id", "v1", schemas.Dropped)
	check("visitor_id", "v2", schemas.Allowed)
	check("user_id", "v1", schemas.Allowed) // another kind
	check("idfa", "ea7583cd-a667-48bc-b806-42ecb2b48606", schemas.Dropped)
	check("idfa", "00000000-0000-0000-0000-000000000000", schemas.Allowed) // none
	check("gaid", strings.Repeat("0", 32), schemas.Allowed)
	for _, said := range []string{"", `,"limit_ad_tracking":"0"`} { // none is a refusal of advertising, whatever else is said
		e := decode(t, `{"type":"ad_click","site":"shop","ad_placement":"top","consent":{"advertising":true`+said+`},"gaid":"`+strings.Repeat("0", 32)+`"}`)
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{}, resets, &v)
		if v.Outcome != schemas.Dropped || v.Reason != schemas.ReasonOptOutSignal || e.Fields.Has(schemas.GAID) {
			t.Errorf("a zero gaid with %q: %v because %v", said, v.Outcome, v.Reason)
		}
	}
	check("ga", "123.456", schemas.Dropped)
	check("ga", "GA1.2.123.456", schemas.Dropped)
	check("ga", "123.457", schemas.Allowed)
}

func TestThirdPartiesGetOnlyWhatIsTheirs(t *testing.T) {
	table := exampleTable(t)
	e := decode(t, `{"type":"conversion","site":"shop","consent":{"analytics":true,"advertising":true},"visitor_id":"v"}`)
	var v Verdict
	table.Decide(table.Site("shop"), e, &Request{}, nil, &v)
	for _, rv := range v.Recipients {
		if rv.Outcome != schemas.Allowed {
			t.Errorf("%s: %v because %v", table.Recipients[rv.Recipient], rv.Outcome, rv.Reason)
		}
	}
	e = decode(t, `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","consent":{"analytics":false,"advertising":true}}`)
	table.Decide(table.Site("shop"), e, &Request{}, nil, &v)
	for i, rv := range v.Recipients {
		want := schemas.Dropped
		if i == 0 {
			want = schemas.Anonymised
		}
		if rv.Outcome != want {
			t.Errorf("without analytics, a page view for %s: %v, want %v", table.Recipients[rv.Recipient], rv.Outcome, want)
		}
	}
}

func TestRefusalsAreCountedNotRemembered(t *testing.T) {
	table := exampleTable(t)
	e := decode(t, `{"type":"consent","site":"shop","visitor_id":"v","user_agent":"X","consent":{"analytics":false,"advertising":false,"social":false}}`)
	var v Verdict
	table.Decide(table.Site("shop"), e, &Request{}, nil, &v)
	if v.Outcome != schemas.Anonymised {
		t.Fatalf("a refusal is %v", v.Outcome)
	}
	record := new(Projector).Record(newKeys(t), e, &v, schemas.Anonymised)
	if ids := record.Event.Fields & schemas.Identifiers; ids != 0 {
		t.Errorf("a refusal has %v", ids.Names())
	}
}

func TestAnonymousIDIsStableAndTellsNothing(t *testing.T) {
	keys := newKeys(t)
	const id = "0190163d-8694-739b-aea5-966c26f8ad91"
	a, b := string(keys.AppendAnonymousID(nil, id)), string(keys.AppendAnonymousID(nil, id))
	if a != b {
		t.Error("a retry has another id")
	}
	if a[14] != '8' || len(a) != 36 || schemas.Check(schemas.ID, a) != nil {
		t.Errorf("%s is not a version 8 UUID", a)
	}
}
