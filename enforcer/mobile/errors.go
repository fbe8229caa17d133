package mobile

import "fmt"

// Error says why a value is not understood. The list is closed, and no error
// repeats what was sent.
type Error uint8

// The errors.
const (
	// ErrATT: not one of the four statuses of App Tracking Transparency.
	ErrATT Error = iota + 1
	// ErrLimitAdTracking: not a flag.
	ErrLimitAdTracking
	// ErrAdvertisingID: not a UUID in its usual form.
	ErrAdvertisingID
	numErrors = iota + 1
)

var errorTexts = [numErrors]string{
	ErrATT:             "unknown status of App Tracking Transparency, want 0 to 3 or its name",
	ErrLimitAdTracking: "unknown limit-ad-tracking flag, want 0, 1, true or false",
	ErrAdvertisingID:   "advertising identifier is not a UUID",
}

func (e Error) Error() string {
	if e == 0 || int(e) >= numErrors {
		return fmt.Sprintf("unknown(%d)", uint8(e))
	}
	return errorTexts[e]
}
