package gpp

import "fmt"

// Error says why a string, or a section of it, is not understood. The list is
// closed, and no error repeats what was sent.
type Error uint8

// The errors of the whole string.
const (
	// ErrEmpty: there is no string.
	ErrEmpty Error = iota + 1
	// ErrLength: longer than MaxLength, or section 5 longer than 4096 characters.
	ErrLength
	// ErrTCString: a TC string by itself, without the envelope.
	ErrTCString
	// ErrHeader: does not begin with a GPP header.
	ErrHeader
	// ErrVersion: a version of GPP other than 1.
	ErrVersion
	// ErrSectionCount: more or fewer sections than the header lists.
	ErrSectionCount
	// ErrBlankSection: a section without content.
	ErrBlankSection
	// ErrSectionIDs: a list of section ids (gpp_sid) that is not one.
	ErrSectionIDs

	// The errors of the header and of sections.

	// ErrCharacter: a character outside URL-safe base64.
	ErrCharacter
	// ErrTruncated: ends before its last field.
	ErrTruncated
	// ErrRange: a list of ids that is not one.
	ErrRange
	// ErrPadding: something after the last field that is not padding.
	ErrPadding

	// The errors of sections only.

	// ErrSectionVersion: a version of the section that is not known.
	ErrSectionVersion
	// ErrReservedValue: a field has the value 3, which has no meaning.
	ErrReservedValue
	// ErrSubsection: a sub-section that is not known, or is there twice.
	ErrSubsection
	// ErrUSPrivacy: not a US Privacy string.
	ErrUSPrivacy
	// ErrAmbiguous: can be read in two ways.
	ErrAmbiguous
	numErrors = iota + 1
)

var errorTexts = [numErrors]string{
	ErrEmpty:          "GPP string is empty",
	ErrLength:         "GPP string is too long",
	ErrTCString:       "GPP string is a TC string without a GPP header",
	ErrHeader:         "GPP string does not begin with a GPP header",
	ErrVersion:        "GPP string has an unknown version",
	ErrSectionCount:   "GPP string has not as many sections as its header lists",
	ErrBlankSection:   "GPP string has a blank section",
	ErrSectionIDs:     "GPP section ids are not a list of numbers",
	ErrCharacter:      "GPP string has a character outside URL-safe base64",
	ErrTruncated:      "GPP string ends before its last field",
	ErrRange:          "GPP string has a malformed list of ids",
	ErrPadding:        "GPP string goes on after its last field",
	ErrSectionVersion: "GPP section has an unknown version",
	ErrReservedValue:  "GPP section has a reserved value",
	ErrSubsection:     "GPP section has an unknown or repeated sub-section",
	ErrUSPrivacy:      "GPP section is not a US Privacy string",
	ErrAmbiguous:      "GPP section can be read in two ways",
}

func (e Error) Error() string {
	if e == 0 || int(e) >= numErrors {
		return fmt.Sprintf("unknown(%d)", uint8(e))
	}
	return errorTexts[e]
}
