package interpret

import (
	"errors"
	"fmt"
	"time"

	"sekisho/enforcer/additionalconsent"
	"sekisho/enforcer/cmp"
	"sekisho/enforcer/consentmode"
	"sekisho/enforcer/gpp"
	"sekisho/enforcer/mobile"
	"sekisho/enforcer/tcf"
	"sekisho/enforcer/usprivacy"
)

// Meaning is what a signal says.
type Meaning struct {
	Kind Kind
	// Said is the decoder's own description; as JSON it has the names that the
	// signal's own libraries use.
	Said any
	// Malformed says which parts of the signal could not be understood while
	// others could; nil when all could. Such a part is a refusal.
	Malformed error
	// Unusable says why the signal is a refusal although all of it was
	// understood: it is too old, or not yet valid.
	Unusable error

	optsOut bool // of a GPP string
}

// Of tells what a value says at a time; a TC string can be too old. The error
// is the decoder's, and then the signal is a refusal of everything.
//
// OneTrust's value is that of OptanonConsent; see [OfOneTrust].
func Of(kind Kind, text string, now time.Time) (Meaning, error) {
	m := Meaning{Kind: kind}
	var choices cmp.Choices
	var err error
	platform := func(decode func(string) error) {
		if err = decode(text); err == nil {
			m.Said = choices.Describe()
		}
	}
	switch kind {
	case TCF:
		var c tcf.Consent
		if err = tcf.Decode(&c, text); err == nil {
			m.Said, m.Unusable = c.Describe(), c.Usable(now)
		}
	case GPP:
		return ofGPP(text, now)
	case USPrivacy:
		var s usprivacy.String
		if s, err = usprivacy.Decode(text); err == nil {
			m.Said = s.Describe()
		}
	case AdditionalConsent:
		var l additionalconsent.List
		if l, err = additionalconsent.Decode(text); err == nil {
			m.Said = describeAdditional(l)
		}
	case GCS, GCD:
		decode := consentmode.DecodeGCS
		if kind == GCD {
			decode = consentmode.DecodeGCD
		}
		var s consentmode.State
		if s, err = decode(text); err == nil {
			m.Said = s.Describe()
		}
	case OneTrust:
		return OfOneTrust(text, "")
	case Cookiebot:
		platform(choices.DecodeCookiebot)
	case Didomi:
		platform(choices.DecodeDidomi)
	case Usercentrics:
		platform(choices.DecodeUsercentrics)
	case Segment:
		platform(choices.DecodeSegment)
	case CookieYes:
		platform(choices.DecodeCookieYes)
	case ATT:
		var a mobile.ATT
		if a, err = mobile.DecodeATT(text); err == nil {
			m.Said = a.Describe()
		}
	case LimitAdTracking:
		var l mobile.LimitAdTracking
		if l, err = mobile.DecodeLimitAdTracking(text); err == nil {
			m.Said = l.Describe()
		}
	}
	return m, err
}

// OfOneTrust tells what OneTrust's two cookies say, OptanonConsent and
// OptanonAlertBoxClosed, the second of which may be "".
func OfOneTrust(consent, closed string) (Meaning, error) {
	var choices cmp.Choices
	if err := choices.DecodeOneTrust(consent, closed); err != nil {
		return Meaning{Kind: OneTrust}, err
	}
	return Meaning{Kind: OneTrust, Said: choices.Describe()}, nil
}

func ofGPP(text string, now time.Time) (Meaning, error) {
	m := Meaning{Kind: GPP}
	var g gpp.String
	if err := gpp.Decode(&g, text); err != nil {
		return m, err
	}
	var bad []error
	for i := range g.Sections() {
		if s := &g.Sections()[i]; s.Malformed != 0 {
			bad = append(bad, fmt.Errorf("section %d (%v): %w", s.ID, s.ID, s.Malformed))
		}
	}
	m.Said = g.Describe(func(text string) (any, error) {
		var c tcf.Consent
		if err := tcf.Decode(&c, text); err != nil {
			bad = append(bad, fmt.Errorf("section %d (%v): %w", gpp.TCFEUv2, gpp.TCFEUv2, err))
			return nil, err
		}
		m.Unusable = c.Usable(now)
		d := c.Describe()
		return section(&d, &c), nil
	})
	m.Malformed, m.optsOut = errors.Join(bad...), g.OptedOut(0)
	return m, nil
}

// Additional describes an Additional Consent string.
type Additional struct {
	Version   int      `json:"version"`
	Consented []uint32 `json:"consented"`
	// Refused were shown to the user, who did not consent.
	Refused []uint32 `json:"refused"`
}

func describeAdditional(l additionalconsent.List) Additional {
	a := Additional{Version: l.Version(), Consented: []uint32{}, Refused: []uint32{}}
	for id, consented := range l.All() {
		if consented {
			a.Consented = append(a.Consented, id)
		} else {
			a.Refused = append(a.Refused, id)
		}
	}
	return a
}
