package schemas

import "time"

// consent reads the consent object. Whatever it does not understand
// makes the consent malformed: it never grants, and it never makes the event
// invalid, so that a broken banner does not lose the anonymous count.
func (t *tape) consent(at int, c *Consent) {
	// Of an object that appears twice, which one is true?
	c.Malformed = t.kind(at) != isObject || c.Present
	c.Present = true
	if t.kind(at) == isObject {
		for at, end := t.inside(at); at < end; at = t.after(at + 1) {
			if !t.consentMember(t.name(at), at+1, c) {
				c.Malformed = true
			}
		}
	}
	if c.Malformed {
		c.Answers, c.Policy, c.Time = [NumPurposes]Answer{}, "", time.Time{}
	}
}

func (t *tape) consentMember(key string, at int, c *Consent) bool {
	switch key {
	case "analytics":
		return t.answer(at, &c.Answers[Analytics])
	case "advertising":
		return t.answer(at, &c.Answers[Advertising])
	case "social":
		return t.answer(at, &c.Answers[Social])
	case "policy":
		return t.signal(at, &c.Policy) && isDate(c.Policy)
	case "time":
		return c.Time.IsZero() && t.time(at, &c.Time)
	case "tcf":
		return t.signal(at, &c.Signals.TCF)
	case "additional_consent":
		return t.signal(at, &c.Signals.AdditionalConsent)
	case "gpp":
		return t.signal(at, &c.Signals.GPP)
	case "gpp_sections":
		return t.signal(at, &c.Signals.GPPSections)
	case "us_privacy":
		return t.signal(at, &c.Signals.USPrivacy)
	case "gcs":
		return t.signal(at, &c.Signals.GCS)
	case "gcd":
		return t.signal(at, &c.Signals.GCD)
	case "onetrust":
		return t.signal(at, &c.Signals.OneTrust)
	case "onetrust_closed":
		return t.signal(at, &c.Signals.OneTrustClosed)
	case "cookiebot":
		return t.signal(at, &c.Signals.Cookiebot)
	case "didomi":
		return t.signal(at, &c.Signals.Didomi)
	case "usercentrics":
		return t.signal(at, &c.Signals.Usercentrics)
	case "att":
		return t.signal(at, &c.Signals.ATT)
	case "limit_ad_tracking":
		return t.flag(at, &c.Signals.LimitAdTracking)
	case "gpc":
		return t.flag(at, &c.Signals.GPC)
	case "dnt":
		return t.flag(at, &c.Signals.DNT)
	case "gdpr":
		return t.flag(at, &c.Signals.GDPR)
	case "categories":
		if t.kind(at) != isObject || c.Signals.Categories != "" {
			return false
		}
		c.Signals.Categories = string(t.appendCompact(nil, at))
		return true
	}
	return false
}

func (t *tape) answer(at int, answer *Answer) bool {
	if *answer != Silent {
		return false
	}
	switch t.kind(at) {
	case isTrue:
		*answer = Granted
	case isFalse:
		*answer = Refused
	default:
		return false
	}
	return true
}

func (t *tape) time(at int, when *time.Time) bool {
	text, ok := t.text(at)
	if !ok {
		return false
	}
	var err error
	*when, err = ParseTime(text)
	return err == nil
}

func (t *tape) signal(at int, signal *string) bool {
	text, _ := t.text(at)
	if text == "" || *signal != "" {
		return false
	}
	*signal = text
	return true
}

// flag takes true, false, "1" and "0".
func (t *tape) flag(at int, signal *string) bool {
	if *signal != "" {
		return false
	}
	switch t.kind(at) {
	case isTrue:
		*signal = "1"
	case isFalse:
		*signal = "0"
	default:
		return t.signal(at, signal) && (*signal == "0" || *signal == "1")
	}
	return true
}
