package interpret

import (
	"fmt"
	"strings"
)

// Kind is a kind of consent signal.
type Kind uint8

// The kinds.
const (
	TCF Kind = iota
	GPP
	USPrivacy
	AdditionalConsent
	GCS
	GCD
	OneTrust
	Cookiebot
	Didomi
	Usercentrics
	Segment
	CookieYes
	ATT
	LimitAdTracking
	NumKinds = iota
)

var kinds = [NumKinds]struct{ name, title string }{
	TCF:               {"tcf", "IAB TC string"},
	GPP:               {"gpp", "IAB GPP string"},
	USPrivacy:         {"us_privacy", "IAB US Privacy string"},
	AdditionalConsent: {"additional_consent", "Google Additional Consent string"},
	GCS:               {"gcs", "Google Consent Mode, gcs"},
	GCD:               {"gcd", "Google Consent Mode, gcd"},
	OneTrust:          {"onetrust", "OneTrust cookie"},
	Cookiebot:         {"cookiebot", "Cookiebot cookie"},
	Didomi:            {"didomi", "Didomi cookie"},
	Usercentrics:      {"usercentrics", "Usercentrics consents"},
	Segment:           {"categories", "category preferences"},
	CookieYes:         {"cookieyes", "CookieYes cookie"},
	ATT:               {"att", "App Tracking Transparency"},
	LimitAdTracking:   {"limit_ad_tracking", "limit ad tracking"},
}

// String returns the kind's name, which is that of the signal in an event's
// consent object.
func (k Kind) String() string { return kinds[k].name }

// Title returns what the kind is called in words.
func (k Kind) Title() string { return kinds[k].title }

// MarshalText returns the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText accepts a kind's name.
func (k *Kind) UnmarshalText(text []byte) error {
	for i := range kinds {
		if kinds[i].name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("must be one of %s", strings.Join(k.Allowed(), ", "))
}

// Allowed lists the names that UnmarshalText accepts.
func (Kind) Allowed() []string {
	names := make([]string, NumKinds)
	for i := range names {
		names[i] = kinds[i].name
	}
	return names
}

// KindOf tells the kind of a value by its form; whether it is well-formed, only
// [Of] knows. What a phone says has no form of its own and is not told.
func KindOf(text string) (Kind, bool) {
	has := func(prefix string) bool { return strings.HasPrefix(text, prefix) }
	switch {
	case has("{stamp:"), has("%7Bstamp:"), has("%7bstamp:"), has("{stamp%3A"):
		return Cookiebot, true
	case strings.Contains(text, "groups="):
		return OneTrust, true
	case strings.Contains(text, "consentid:"), strings.Contains(text, "consentid%3A"):
		return CookieYes, true
	case has("{"), has("["):
		return kindOfJSON(text), true
	case has("1~"), has("2~"):
		return AdditionalConsent, true
	case len(text) == 4 && has("G1"):
		return GCS, true
	case len(text) == 4 && has("1"):
		return USPrivacy, true
	case len(text) > 4 && has("1") && isDigit(text[1]) && isLetter(text[2]) && isDigit(text[3]):
		return GCD, true
	case has("ey"): // base64 of `{"`
		return Didomi, true
	case has("D"):
		return GPP, true
	case has("A"), has("B"), has("C"): // versions 0, 1 and 2
		return TCF, true
	}
	return 0, false
}

// kindOfJSON tells an object of plain flags from the richer forms.
func kindOfJSON(text string) Kind {
	if strings.HasPrefix(text, "[") || strings.ContainsAny(text[1:], "{[") {
		return Usercentrics
	}
	return Segment
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }
