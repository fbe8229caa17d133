package additionalconsent

import "fmt"

// Error says why a string is refused. The list is closed, and no error repeats
// what was sent.
type Error uint8

// The errors.
const (
	// ErrEmpty: there is no string.
	ErrEmpty Error = iota + 1
	// ErrTooLong: the string is longer than [MaxLength].
	ErrTooLong
	// ErrVersion: the string does not begin with `1~` or `2~`.
	ErrVersion
	// ErrForm: the parts are not those of the version.
	ErrForm
	// ErrID: a provider is empty, not a number, 0, or too high.
	ErrID
	numErrors = iota + 1
)

var errorTexts = [numErrors]string{
	ErrEmpty:   "AC string is empty",
	ErrTooLong: "AC string is too long",
	ErrVersion: "AC string is not of version 1 or 2",
	ErrForm:    "AC string has unknown parts",
	ErrID:      "AC string has a provider that is no number",
}

// Error returns the reason in words.
func (e Error) Error() string {
	if e != 0 && int(e) < len(errorTexts) {
		return errorTexts[e]
	}
	return fmt.Sprintf("unknown AC string error %d", uint8(e))
}
