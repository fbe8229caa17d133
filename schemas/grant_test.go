package schemas

import (
	"strings"
	"testing"
)

func TestGrantJSON(t *testing.T) {
	check := func(want string, grants ...Grant) {
		t.Helper()
		if got := string(appendGrants(nil, grants)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	store := Grant{Recipient: "store", Categories: AllCategories}
	google := Grant{Recipient: "google", Categories: CategoriesOf(TerminalIdentification), Flags: AdUserData | AdPersonalisation, Own: []OwnIdentifier{{GA, "1.2"}}}
	meta := Grant{Recipient: "meta", Flags: LimitedDataUse, Own: []OwnIdentifier{{ID, "x"}, {FBP, `"`}}}
	check(`"grants":{}`)
	check(`"grants":{"store":255}`, store)
	check(`"grants":{"store":255,"google":16},"flags":{"google":3},"own":{"google":{"ga":"1.2"}}`, store, google)
	check(`"grants":{"google":16,"store":255,"meta":0},"flags":{"google":3,"meta":4},"own":{"google":{"ga":"1.2"},"meta":{"id":"x","fbp":"\""}}`, google, store, meta)
}

// TestGrantDecode: flags and identifiers are read whatever stands before what,
// and never for a recipient or a field that the record does not bear out.
func TestGrantDecode(t *testing.T) {
	const head = `{"schema":1,"outcome":"allowed","reason":"granted","id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"custom","site":"s","time":"2026-11-02T09:00:00Z"`
	var d RecordDecoder
	var r Record
	check := func(members, want string) {
		t.Helper()
		got := "refused"
		if err := d.Decode([]byte(head+","+members+"}"), &r); err == nil {
			got = string(appendGrants(nil, r.Grants))
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", members, got, want)
		}
	}
	const ga, grants = `"ga":"k1.00"`, `"grants":{"google":16,"store":255}`
	check(grants, grants)
	check(`"own":{"google":{"ga":"1.2"}},"flags":{"google":1},`+ga+`,`+grants, `"grants":{"google":16,"store":255},"flags":{"google":1},"own":{"google":{"ga":"1.2"}}`)
	check(grants+`,"flags":{}`, grants)
	check(grants+`,"flags":{"google":385}`, grants+`,"flags":{"google":1}`)
	check(grants+`,`+ga+`,"own":{"google":{"id":"e","ga":"1.2"}}`, grants+`,"own":{"google":{"id":"e","ga":"1.2"}}`)

	// What the record does not bear out.
	check(grants+`,"own":{"google":{"ga":"1.2"}}`, grants)
	check(`"grants":{"google":8},`+ga+`,"own":{"google":{"ga":"1.2"}}`, `"grants":{"google":8}`)

	for _, bad := range []string{
		`"flags":[]`, `"flags":{"meta":1}`, `"flags":{"google":-1}`, `"flags":{"google":"1"}`, `"flags":null`,
		`"own":[]`, `"own":{"meta":{}}`, `"own":{"google":{"ga":1}}`, `"own":{"google":{"ga":""}}`, `"own":{"google":{"ga":"a\u0000"}}`,
		`"own":{"google":{"visitor_id":"v"}}`, `"own":{"google":{"title":"v"}}`, `"own":{"google":{"later":"v"}}`,
		`"own":{"google":{"ga":"1.2","ga":"1.3"}}`, `"own":{"google":{"ga":"1.2"},"google":{"ga":"1.3"}}`,
	} {
		check(grants+`,`+ga+`,`+bad, "refused")
	}
	if err := d.Decode([]byte(head+`,`+grants+`,"own":{"meta":{"ga":"secret"}}}`), &r); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
