package cmp

import "fmt"

// Error says why a value is not understood. The list is closed, and no error
// repeats what was sent.
type Error uint8

// The errors.
const (
	// ErrTooLong: the value has more than MaxValue bytes.
	ErrTooLong Error = iota + 1
	// ErrEncoding: its percent-encoding, base64 or UTF-8 is broken.
	ErrEncoding
	// ErrSyntax: it is not of the platform's form.
	ErrSyntax
	// ErrDuplicate: it says the same thing twice, and so perhaps two things.
	ErrDuplicate
	// ErrTooMany: it has more than MaxCategories categories.
	ErrTooMany
	// ErrIncomplete: a part without which it says nothing is missing.
	ErrIncomplete
	// ErrUnsupported: it is of a form that is known but cannot be decoded.
	ErrUnsupported
	numErrors = iota + 1
)

var errorTexts = [numErrors]string{
	ErrTooLong:     "consent value is too long",
	ErrEncoding:    "consent value is not encoded as it should be",
	ErrSyntax:      "consent value is not of the platform's form",
	ErrDuplicate:   "consent value says the same thing twice",
	ErrTooMany:     "consent value has too many categories",
	ErrIncomplete:  "consent value is incomplete",
	ErrUnsupported: "consent value is of a form that cannot be decoded; forward the platform's JSON form or its TC string",
}

func (e Error) Error() string {
	if e == 0 || int(e) >= numErrors {
		return fmt.Sprintf("unknown(%d)", uint8(e))
	}
	return errorTexts[e]
}
