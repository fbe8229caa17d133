package gpp

// field is a field of a US section.
type field uint8

const (
	sharingNotice field = iota
	processingNotice
	saleOptOutNotice
	sharingOptOutNotice
	targetedAdvertisingOptOutNotice
	sensitiveDataProcessingOptOutNotice
	sensitiveDataOptOutNotice
	sensitiveDataLimitUseNotice
	saleOptOut
	sharingOptOut
	targetedAdvertisingOptOut
	sensitiveDataProcessing
	knownChildSensitiveDataConsents
	personalDataConsents
	additionalDataProcessingConsent
	mspaCoveredTransaction
	mspaOptOutOptionMode
	mspaServiceProviderMode
	mspaMode
	numFields
)

// fieldNames are the names in the specifications and in the CMP API.
var fieldNames = [numFields]string{
	"SharingNotice", "ProcessingNotice", "SaleOptOutNotice", "SharingOptOutNotice", "TargetedAdvertisingOptOutNotice",
	"SensitiveDataProcessingOptOutNotice", "SensitiveDataOptOutNotice", "SensitiveDataLimitUseNotice",
	"SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut",
	"SensitiveDataProcessing", "KnownChildSensitiveDataConsents", "PersonalDataConsents", "AdditionalDataProcessingConsent",
	"MspaCoveredTransaction", "MspaOptOutOptionMode", "MspaServiceProviderMode", "MspaMode",
}

// slot is a place in a section: so many values, of two bits each, of a field.
type slot struct {
	field field
	count uint8
}

// subsection is what may follow the core after a dot.
type subsection uint8

const (
	noSubsection subsection = iota
	gpcSubsection
	sensitiveSubsection
)

// layout is a US section: the slots of its core, which follow a version of six
// bits, and its sub-section.
type layout struct {
	name        string
	versionName string
	slots       []slot
	subsection  subsection
}

// layouts are the US sections (Sections/US-National and Sections/US-States).
// For 24 to 27 the specifications also want a section header, which they and
// the IAB's own library understand differently; the layouts are the library's,
// and anything else is malformed.
var layouts = [maxID + 1]layout{
	USNat: {"usnat", "Version", national(16, 3), gpcSubsection},
	USCA: {"usca", "Version", []slot{
		{saleOptOutNotice, 1}, {sharingOptOutNotice, 1}, {sensitiveDataLimitUseNotice, 1},
		{saleOptOut, 1}, {sharingOptOut, 1},
		{sensitiveDataProcessing, 9}, {knownChildSensitiveDataConsents, 2}, {personalDataConsents, 1},
		{mspaCoveredTransaction, 1}, {mspaOptOutOptionMode, 1}, {mspaServiceProviderMode, 1},
	}, gpcSubsection},
	USVA: {"usva", "Version", state(notices(sharingNotice), 8, 1, false), noSubsection},
	USCO: {"usco", "Version", state(notices(sharingNotice), 7, 1, false), gpcSubsection},
	USUT: {"usut", "Version", state(notices(sharingNotice, sensitiveDataProcessingOptOutNotice), 8, 1, false), noSubsection},
	USCT: {"usct", "Version", state(notices(sharingNotice), 8, 3, false), gpcSubsection},
	USFL: {"usfl", "Version", state(notices(processingNotice), 8, 3, true), noSubsection},
	USMT: {"usmt", "Version", state(notices(sharingNotice), 8, 3, true), gpcSubsection},
	USOR: {"usor", "Version", state(notices(processingNotice), 11, 3, true), gpcSubsection},
	USTX: {"ustx", "Version", state(notices(processingNotice), 8, 1, true), gpcSubsection},
	USDE: {"usde", "Version", state(notices(processingNotice), 9, 5, true), gpcSubsection},
	USIA: {"usia", "Version", state(notices(processingNotice, sensitiveDataOptOutNotice), 8, 1, false), gpcSubsection},
	USNE: {"usne", "Version", state(notices(processingNotice), 8, 1, true), gpcSubsection},
	USNH: {"usnh", "Version", state(notices(processingNotice), 8, 3, true), gpcSubsection},
	USNJ: {"usnj", "Version", state(notices(processingNotice), 10, 5, true), gpcSubsection},
	USTN: {"ustn", "Version", state(notices(processingNotice), 8, 1, true), gpcSubsection},
	USMN: {"usmn", "Version", state(notices(processingNotice), 8, 1, true), gpcSubsection},
	USMD: {"usmd", "MspaVersion", mspaFirst(additionalDataProcessingConsent), gpcSubsection},
	USIN: {"usin", "MspaVersion", mspaFirst(knownChildSensitiveDataConsents, additionalDataProcessingConsent), sensitiveSubsection},
	USKY: {"usky", "MspaVersion", mspaFirst(knownChildSensitiveDataConsents, additionalDataProcessingConsent), sensitiveSubsection},
	USRI: {"usri", "MspaVersion", mspaFirst(knownChildSensitiveDataConsents, additionalDataProcessingConsent), sensitiveSubsection},
}

// nationalV1 is usnat before it was extended for the laws of 2025.
var nationalV1 = national(12, 2)

func national(sensitive, child uint8) []slot {
	return []slot{
		{sharingNotice, 1}, {saleOptOutNotice, 1}, {sharingOptOutNotice, 1}, {targetedAdvertisingOptOutNotice, 1},
		{sensitiveDataProcessingOptOutNotice, 1}, {sensitiveDataLimitUseNotice, 1},
		{saleOptOut, 1}, {sharingOptOut, 1}, {targetedAdvertisingOptOut, 1},
		{sensitiveDataProcessing, sensitive}, {knownChildSensitiveDataConsents, child}, {personalDataConsents, 1},
		{mspaCoveredTransaction, 1}, {mspaOptOutOptionMode, 1}, {mspaServiceProviderMode, 1},
	}
}

// notices are the notices of a state: its first one, those of the two
// opt-outs, then its others.
func notices(first field, others ...field) []slot {
	s := []slot{{first, 1}, {saleOptOutNotice, 1}, {targetedAdvertisingOptOutNotice, 1}}
	for _, f := range others {
		s = append(s, slot{f, 1})
	}
	return s
}

func state(notices []slot, sensitive, child uint8, additional bool) []slot {
	s := append(notices, slot{saleOptOut, 1}, slot{targetedAdvertisingOptOut, 1},
		slot{sensitiveDataProcessing, sensitive}, slot{knownChildSensitiveDataConsents, child})
	if additional {
		s = append(s, slot{additionalDataProcessingConsent, 1})
	}
	return append(s, slot{mspaCoveredTransaction, 1}, slot{mspaOptOutOptionMode, 1}, slot{mspaServiceProviderMode, 1})
}

func mspaFirst(consents ...field) []slot {
	s := []slot{{mspaCoveredTransaction, 1}, {mspaMode, 1}}
	s = append(s, notices(processingNotice)...)
	s = append(s, slot{saleOptOut, 1}, slot{targetedAdvertisingOptOut, 1})
	for _, f := range consents {
		s = append(s, slot{f, 1})
	}
	return s
}
