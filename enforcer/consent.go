package enforcer

import (
	"strings"
	"time"

	"sekisho/schemas"
)

// consents is what all signals together say of each purpose. The most
// restrictive signal wins: a refusal stays a refusal whatever else is said.
type consents struct {
	answers [schemas.NumPurposes]schemas.Answer
	why     [schemas.NumPurposes]schemas.Reason
	// byDefault are refused by a page until its visitor has chosen, and by nothing else.
	byDefault schemas.Purposes
	// outdated: a grant was left aside because it is older than the policy.
	outdated schemas.Purposes
}

// refuse refuses purposes. The first refusal is the reason, but that a signal
// could not be understood comes before what others say.
func (c *consents) refuse(set schemas.Purposes, why schemas.Reason) {
	for p := schemas.Purpose(0); p < schemas.NumPurposes; p++ {
		if set.Has(p) && (c.answers[p] != schemas.Refused || why == schemas.ReasonMalformedConsent) {
			c.answers[p], c.why[p] = schemas.Refused, why
		}
	}
	c.byDefault &^= set
}

// refuseByDefault refuses what a page denies until its visitor has chosen.
func (c *consents) refuseByDefault(set schemas.Purposes) {
	for p := schemas.Purpose(0); p < schemas.NumPurposes; p++ {
		if set.Has(p) && c.answers[p] != schemas.Refused {
			c.answers[p], c.why[p] = schemas.Refused, schemas.ReasonRefused
			c.byDefault |= 1 << p
		}
	}
}

func (c *consents) grant(set schemas.Purposes) {
	for p := schemas.Purpose(0); p < schemas.NumPurposes; p++ {
		if set.Has(p) && c.answers[p] == schemas.Silent {
			c.answers[p], c.why[p] = schemas.Granted, schemas.ReasonGranted
		}
	}
}

// decide returns the granted purposes and, for every purpose, why. Silence has
// the jurisdiction's default.
func (c *consents) decide(j *jurisdiction) (granted schemas.Purposes, why [schemas.NumPurposes]schemas.Reason) {
	why = c.why
	for p := schemas.Purpose(0); p < schemas.NumPurposes; p++ {
		switch {
		case p == schemas.Necessary:
			granted |= 1 << p
			why[p] = schemas.ReasonNecessary
		case c.answers[p] == schemas.Granted:
			granted |= 1 << p
		case c.answers[p] == schemas.Silent && j.granted.Has(p):
			granted |= 1 << p
			why[p] = schemas.ReasonGranted
		case c.answers[p] == schemas.Silent && c.outdated.Has(p):
			why[p] = schemas.ReasonOutdatedConsent
		case c.answers[p] == schemas.Silent:
			why[p] = schemas.ReasonSilent
		}
	}
	return granted, why
}

// hearObject hears the event's own consent object.
func (t *Table) hearObject(o *schemas.Consent, now time.Time, c *consents) {
	if !o.Present {
		return
	}
	if o.Malformed || o.Policy != "" && !isDate(o.Policy, now) || o.Time.After(now.Add(maxAhead)) {
		c.refuse(schemas.OptionalPurposes, schemas.ReasonMalformedConsent)
		return
	}
	var granted schemas.Purposes
	for p, answer := range o.Answers {
		switch answer {
		case schemas.Refused:
			c.refuse(1<<p, schemas.ReasonRefused)
		case schemas.Granted:
			granted |= 1 << p
		}
	}
	t.grantUnder(o.Policy, granted, c)
}

// hearCookie hears the gateway's own consent cookie.
func (t *Table) hearCookie(value string, now time.Time, c *consents) {
	if value == "" {
		return
	}
	version, granted, ok := parseConsentCookie(value, now)
	if !ok {
		c.refuse(schemas.OptionalPurposes, schemas.ReasonMalformedConsent)
		return
	}
	c.refuse(schemas.OptionalPurposes&^granted, schemas.ReasonRefused)
	t.grantUnder(version, granted, c)
}

// grantUnder grants what was agreed to under a policy version. Consent older
// than the last material revision counts as silence; without a version it is
// the site's word of now.
func (t *Table) grantUnder(version string, granted schemas.Purposes, c *consents) {
	if version != "" && version < t.Material {
		c.outdated |= granted
		return
	}
	c.grant(granted)
}

// parseConsentCookie reads the value described at [ConsentCookie].
func parseConsentCookie(value string, now time.Time) (version string, granted schemas.Purposes, ok bool) {
	rest, ok := strings.CutPrefix(value, "1.")
	if !ok || len(rest) < 11 || rest[10] != '.' || !isDate(rest[:10], now) {
		return "", 0, false
	}
	version, rest = rest[:10], rest[11:]
	if rest == "none" {
		return version, 0, true
	}
	for more := true; more; {
		var name string
		name, rest, more = strings.Cut(rest, "+")
		var p schemas.Purpose
		switch name {
		case "analytics":
			p = schemas.Analytics
		case "advertising":
			p = schemas.Advertising
		case "social":
			p = schemas.Social
		default:
			return "", 0, false
		}
		if granted.Has(p) {
			return "", 0, false
		}
		granted |= 1 << p
	}
	return version, granted, true
}

// maxAhead is how far ahead the time of a choice, or the policy that it was made
// under, may be: clocks and time zones differ.
const maxAhead = 24 * time.Hour

// isDate accepts YYYY-MM-DD, which compares as text, when there is such a day
// and it has come.
func isDate(s string, now time.Time) bool {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' ||
		!isOf(s[:4], digits) || !isOf(s[5:7], digits) || !isOf(s[8:], digits) {
		return false
	}
	number := func(two string) int { return int(two[0]-'0')*10 + int(two[1]-'0') }
	year, month, day := number(s)*100+number(s[2:]), number(s[5:]), number(s[8:])
	const everyMonth = 28 // days
	if month < 1 || month > 12 || day < 1 ||
		day > everyMonth && time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return false
	}
	lastYear, lastMonth, lastDay := now.Add(maxAhead).UTC().Date()
	ordered := func(year, month, day int) int { return (year*100+month)*100 + day }
	return ordered(year, month, day) <= ordered(lastYear, int(lastMonth), lastDay)
}
