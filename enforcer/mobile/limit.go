package mobile

import "sekisho/schemas"

// LimitAdTracking is the user's setting against interest-based advertising:
// isLimitAdTrackingEnabled on Android, and on iOS before 14.5 the opposite of
// isAdvertisingTrackingEnabled.
type LimitAdTracking bool

// DecodeLimitAdTracking decodes the flag: 1 or true, 0 or false. On error it
// is set.
func DecodeLimitAdTracking(s string) (LimitAdTracking, error) {
	switch s {
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return true, ErrLimitAdTracking
}

// Answer is what the flag says of advertising: set, it refuses; not set, it
// says nothing, since it is so on a new phone.
func (l LimitAdTracking) Answer() schemas.Answer {
	if l {
		return schemas.Refused
	}
	return schemas.Silent
}
