package gpp

import "sekisho/enforcer/usprivacy"

// Value is a field of a US section. What 1 and 2 mean depends on the field,
// but 1 is always the restrictive one of an opt-out or a consent.
type Value uint8

// The values of opt-outs, of consents, and of notices and declarations. 3 has
// no meaning and makes a section malformed.
const (
	NotApplicable Value = 0

	OptedOut     Value = 1
	DidNotOptOut Value = 2

	NoConsent Value = 1
	Consent   Value = 2

	Yes Value = 1
	No  Value = 2
)

// The most values that any section has in its lists.
const (
	maxSensitive = 16
	maxChild     = 5
)

// Section is one section of a GPP string. Fields that the section does not
// have are NotApplicable.
type Section struct {
	ID ID
	// Malformed says why the section did not decode, and is 0 if it did. Every
	// opt-out and consent of a malformed section has its restrictive value.
	Malformed Error
	// Version is the section's own; for usmd, usin, usky and usri it is that
	// of the Multi-State Privacy Agreement.
	Version uint8
	// HasSubsection: the optional sub-section was there, which is GPC, or for
	// usin, usky and usri the SensitiveDataProcessing.
	HasSubsection bool
	// GPC: the browser sent Global Privacy Control. False says nothing if
	// HasSubsection is false.
	GPC bool

	SharingNotice                       Value
	ProcessingNotice                    Value
	SaleOptOutNotice                    Value
	SharingOptOutNotice                 Value
	TargetedAdvertisingOptOutNotice     Value
	SensitiveDataProcessingOptOutNotice Value
	SensitiveDataOptOutNotice           Value
	SensitiveDataLimitUseNotice         Value

	SaleOptOut                Value
	SharingOptOut             Value
	TargetedAdvertisingOptOut Value

	// SensitiveDataProcessing has one value a category, which each section
	// numbers for itself. They are consents, or opt-outs where the law gives
	// an opt-out; the restrictive value is the same.
	SensitiveDataProcessing [maxSensitive]Value
	// KnownChildSensitiveDataConsents has one consent an age group.
	KnownChildSensitiveDataConsents [maxChild]Value
	PersonalDataConsents            Value
	AdditionalDataProcessingConsent Value

	// The declarations under the Multi-State Privacy Agreement.
	MSPACoveredTransaction  Value
	MSPAOptOutOptionMode    Value
	MSPAServiceProviderMode Value
	// MSPAMode is 1 in opt-out option mode and 2 in service provider mode.
	MSPAMode Value

	// Raw is the section as it was sent: for TCFEUv2 the TC string. It is a
	// part of the string given to Decode.
	Raw string
}

// OptedOut reports whether the user opted out of the sale or sharing of their
// data or of targeted advertising, in any of the forms a section knows: an
// opt-out, Global Privacy Control, or no consent for a known child. A
// malformed section is opted out.
//
// The frameworks of consent, TCFEUv2 and TCFCAv1, have no opt-out: for them
// this only says whether the section is malformed, and whether there is
// consent must be asked elsewhere, of a TC string's decoder and of Canada.
func (s *Section) OptedOut() bool {
	if s.Malformed != 0 || s.GPC ||
		s.SaleOptOut == OptedOut || s.SharingOptOut == OptedOut || s.TargetedAdvertisingOptOut == OptedOut {
		return true
	}
	for _, v := range s.KnownChildSensitiveDataConsents {
		if v == NoConsent {
			return true
		}
	}
	return false
}

// refuse makes the section malformed, with no permission left in any field.
func (s *Section) refuse(why Error) {
	*s = Section{
		ID: s.ID, Raw: s.Raw, Malformed: why,
		SaleOptOut: OptedOut, SharingOptOut: OptedOut, TargetedAdvertisingOptOut: OptedOut,
		PersonalDataConsents: NoConsent, AdditionalDataProcessingConsent: NoConsent,
	}
	for i := range s.SensitiveDataProcessing {
		s.SensitiveDataProcessing[i] = NoConsent
	}
	for i := range s.KnownChildSensitiveDataConsents {
		s.KnownChildSensitiveDataConsents[i] = NoConsent
	}
}

// decodeUSPrivacy reads the plain text of section 6.
func (s *Section) decodeUSPrivacy() Error {
	d, err := usprivacy.Decode(s.Raw)
	if err != nil {
		return ErrUSPrivacy
	}
	s.Version = 1
	s.SaleOptOut = fromUSPrivacy(d.OptOutSale)
	s.SaleOptOutNotice = fromUSPrivacy(d.Notice)
	return 0
}

func fromUSPrivacy(a usprivacy.Answer) Value {
	switch a {
	case usprivacy.Yes:
		return Yes
	case usprivacy.No:
		return No
	}
	return NotApplicable
}
