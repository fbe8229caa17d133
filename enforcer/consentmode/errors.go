package consentmode

// Error says why a value is not understood. The list is closed, and no error
// repeats what was sent.
type Error uint8

// The errors.
const (
	// ErrForm: the value's length or first characters are not those of gcs or gcd.
	ErrForm Error = iota + 1
	// ErrState: a consent type has a state that is not known.
	ErrState
	numErrors = iota + 1
)

var errorTexts = [numErrors]string{
	ErrForm:  "consent mode value has an unknown form",
	ErrState: "consent mode value has an unknown state",
}

func (e Error) Error() string { return name(errorTexts[:], uint8(e)) }
