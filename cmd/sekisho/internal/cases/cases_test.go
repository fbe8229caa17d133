package cases

import (
	"encoding/json"
	"testing"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"event: {type: pageview, site: shop, time: 2026-11-02T09:00:00Z}\nexpect: {outcome: allowed}",
		"event:\n  properties: {items: 1.5, member: true, plan: null}\n  list: [1, a]\nheaders: {DNT: \"1\"}\nexpect: {outcome: dropped, recipients: {store: {stripped: []}}}",
		"event: *a", "event: {a: .inf}", "- event", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse([]byte(text))
		if err == nil && (!json.Valid(c.Event) || c.Expect.Outcome == nil) {
			t.Errorf("%q: event %s", text, c.Event)
		}
	})
}

// TestMatrix: generated cases are events that the policy knows, and what is
// decided of them differs.
func TestMatrix(t *testing.T) {
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	table := enforcer.Compile(p)
	seen := map[schemas.Outcome]int{}
	reasons := map[schemas.Reason]bool{}
	list := Matrix(p, p)
	for i := range list {
		v, err := Decide(table, &list[i])
		if err != nil || v.Outcome == schemas.Rejected {
			t.Fatalf("%s, %s: %v because %v, %v", list[i].Name, list[i].Detail, v.Outcome, v.Reason, err)
		}
		seen[v.Outcome]++
		for _, r := range v.Recipients {
			reasons[r.Reason] = true
		}
	}
	for _, o := range []schemas.Outcome{schemas.Dropped, schemas.Anonymised, schemas.Allowed} {
		if seen[o] < 50 {
			t.Errorf("only %d cases are %v", seen[o], o)
		}
	}
	for _, r := range []schemas.Reason{schemas.ReasonGranted, schemas.ReasonRefused, schemas.ReasonSilent, schemas.ReasonOutdatedConsent, schemas.ReasonGPC, schemas.ReasonDNT, schemas.ReasonOptOutSignal, schemas.ReasonReset, schemas.ReasonVendorRefused} {
		if !reasons[r] {
			t.Errorf("no case is decided by %v", r)
		}
	}
}
