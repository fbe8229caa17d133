package enforcer

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
)

var explainedAt = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// explain explains, and holds the explanation against the decision and the
// records that are written.
func explain(t *testing.T, event string, r Request, resets *Resets) Explanation {
	t.Helper()
	r.Now = explainedAt
	table, e := exampleTable(t), decode(t, event)
	site := table.Site(e.Get(schemas.Site))
	x := table.Explain(site, e, &r, resets)

	var v Verdict
	table.Decide(site, e, &r, resets, &v)
	if x.Outcome != v.Outcome || x.Reason != v.Reason || x.Jurisdiction.Name != v.Jurisdiction || len(x.Recipients) != len(v.Recipients) {
		t.Errorf("explained %v because %v in %s, decided %v because %v in %s", x.Outcome, x.Reason, x.Jurisdiction.Name, v.Outcome, v.Reason, v.Jurisdiction)
	}
	for _, p := range x.Purposes {
		if p.Granted != v.Purposes.Has(p.Purpose) || len(p.By) == 0 {
			t.Errorf("%v is explained as granted %t by %v", p.Purpose, p.Granted, p.By)
		}
	}
	for i, rv := range v.Recipients {
		xr := &x.Recipients[i]
		if xr.Outcome != rv.Outcome || xr.Reason != rv.Reason || xr.Recipient != table.Recipients[rv.Recipient] || xr.Why == "" {
			t.Errorf("%s is explained as %v because %v (%s), decided %v because %v", xr.Recipient, xr.Outcome, xr.Reason, xr.Why, rv.Outcome, rv.Reason)
		}
		var has schemas.FieldSet
		if rv.Outcome > schemas.Dropped {
			has, _, _ = new(Projector).Record(newKeys(t), e, &v, rv.Outcome).For(xr.Recipient)
		}
		if len(xr.Fields) != e.Fields.Len()+len(e.Properties) {
			t.Errorf("%s: %d fields are explained", xr.Recipient, len(xr.Fields))
		}
		for _, xf := range xr.Fields {
			gone := xf.Fate == FateStripped || xf.Fate == FateDropped
			if f, ok := schemas.FieldNamed([]byte(xf.Field)); ok && has.Has(f) == gone {
				t.Errorf("%s: %s is explained as %s", xr.Recipient, xf.Field, xf.Fate)
			}
		}
	}
	return x
}

func text(t *testing.T, x *Explanation) string {
	t.Helper()
	var b bytes.Buffer
	if err := x.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const explainedEvent = `{"type":"pageview","site":"shop","url":"https://shop.example.jp/p?id=7&page=2","title":"Mail taro@example.jp","visitor_id":"secret-visitor",
	"ga":"GA1.1.123.456","gaid":"38400000-8cf0-11bd-b23e-10b96e40000d","ad_campaign":"autumn","country":"JP","time":"2026-11-02T08:17:23Z",
	"user_agent":"Mozilla/5.0 Chrome/126.0.1","properties":{"plan":"gold","items":2},"consent":%}`

func TestExplainFields(t *testing.T) {
	check := func(consent, recipient string, want map[string]string) {
		t.Helper()
		x := explain(t, strings.Replace(explainedEvent, "%", consent, 1), Request{}, nil)
		got := map[string]string{}
		for _, r := range x.Recipients {
			if r.Recipient == recipient {
				for _, f := range r.Fields {
					fate := f.Fate
					for _, more := range []string{f.Value, f.Why} {
						if more != "" {
							fate += ": " + more
						}
					}
					got[f.Field] = fate
				}
			}
		}
		for field, fate := range want {
			if !strings.HasPrefix(got[field], fate) {
				t.Errorf("consent %s, %s for %s: %q, want %q", consent, field, recipient, got[field], fate)
			}
		}
	}
	check(`{"analytics":true,"advertising":true}`, "store", map[string]string{
		"id": "kept", "time": "kept", "type": "kept", "url": "kept", "visitor_id": "pseudonym", "gaid": "pseudonym", "ad_campaign": "kept",
		"title": "masked: Mail [email]", "properties.plan": "kept", "country": "kept",
	})
	check(`{"analytics":true,"advertising":true}`, "google", map[string]string{
		"visitor_id": "pseudonym", "ga": "kept: the policy lets this recipient have it as it came", "gaid": "pseudonym",
		"url": "generalised: https://shop.example.jp/p?page=2", "id": "replaced: no two recipients have the same",
		"country":         "stripped: the policy does not give this recipient location",
		"properties.plan": "stripped: the policy does not give this recipient attribute", "properties.items": "kept",
	})
	check(`{"analytics":true}`, "store", map[string]string{
		"gaid": "stripped: no granted purpose covers advertisement_identifier", "ga": "pseudonym", "ad_campaign": "stripped: no granted purpose covers advertisement_information",
	})
	check(`{"analytics":true}`, "meta", map[string]string{"url": "dropped", "properties.plan": "dropped"})
	check(`{"analytics":false}`, "store", map[string]string{
		"id": "replaced", "time": "generalised: 2026-11-02T08:00:00.000Z", "user_agent": "generalised: Chrome",
		"visitor_id": "stripped: could single a user out", "properties.plan": "stripped: could single a user out", "type": "kept",
	})
}

func TestExplainSignals(t *testing.T) {
	type says map[string]string // by signal: problem and answers
	check := func(event string, r Request, want says) {
		t.Helper()
		x := explain(t, event, r, nil)
		got := says{}
		for _, s := range x.Signals {
			line := s.Problem
			for _, a := range s.Answers {
				line += " " + a.Purpose.String() + "=" + a.Answer + "/" + a.Reason.String()
			}
			for _, recipient := range []string{"google", "meta"} {
				if len(s.Vendors[recipient]) > 0 {
					line += " " + recipient + "!" + strings.Join(s.Vendors[recipient], "+")
				}
			}
			got[s.From] = strings.TrimSpace(line)
			if s.Problem == "" && s.Said == nil {
				t.Errorf("%s says nothing at all", s.From)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", event, got, want)
		}
	}
	event := func(consent string) string {
		return `{"type":"ad_click","site":"shop","ad_placement":"top","country":"DE","consent":` + consent + `}`
	}
	check(`{"type":"ad_click","site":"shop","ad_placement":"top"}`, Request{}, says{})
	check(event(`{}`), Request{}, says{})
	check(event(`{"analytics":true,"advertising":false,"policy":"2026-10-01"}`), Request{},
		says{"event's consent": "analytics=granted/granted advertising=refused/refused"})
	check(event(`{"analytics":true,"policy":"2020-01-01"}`), Request{}, says{"event's consent": "analytics=outdated/outdated_consent"})
	check(event(`"yes"`), Request{}, says{"event's consent": "not of the form that the event schema gives it analytics=refused/malformed_consent advertising=refused/malformed_consent social=refused/malformed_consent"})
	check(event(`{"us_privacy":"1YYN","advertising":true}`), Request{Consent: "1.2026-10-01.analytics", Signals: schemas.Signals{GPC: "1", DNT: "0"}}, says{
		"event's consent":            "advertising=granted/granted",
		"event's consent.us_privacy": "advertising=refused/opt_out_signal social=refused/opt_out_signal",
		"cookie sekisho_consent":     "analytics=granted/granted advertising=refused/refused social=refused/refused",
		"header Sec-GPC":             "advertising=refused/gpc social=refused/gpc",
		"header DNT":                 "",
	})
	check(event(`{}`), Request{Signals: schemas.Signals{TCF: tcAcceptAllV23, AdditionalConsent: "2~89~dv."}}, says{
		"cookie euconsent-v2":  "analytics=granted/granted advertising=granted/granted social=granted/granted",
		"cookie addtl_consent": "",
	})
	check(event(`{"additional_consent":"2~89~dv."}`), Request{}, says{"event's consent.additional_consent": "says nothing without a TC string"})
	check(event(`{"tcf":"`+tcEveryoneButGoogle+`"}`), Request{}, says{
		"event's consent.tcf": "analytics=granted/granted advertising=granted/granted social=granted/granted google!analytics+advertising+social meta!analytics+advertising+social"})
	check(event(`{"tcf":"`+tcAcceptAllV23+`","gdpr":"0"}`), Request{}, says{
		"event's consent.tcf": "grants nothing: the event says that the GDPR does not apply meta!analytics+advertising+social"})
	check(event(`{"gpp_sections":"7"}`), Request{}, says{"event's consent.gpp_sections": "says which sections of a GPP string are in force, and there is none advertising=refused/opt_out_signal social=refused/opt_out_signal"})
	check(event(`{}`), Request{Signals: schemas.Signals{Unclear: "euconsent-v2"}}, says{
		"cookie euconsent-v2": "is empty, or came more than once with different values analytics=refused/malformed_consent advertising=refused/malformed_consent social=refused/malformed_consent"})
	check(event(`{"tcf":"C!"}`), Request{}, says{"event's consent.tcf": "TC string has a character outside base64url analytics=refused/malformed_consent advertising=refused/malformed_consent social=refused/malformed_consent"})
	check(event(`{"gcs":"G101"}`), Request{}, says{"event's consent.gcs": "analytics=granted/granted advertising=refused/refused"})
}

// TestSignalPartsAreAll: a signal that the explanation would leave out.
func TestSignalPartsAreAll(t *testing.T) {
	signals := reflect.TypeFor[schemas.Signals]()
	for i := range signals.NumField() {
		name := signals.Field(i).Name
		if name == "Unclear" { // which names another signal
			continue
		}
		if !slices.ContainsFunc(signalParts, func(p signalPart) bool { return p.field == name || slices.Contains(p.with, name) }) {
			t.Errorf("%s is not explained", name)
		}
	}
}

func TestExplainText(t *testing.T) {
	check := func(x Explanation, want ...string) {
		t.Helper()
		got := text(t, &x)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%q is not in\n%s", w, got)
			}
		}
		form, err := json.Marshal(x)
		if err != nil {
			t.Error(err)
		}
		for _, secret := range []string{"secret-visitor", "123.456", "38400000", "taro"} {
			if strings.Contains(got, secret) || strings.Contains(string(form), secret) {
				t.Errorf("%q is in %s\n%s", secret, got, form)
			}
		}
	}
	resets := newResets(t)
	granted := strings.Replace(explainedEvent, "%", `{"analytics":true}`, 1)
	check(explain(t, granted, Request{}, resets),
		"pageview of shop under the policy of 2026-10-01: allowed, because granted",
		"Jurisdiction: japan (the event's country)", "silence grants necessary; GPC refuses advertising, social; DNT refuses nothing",
		"event's consent", "=> analytics: granted", "by silence, which refuses it in japan", "none of visitor_id, ga, gaid has been reset",
		"Rule: pageview is for analytics; without consent: anonymise", "store: allowed", "google: allowed", "meta: dropped, because recipient", "for which the policy gives this recipient nothing; it is given advertising")
	resets.Put(&schemas.Reset{Field: schemas.VisitorID, Hash: resets.Hash(schemas.VisitorID, "secret-visitor"), At: explainedAt})
	check(explain(t, granted, Request{}, resets), "dropped, because reset", "visitor_id has been reset", "the policy says drop")
	check(explain(t, granted, Request{}, nil), "not known here; the event carries visitor_id, ga, gaid")
	check(explain(t, strings.Replace(explainedEvent, "%", `{"analytics":false}`, 1), Request{Place: "US-CA"}, nil),
		"anonymised, because refused", "california (the place that the edge gives)", "generalised to Chrome", "only the store is given anonymised events")
	check(explain(t, `{"type":"custom","name":"share","site":"shop"}`, Request{}, nil), "Rule: share is for social; without consent: drop", "none were found", "no place is known")
	check(explain(t, `{"type":"consent","site":"shop","consent":{"analytics":false}}`, Request{}, nil), "who refused is not kept")
	table := exampleTable(t)
	check(table.Rejected("", decode(t, granted), schemas.ReasonUnknownSite, &schemas.Invalid{Path: "site", Problem: "is not known"}),
		"pageview of an unknown site", "rejected, because unknown site", "site: is not known")
}
