package enforcer

import (
	"testing"
	"time"

	"sekisho/schemas"
)

// elsewhere are the reasons that no decision has: the collector gives them
// before it asks for one, except the opt-out at a recipient, which no signal
// tells the gateway yet, and what a reset does to events that were let through.
var elsewhere = map[schemas.Reason]bool{
	schemas.ReasonInvalid: true, schemas.ReasonUnreadable: true, schemas.ReasonTooLarge: true, schemas.ReasonMediaType: true,
	schemas.ReasonOrigin: true, schemas.ReasonUnknownSite: true, schemas.ReasonRateLimited: true, schemas.ReasonOptedOut: true,
	schemas.ReasonWithheld: true, schemas.ReasonErased: true,
}

// TestEveryReasonIsGiven: each reason that a decision can have is had by the
// store, or by the recipient named, in some case.
func TestEveryReasonIsGiven(t *testing.T) {
	table, resets := exampleTable(t), newResets(t)
	resets.Put(&schemas.Reset{Field: schemas.VisitorID, Hash: resets.Hash(schemas.VisitorID, "v"), At: time.Now()})
	given := make(map[schemas.Reason]bool)
	check := func(event, recipient string, want schemas.Reason) {
		t.Helper()
		e := decode(t, `{"site":"shop","url":"https://shop.example.jp/","ad_placement":"top",`+event+`}`)
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{Now: e.Time}, resets, &v)
		for _, rv := range v.Recipients {
			if table.Recipients[rv.Recipient] != recipient {
				continue
			}
			if given[rv.Reason] = true; rv.Reason != want {
				t.Errorf("%s, %s: got %v because %v, want %v", event, recipient, rv.Outcome, rv.Reason, want)
			}
			return
		}
		t.Errorf("%s: nothing is said of %s", event, recipient)
	}
	check(`"type":"pageview","consent":{"analytics":true}`, "store", schemas.ReasonGranted)
	check(`"type":"consent","consent":{"analytics":true}`, "store", schemas.ReasonNecessary)
	check(`"type":"pageview","consent":{"analytics":false}`, "store", schemas.ReasonRefused)
	check(`"type":"pageview"`, "store", schemas.ReasonSilent)
	check(`"type":"pageview","consent":7`, "store", schemas.ReasonMalformedConsent)
	check(`"type":"pageview","consent":{"analytics":true,"policy":"2020-01-01"}`, "store", schemas.ReasonOutdatedConsent)
	check(`"type":"ad_click","consent":{"advertising":true,"gpc":true}`, "store", schemas.ReasonGPC)
	check(`"type":"ad_click","country":"DE","consent":{"advertising":true,"dnt":true}`, "store", schemas.ReasonDNT)
	check(`"type":"pageview","visitor_id":"v","consent":{"analytics":true}`, "store", schemas.ReasonReset)
	check(`"type":"pageview","consent":{"analytics":true}`, "meta", schemas.ReasonRecipient)
	check(`"type":"ad_click","consent":{"tcf":"`+tcEveryoneButGoogle+`"}`, "google", schemas.ReasonVendorRefused)
	check(`"type":"ad_click","consent":{"advertising":true,"us_privacy":"1YYN"}`, "store", schemas.ReasonOptOutSignal)
	for reason := schemas.Reason(0); reason < schemas.NumReasons; reason++ {
		if given[reason] == elsewhere[reason] {
			t.Errorf("%v: given %v, given elsewhere %v", reason, given[reason], elsewhere[reason])
		}
	}
}
