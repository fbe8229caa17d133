package enforcer

import (
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

const reviewed = `{"type":"pageview","site":"shop","url":"https://shop.example.jp/p?id=7","country":"JP","visitor_id":"abc","ga":"123.456",
	"age_band":"30-39","properties":{"plan":"gold","items":2},"consent":{"analytics":true,"advertising":true}}`

// recordOf decides about the event and reads the record back as a sink does.
func recordOf(t *testing.T, table *Table, event string) *schemas.Record {
	t.Helper()
	e := decode(t, event)
	var v Verdict
	table.Decide(table.Site("shop"), e, &Request{}, nil, &v)
	written := new(Projector).Record(newKeys(t), e, &v, v.Outcome)
	if written == nil {
		t.Fatal("nothing is let through")
	}
	r := new(schemas.Record)
	if err := new(schemas.RecordDecoder).Decode(written.AppendJSON(nil), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// tableWith compiles the example policy with a change.
func tableWith(t *testing.T, old, new string) *Table {
	t.Helper()
	text := strings.Replace(string(policy.Example), old, new, 1)
	if text == string(policy.Example) {
		t.Fatalf("the example policy does not have %q", old)
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Compile(p)
}

// TestReview: a record is decided again by what holds now, and never more is
// granted than was.
func TestReview(t *testing.T) {
	then := exampleTable(t)
	withdrawn := func(recipient, id string) *Withdrawn {
		w := new(Withdrawn)
		w.Put(&schemas.Reset{Field: schemas.VisitorID, At: time.Now(), Recipient: recipient, Pseudonyms: []string{
			"k0.00000000000000000000000000000001", string(newKeys(t).AppendPseudonym(nil, schemas.VisitorID, id)),
		}})
		return w
	}
	check := func(what string, now *Table, w *Withdrawn, event, recipient string, outcome schemas.Outcome, reason schemas.Reason) Review {
		t.Helper()
		got := now.Review(recordOf(t, then, event), recipient, w)
		if got.Outcome != outcome || got.Reason != reason {
			t.Errorf("%s: %s has it %v (%v), want %v (%v)", what, recipient, got.Outcome, got.Reason, outcome, reason)
		}
		return got
	}
	refused := strings.Replace(reviewed, `"analytics":true,"advertising":true`, `"analytics":false`, 1)

	check("nothing changed", then, nil, reviewed, "store", schemas.Allowed, schemas.ReasonGranted)
	check("nothing changed", then, withdrawn("", "other"), reviewed, "google", schemas.Allowed, schemas.ReasonGranted)
	check("not given then", then, nil, reviewed, "meta", schemas.Dropped, schemas.ReasonRecipient)
	check("anonymised", then, nil, refused, "store", schemas.Anonymised, schemas.ReasonRefused)
	check("anonymised", then, nil, refused, "google", schemas.Dropped, schemas.ReasonRecipient)

	check("reset", then, withdrawn("", "abc"), reviewed, "store", schemas.Dropped, schemas.ReasonReset)
	check("reset", then, withdrawn("", "abc"), reviewed, "google", schemas.Dropped, schemas.ReasonReset)
	check("reset", tableWith(t, "reset: drop", "reset: anonymise"), withdrawn("", "abc"), reviewed, "store", schemas.Anonymised, schemas.ReasonReset)
	check("reset", tableWith(t, "reset: drop", "reset: anonymise"), withdrawn("", "abc"), reviewed, "google", schemas.Dropped, schemas.ReasonReset)

	out := withdrawn("google", "abc")
	check("opted out", then, out, reviewed, "google", schemas.Dropped, schemas.ReasonOptedOut)
	check("opted out of another", then, out, reviewed, "store", schemas.Allowed, schemas.ReasonGranted)
	out.Put(&schemas.Reset{Field: schemas.VisitorID, Recipient: "google", Revoked: true, Pseudonyms: []string{string(newKeys(t).AppendPseudonym(nil, schemas.VisitorID, "abc"))}})
	check("opted in again", then, out, reviewed, "google", schemas.Allowed, schemas.ReasonGranted)

	material := tableWith(t, "  - date: 2026-10-01\n", "  - date: 2026-10-01\n  - date: 2026-11-20\n    material: true\n")
	check("materially revised since", material, nil, reviewed, "store", schemas.Anonymised, schemas.ReasonOutdatedConsent)
	check("materially revised since", material, nil, reviewed, "google", schemas.Dropped, schemas.ReasonOutdatedConsent)
	check("materially revised since, by silence in an opt-out place", material, nil,
		strings.NewReplacer(`"JP"`, `"US"`, `"analytics":true,"advertising":true`, ``).Replace(reviewed), "store", schemas.Allowed, schemas.ReasonGranted)
	check("another purpose now", tableWith(t, "pageview: {purpose: analytics, without_consent: anonymise}", "pageview: {purpose: social}"), nil, reviewed, "store", schemas.Dropped, schemas.ReasonRefused)
	check("the site has another recipient now", tableWith(t, "recipients: [google, meta]\n    query: [page, category", "recipients: [meta]\n    query: [page, category"), nil, reviewed, "google", schemas.Dropped, schemas.ReasonRecipient)
	check("no such site now", tableWith(t, "  shop:\n", "  store:\n"), nil, reviewed, "store", schemas.Dropped, schemas.ReasonUnknownSite)

	fewer := check("a category fewer", tableWith(t, "usage_history, terminal_identification, research_panel]\n  advertising", "usage_history, research_panel]\n  advertising"), nil,
		strings.Replace(reviewed, `"advertising":true`, `"advertising":false`, 1), "store", schemas.Allowed, schemas.ReasonGranted)
	if fewer.Categories.Has(schemas.TerminalIdentification) || !fewer.Categories.Has(schemas.UsageHistory) {
		t.Errorf("categories %b", fewer.Categories)
	}

	clicked := recordOf(t, then, strings.Replace(reviewed, "?id=7", "?gclid=Ab1", 1))
	tableWith(t, "terminal_identification, advertisement_identifier, advertisement_information]", "terminal_identification, advertisement_information]").Review(clicked, "store", nil)
	if got := clicked.Event.Get(schemas.URL); got != "https://shop.example.jp/p?gclid=%5Bclick%5D" {
		t.Errorf("of a category fewer the address keeps %s", got)
	}
	clicked = recordOf(t, then, strings.Replace(reviewed, "?id=7", "?gclid=Ab1", 1))
	then.Review(clicked, "store", nil)
	if got := clicked.Event.Get(schemas.URL); got != "https://shop.example.jp/p?gclid=Ab1" {
		t.Errorf("of all categories the address keeps %s", got)
	}

	r := recordOf(t, then, reviewed)
	tableWith(t, "plan: {type: text, category: attribute}", "plan: {type: text, category: location}").Review(r, "store", nil)
	if len(r.Event.Properties) != 1 || r.Event.Properties[0].Name != "items" || len(r.PropertyCategories) != 1 {
		t.Errorf("a property that is declared otherwise now stays: %v", r.Event.Properties)
	}
}

// TestAnonymiseRecord: what is made of a record is what would have been made of
// the event.
func TestAnonymiseRecord(t *testing.T) {
	table := exampleTable(t)
	got := new(Projector).AnonymiseRecord(newKeys(t), table, recordOf(t, table, reviewed), schemas.ReasonReset)
	want := recordOf(t, table, strings.Replace(reviewed, `"analytics":true,"advertising":true`, `"analytics":false`, 1))
	want.Reason = schemas.ReasonReset
	if a, b := string(got.AppendJSON(nil)), string(want.AppendJSON(nil)); a != b {
		t.Errorf("of the record\n%s\nof the event\n%s", a, b)
	}
}

// TestWithdrawnPseudonyms: whatever is no pseudonym is not one that was reset.
func TestWithdrawnPseudonyms(t *testing.T) {
	const reset = "k1.0123456789abcdef0123456789abcdef"
	w := new(Withdrawn)
	w.Put(&schemas.Reset{At: time.Now(), Pseudonyms: []string{"", "k1", "k1.", "k1.0", "k1.g123456789abcdef0123456789abcdef", reset}})
	if w.Len() != 1 {
		t.Fatalf("%d pseudonyms are reset", w.Len())
	}
	check := func(text string, want bool) {
		t.Helper()
		r := new(schemas.Record)
		r.Event.Set(schemas.UserID, text)
		if got := w.Reset(r); got != want {
			t.Errorf("%q: %v", text, got)
		}
		if w.OptedOut(r, "google") {
			t.Errorf("%q opted out of a recipient", text)
		}
	}
	check(reset, true)
	check("k1.0123456789abcdef0123456789abcdee", false)
	check("k1.0123456789ABCDEF0123456789abcdef", false)
	check("0123456789abcdef0123456789abcdef", false)
	check("", false)
	if n := testing.AllocsPerRun(100, func() {
		r := schemas.Record{}
		r.Event.Set(schemas.UserID, reset)
		_ = w.Reset(&r)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
