package enforcer

import (
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
)

// TestOptOutBindsItsRecipient and nobody else, until it is taken back.
func TestOptOutBindsItsRecipient(t *testing.T) {
	table, resets := exampleTable(t), newResets(t)
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	of := func(f schemas.Field, id, recipient string, revoked bool) *schemas.Reset {
		return &schemas.Reset{Field: f, Hash: resets.Hash(f, id), At: at, Recipient: recipient, Revoked: revoked}
	}
	check := func(what, identifiers, want string) {
		t.Helper()
		e := decode(t, `{"type":"ad_click","site":"shop","ad_placement":"top",`+identifiers+`,"consent":{"analytics":true,"advertising":true,"social":true}}`)
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{Now: at}, resets, &v)
		got := ""
		for _, rv := range v.Recipients {
			got += table.Recipients[rv.Recipient] + ":" + rv.Outcome.String() + ":" + rv.Reason.String() + " "
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	const (
		all      = "store:allowed:granted google:allowed:granted meta:allowed:granted "
		noGoogle = "store:allowed:granted google:dropped:opted_out meta:allowed:granted "
		noThird  = "store:allowed:granted google:dropped:opted_out meta:dropped:opted_out "
		nobody   = "store:dropped:reset google:dropped:reset meta:dropped:reset "
	)
	const mine, other = `"visitor_id":"mine"`, `"visitor_id":"other"`
	check("nothing yet", mine, all)
	resets.Put(of(schemas.VisitorID, "mine", "google", false))
	check("opted out of one", mine, noGoogle)
	check("beside another identifier", mine+`,"user_id":"u"`, noGoogle)
	check("the same text as another kind", `"user_id":"mine"`, all)
	check("another user", other, all)
	resets.Put(of(schemas.GA, "1.1", "meta", false))
	check("by two identifiers", mine+`,"ga":"1.1"`, noThird)
	resets.Put(of(schemas.VisitorID, "mine", "google", true))
	check("taken back", mine, all)
	resets.Put(of(schemas.VisitorID, "mine", "google", true))
	check("taken back twice", mine, all)
	resets.Put(of(schemas.VisitorID, "mine", "google", false))
	resets.Put(&schemas.Reset{Field: schemas.VisitorID, Hash: resets.Hash(schemas.VisitorID, "mine"), At: at})
	check("reset", mine, nobody)
	check("a new identifier starts clean", `"visitor_id":"new"`, all)
}

// TestSpellingsOfOneIdentifier: however an identifier is written, it is one.
func TestSpellingsOfOneIdentifier(t *testing.T) {
	same := func(normal string, f schemas.Field, spellings ...string) {
		t.Helper()
		for _, text := range append(spellings, normal) {
			if got := NormalIdentifier(f, text); got != normal {
				t.Errorf("%s %q: got %q, want %q", f, text, got, normal)
			}
		}
	}
	same("fb.1.1596403881668.1116446470", schemas.FBP, "fb.0.1596403881668.1116446470", "fb.2.1596403881668.1116446470.AQEAAQMB",
		"fb.1.1596403881668.1116446470.AQEAAQMB", "1596403881668.1116446470", "1596403881668.1116446470.AQEAAQMB")
	for _, text := range []string{"fb", "fb.", "fb.1", "fb.1.", "fb.1.2", "fb.1..2", "fb.x.1596403881668.1", "fb.1.a.1", "1.2", "1596403881668", "1596403881668.", ".1"} {
		same(text, schemas.FBP)
	}
	const advertising = "ea7583cd-a667-48bc-b806-42ecb2b48606"
	for _, f := range []schemas.Field{schemas.IDFA, schemas.GAID} {
		same(advertising, f, "EA7583CD-A667-48BC-B806-42ECB2B48606", "EA7583CDA66748BCB80642ECB2B48606")
		same("", f, "00000000-0000-0000-0000-000000000000", strings.Repeat("0", 32))
	}
	resets := newResets(t)
	resets.Put(&schemas.Reset{Field: schemas.GAID, Hash: resets.Hash(schemas.GAID, advertising), At: time.Now()})
	if !resets.Has(schemas.IDFA, advertising) || resets.Has(schemas.AppInstanceID, advertising) {
		t.Error("an advertising identifier is not reset as that of either platform, or as another")
	}
}
