package usprivacy

import "fmt"

// Error says why a value is not understood. The list is closed, and no error
// repeats what was sent.
type Error uint8

// The errors.
const (
	// ErrLength: not four characters.
	ErrLength Error = iota + 1
	// ErrVersion: the first character is not 1.
	ErrVersion
	// ErrLetter: a letter other than Y, N and -.
	ErrLetter
	// ErrLowerCase: lower case, which the specification does not know, in a
	// string that does not opt out.
	ErrLowerCase
	// ErrOptOut: the opt-out is not applicable, and yet the string is not 1---.
	ErrOptOut
	numErrors = iota + 1
)

var errorTexts = [numErrors]string{
	ErrLength:    "US Privacy string is not of four characters",
	ErrVersion:   "US Privacy string has an unknown version",
	ErrLetter:    "US Privacy string has a letter other than Y, N and -",
	ErrLowerCase: "US Privacy string is in lower case and not an opt-out",
	ErrOptOut:    "US Privacy string leaves the opt-out open",
}

func (e Error) Error() string {
	if e == 0 || int(e) >= numErrors {
		return fmt.Sprintf("unknown(%d)", uint8(e))
	}
	return errorTexts[e]
}
