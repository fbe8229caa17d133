package schemas

import (
	"time"

	"github.com/valyala/fastjson"
)

// decodeConsent reads the consent object. Whatever it does not understand
// makes the consent malformed: it never grants, and it never makes the event
// invalid, so that a broken banner does not lose the anonymous count.
func decodeConsent(v *fastjson.Value, c *Consent) {
	object, err := v.Object()
	// Of an object that appears twice, which one is true?
	c.Malformed = err != nil || c.Present
	c.Present = true
	if err == nil {
		object.Visit(func(key []byte, v *fastjson.Value) {
			if !decodeConsentMember(string(key), v, c) {
				c.Malformed = true
			}
		})
	}
	if c.Malformed {
		c.Answers, c.Policy, c.Time = [NumPurposes]Answer{}, "", time.Time{}
	}
}

func decodeConsentMember(key string, v *fastjson.Value, c *Consent) bool {
	switch key {
	case "analytics":
		return decodeAnswer(v, &c.Answers[Analytics])
	case "advertising":
		return decodeAnswer(v, &c.Answers[Advertising])
	case "social":
		return decodeAnswer(v, &c.Answers[Social])
	case "policy":
		return decodeSignal(v, &c.Policy) && isDate(c.Policy)
	case "time":
		return c.Time.IsZero() && decodeTime(v, &c.Time)
	case "tcf":
		return decodeSignal(v, &c.Signals.TCF)
	case "additional_consent":
		return decodeSignal(v, &c.Signals.AdditionalConsent)
	case "gpp":
		return decodeSignal(v, &c.Signals.GPP)
	case "gpp_sections":
		return decodeSignal(v, &c.Signals.GPPSections)
	case "us_privacy":
		return decodeSignal(v, &c.Signals.USPrivacy)
	case "gcs":
		return decodeSignal(v, &c.Signals.GCS)
	case "gcd":
		return decodeSignal(v, &c.Signals.GCD)
	case "onetrust":
		return decodeSignal(v, &c.Signals.OneTrust)
	case "onetrust_closed":
		return decodeSignal(v, &c.Signals.OneTrustClosed)
	case "cookiebot":
		return decodeSignal(v, &c.Signals.Cookiebot)
	case "didomi":
		return decodeSignal(v, &c.Signals.Didomi)
	case "usercentrics":
		return decodeSignal(v, &c.Signals.Usercentrics)
	case "att":
		return decodeSignal(v, &c.Signals.ATT)
	case "limit_ad_tracking":
		return decodeFlag(v, &c.Signals.LimitAdTracking)
	case "gpc":
		return decodeFlag(v, &c.Signals.GPC)
	case "dnt":
		return decodeFlag(v, &c.Signals.DNT)
	case "gdpr":
		return decodeFlag(v, &c.Signals.GDPR)
	case "categories":
		if v.Type() != fastjson.TypeObject || c.Signals.Categories != "" {
			return false
		}
		c.Signals.Categories = string(v.MarshalTo(nil))
		return true
	}
	return false
}

func decodeAnswer(v *fastjson.Value, answer *Answer) bool {
	if *answer != Silent {
		return false
	}
	switch v.Type() {
	case fastjson.TypeTrue:
		*answer = Granted
	case fastjson.TypeFalse:
		*answer = Refused
	default:
		return false
	}
	return true
}

func decodeTime(v *fastjson.Value, t *time.Time) bool {
	raw, err := v.StringBytes()
	if err == nil {
		*t, err = ParseTime(share(raw))
	}
	return err == nil
}

func decodeSignal(v *fastjson.Value, signal *string) bool {
	raw, err := v.StringBytes()
	if err != nil || len(raw) == 0 || *signal != "" {
		return false
	}
	*signal = share(raw)
	return true
}

// decodeFlag takes true, false, "1" and "0".
func decodeFlag(v *fastjson.Value, signal *string) bool {
	if *signal != "" {
		return false
	}
	switch v.Type() {
	case fastjson.TypeTrue:
		*signal = "1"
	case fastjson.TypeFalse:
		*signal = "0"
	default:
		return decodeSignal(v, signal) && (*signal == "0" || *signal == "1")
	}
	return true
}
