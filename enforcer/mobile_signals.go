package enforcer

import (
	"sekisho/enforcer/mobile"
	"sekisho/schemas"
)

// LimitsTracking reports whether a phone says that its user does not allow
// tracking. What cannot be understood does not say so: it refuses, but a reset
// cannot be taken back.
func LimitsTracking(s *schemas.Signals) bool {
	if s.ATT != "" {
		if att, err := mobile.DecodeATT(s.ATT); err == nil && att.Answer() == schemas.Refused {
			return true
		}
	}
	if s.LimitAdTracking != "" {
		if limit, err := mobile.DecodeLimitAdTracking(s.LimitAdTracking); err == nil && limit.Answer() == schemas.Refused {
			return true
		}
	}
	return false
}
