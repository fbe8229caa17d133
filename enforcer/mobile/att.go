package mobile

import (
	"fmt"

	"sekisho/schemas"
)

// ATT is the status of iOS App Tracking Transparency, numbered as Apple's
// ATTrackingManager.AuthorizationStatus is.
type ATT uint8

// The statuses.
const (
	NotDetermined ATT = iota // the user has not been asked yet
	Restricted               // the device does not let the user be asked
	Denied
	Authorized
	numATT = iota
)

var attNames = [numATT]string{"notDetermined", "restricted", "denied", "authorized"}

// DecodeATT decodes a status, "0" to "3" or Apple's name of it. On error the
// ATT is Denied.
func DecodeATT(s string) (ATT, error) {
	if len(s) == 1 && '0' <= s[0] && s[0] < '0'+numATT {
		return ATT(s[0] - '0'), nil
	}
	for i, name := range attNames {
		if s == name {
			return ATT(i), nil
		}
	}
	return Denied, ErrATT
}

// String returns Apple's name of the status.
func (a ATT) String() string {
	if int(a) < numATT {
		return attNames[a]
	}
	return fmt.Sprintf("unknown(%d)", uint8(a))
}

// Answer is what the status says of tracking for advertising. Only Authorized
// is a grant. NotDetermined is a refusal and not silence: until the user has
// agreed, iOS gives out a zeroed identifier and its rules forbid tracking,
// also where the law would take silence for consent.
func (a ATT) Answer() schemas.Answer {
	if a == Authorized {
		return schemas.Granted
	}
	return schemas.Refused
}
