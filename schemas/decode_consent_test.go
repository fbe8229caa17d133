package schemas

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// consentOf decodes an event with the given members; whatever they are, they
// must not make it invalid.
func consentOf(t *testing.T, members string) *Consent {
	t.Helper()
	var d Decoder
	var e Event
	if _, err := d.Parse([]byte(event(members))); err != nil {
		t.Fatalf("%.80s: %v", members, err)
	}
	if bad := d.Event(0, &e); bad != nil {
		t.Errorf("%.80s: %v", members, bad)
	}
	return &e.Consent
}

func TestConsent(t *testing.T) {
	check := func(members string, want Consent) {
		t.Helper()
		if got := consentOf(t, members); *got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", members, *got, want)
		}
	}
	check(``, Consent{})
	check(`"consent":{}`, Consent{Present: true})
	check(`"consent":{"analytics":true}`, Consent{Present: true, Answers: [NumPurposes]Answer{Analytics: Granted}})
	check(`"consent":{"analytics":true,"advertising":false,"social":true,"policy":"2026-04-01"}`, Consent{
		Present: true, Policy: "2026-04-01",
		Answers: [NumPurposes]Answer{Analytics: Granted, Advertising: Refused, Social: Granted},
	})
	check(`"c\u006fnsent":{"\u0061nalytics":true}`, Consent{Present: true, Answers: [NumPurposes]Answer{Analytics: Granted}})
	check(`"consent":{"gpc":true,"dnt":false,"gdpr":"1","limit_ad_tracking":"0"}`, Consent{
		Present: true, Signals: Signals{GPC: "1", DNT: "0", GDPR: "1", LimitAdTracking: "0"},
	})
	check(`"consent":{"tcf":"a","additional_consent":"b","gpp":"c","gpp_sections":"7,8","us_privacy":"1---","gcs":"d","gcd":"e",`+
		`"onetrust":"f","onetrust_closed":"g","cookiebot":"{\"h\":1}","didomi":"i","usercentrics":"j","att":"denied",`+
		`"categories":{"k":true, "l":[1.50]}}`, Consent{
		Present: true, Signals: Signals{
			TCF: "a", AdditionalConsent: "b", GPP: "c", GPPSections: "7,8", USPrivacy: "1---", GCS: "d", GCD: "e",
			OneTrust: "f", OneTrustClosed: "g", Cookiebot: `{"h":1}`, Didomi: "i", Usercentrics: "j", ATT: "denied",
			Categories: `{"k":true,"l":[1.50]}`,
		},
	})
}

// malformedConsents are values of the consent member that have not its shape.
var malformedConsents = []string{
	`null`, `true`, `"granted"`, `1`, `[]`, `[{"analytics":true}]`,
	`{"analytics":"true"}`, `{"analytics":1}`, `{"analytics":null}`, `{"analytics":{}}`, `{"analytics":[true]}`,
	`{"advertising":"yes"}`, `{"social":0}`,
	`{"necessary":true}`, `{"marketing":true}`, `{"Analytics":true}`, `{"":true}`, `{"\u0000":true}`, `{"analytics ":true}`,
	`{"policy":20260401}`, `{"policy":null}`, `{"policy":""}`, `{"policy":"latest"}`, `{"policy":"2026-4-1"}`, `{"policy":"zzzz"}`,
	`{"policy":"2026-04-01T00:00:00Z"}`, `{"policy":"2026-04-0١"}`,
	`{"tcf":null}`, `{"tcf":""}`, `{"tcf":1}`, `{"tcf":{}}`, `{"gpp":[]}`, `{"us_privacy":true}`, `{"att":3}`, `{"didomi":{}}`,
	`{"gpc":1}`, `{"gpc":null}`, `{"gpc":"true"}`, `{"gpc":""}`, `{"dnt":"yes"}`, `{"dnt":"2"}`, `{"gdpr":0}`, `{"limit_ad_tracking":"01"}`,
	`{"categories":[]}`, `{"categories":"{}"}`, `{"categories":null}`,
}

// A consent object that is not as it should be never grants, whatever else
// stands in it, before or after.
func TestMalformedConsentNeverGrants(t *testing.T) {
	check := func(members string) {
		t.Helper()
		c := consentOf(t, members)
		if !c.Present || !c.Malformed {
			t.Errorf("%.80s: present %v, malformed %v", members, c.Present, c.Malformed)
		}
		if c.Answers != [NumPurposes]Answer{} || c.Policy != "" {
			t.Errorf("%.80s: it still says %v under %q", members, c.Answers, c.Policy)
		}
	}
	const grants = `"analytics":true,"advertising":true,"social":true,"policy":"2026-04-01"`
	for _, value := range malformedConsents {
		check(`"consent":` + value)
		check(`"consent":{` + grants + `},"consent":` + value)
		check(`"consent":` + value + `,"consent":{` + grants + `}`)
		if members, ok := strings.CutPrefix(value, "{"); ok {
			if !strings.Contains(members, "social") && !strings.Contains(members, "policy") {
				check(`"consent":{"social":true,"policy":"2026-04-01",` + members)
				check(`"consent":{` + strings.TrimSuffix(members, "}") + `,"social":true}`)
			}
		}
	}
	// What is said twice is not known, even when it is the same.
	check(`"consent":{` + grants + `},"consent":{` + grants + `}`)
	check(`"consent":{},"consent":{},"consent":{` + grants + `}`)
	for _, member := range []string{
		`"analytics":true`, `"policy":"2026-04-01"`, `"tcf":"a"`, `"att":"authorized"`, `"gpc":false`, `"dnt":"0"`, `"categories":{}`,
	} {
		check(`"consent":{"social":true,` + member + `,` + member + `}`)
	}
	check(`"consent":{"analytics":false,"analytics":true}`)
	check(`"consent":{"analytics":true,"\u0061nalytics":false}`)
	check(`"consent":{"gpc":true,"gpc":false}`)
	check(`"consent":{"gpc":"1","gpc":"0"}`)
	check(`"consent":{"categories":{},"categories":{"a":true}}`)
}

// What a request says of consent after a malformed object is in the next event
// its own.
func TestConsentIsNotCarriedOver(t *testing.T) {
	var d Decoder
	var e Event
	if _, err := d.Parse([]byte(`[` + event(`"consent":{"analytics":1,"gpc":true}`) + `,` + event(``) + `,` + event(`"consent":{"social":true}`) + `]`)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []Consent{
		{Present: true, Malformed: true, Signals: Signals{GPC: "1"}},
		{},
		{Present: true, Answers: [NumPurposes]Answer{Social: Granted}},
	} {
		if bad := d.Event(i, &e); bad != nil || e.Consent != want {
			t.Errorf("event %d: got %+v, %v", i, e.Consent, bad)
		}
	}
}

// The published shape and the decoder call the same objects malformed.
func TestConsentShape(t *testing.T) {
	shape, err := json.Marshal(consentSchema())
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(shape))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("consent.json", document); err != nil {
		t.Fatal(err)
	}
	schema := compiler.MustCompile("consent.json")
	check := func(value string, want bool) {
		t.Helper()
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(value))
		if err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		if got := schema.Validate(document) == nil; got != want {
			t.Errorf("%s: the shape says %v", value, got)
		}
		if got := !consentOf(t, `"consent":`+value).Malformed; got != want {
			t.Errorf("%s: the decoder says %v", value, got)
		}
	}
	for _, value := range malformedConsents {
		check(value, false)
	}
	check(`{}`, true)
	for _, key := range []string{"analytics", "advertising", "social"} {
		check(`{"`+key+`":true}`, true)
		check(`{"`+key+`":false}`, true)
	}
	for _, key := range strings.Fields("tcf additional_consent gpp gpp_sections us_privacy gcs gcd onetrust onetrust_closed cookiebot didomi usercentrics att") {
		check(`{"`+key+`":"x"}`, true)
		check(`{"`+key+`":true}`, false)
		check(`{"`+key+`":""}`, false)
	}
	for _, key := range strings.Fields("limit_ad_tracking gpc dnt gdpr") {
		for _, value := range []string{`true`, `false`, `"0"`, `"1"`} {
			check(`{"`+key+`":`+value+`}`, true)
		}
		check(`{"`+key+`":"x"}`, false)
	}
	check(`{"policy":"2026-04-01"}`, true)
	check(`{"categories":{"a":[{"b":null}]}}`, true)
}
