package cases

// choice is what a user may have said.
type choice struct {
	name    string
	consent answers
	headers map[string]string
	resets  map[string]string // identifiers that the user has reset
}

type answers = map[string]any

// all is consent to everything, and what else the consent object has.
func all(more answers) answers {
	consent := answers{"analytics": true, "advertising": true, "social": true}
	for name, value := range more {
		consent[name] = value
	}
	return consent
}

var choices = []choice{
	{name: "silence"},
	{name: "all granted", consent: all(nil)},
	{name: "all refused", consent: answers{"analytics": false, "advertising": false, "social": false}},
	{name: "only analytics", consent: answers{"analytics": true, "advertising": false, "social": false}},
	{name: "only advertising", consent: answers{"analytics": false, "advertising": true, "social": false}},
	{name: "only social", consent: answers{"analytics": false, "advertising": false, "social": true}},
	{name: "old consent", consent: all(answers{"policy": "2000-01-01"})},
	{name: "GPC, all granted", consent: all(nil), headers: header("Sec-GPC", "1")},
	{name: "DNT, all granted", consent: all(nil), headers: header("DNT", "1")},
	{name: "US Privacy opt-out, all granted", consent: all(answers{"us_privacy": "1YYN"})},
	{name: "ATT denied, all granted", consent: all(answers{"att": "denied"})},
	{name: "reset, all granted", consent: all(nil), resets: map[string]string{"visitor_id": "visitor"}},
}

// consentUnder is consent to everything under the policy of a date.
func consentUnder(date string) choice {
	return choice{name: "consent under the policy of " + date, consent: all(answers{"policy": date})}
}
