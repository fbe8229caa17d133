package tcf

import "fmt"

// Error says why a string is refused. The list is closed, and no error repeats
// what was sent.
type Error uint8

// Why a string cannot be decoded.
const (
	// ErrEmpty: there is no string.
	ErrEmpty Error = iota + 1
	// ErrTooLong: the string is longer than [MaxLength].
	ErrTooLong
	// ErrVersion: not a version 2 string. TCF 1 strings begin with B, GPP strings with D.
	ErrVersion
	// ErrAlphabet: a character is not of A-Z a-z 0-9 - _.
	ErrAlphabet
	// ErrTruncated: a segment ends before its fields do.
	ErrTruncated
	// ErrTrailing: a segment goes on after its fields with something else than zeros.
	ErrTrailing
	// ErrLetters: a language or country is not two letters.
	ErrLetters
	// ErrRange: a vendor range ends before it starts, or starts with id 0.
	ErrRange
	// ErrSegment: a segment is empty, is of type 0, or is there twice.
	ErrSegment

	// ErrGlobalScope: the string is not service specific; global scope was abolished in 2021.
	ErrGlobalScope
	// ErrPolicyVersion: made under a policy older than TCF 2.2.
	ErrPolicyVersion
	// ErrUndisclosed: TCF 2.3 demands the disclosed vendors, and they are not there.
	ErrUndisclosed
	// ErrCMP: the id is not one of a consent management platform.
	ErrCMP
	// ErrFuture: the string says that it is from the future.
	ErrFuture

	numErrors = iota + 1
)

var errorTexts = [numErrors]string{
	ErrEmpty:         "TC string is empty",
	ErrTooLong:       "TC string is too long",
	ErrVersion:       "TC string is not of version 2",
	ErrAlphabet:      "TC string has a character outside base64url",
	ErrTruncated:     "TC string is cut short",
	ErrTrailing:      "TC string has something after a segment's last field",
	ErrLetters:       "TC string has a language or country that is not two letters",
	ErrRange:         "TC string has an impossible vendor range",
	ErrSegment:       "TC string has an empty, repeated or misplaced segment",
	ErrGlobalScope:   "TC string is not service specific",
	ErrPolicyVersion: "TC string was made under a policy that has ended",
	ErrUndisclosed:   "TC string does not say which vendors were disclosed",
	ErrCMP:           "TC string is not from a registered consent management platform",
	ErrFuture:        "TC string was made in the future",
}

// Error returns the reason in words.
func (e Error) Error() string {
	if e != 0 && int(e) < len(errorTexts) {
		return errorTexts[e]
	}
	return fmt.Sprintf("unknown TC string error %d", uint8(e))
}
