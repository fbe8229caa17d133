package enforcer

import (
	"errors"
	"time"

	"sekisho/schemas"
)

// ConsentCookieDescription is what the gateway's own consent cookie says.
type ConsentCookieDescription struct {
	// Policy is the version of the policy under which the user chose.
	Policy  string   `json:"policy"`
	Granted []string `json:"granted"`
	Refused []string `json:"refused"`
}

var errConsentCookie = errors.New("not a consent cookie, which is 1.DATE.PURPOSES")

// DescribeConsentCookie tells what a value of the gateway's own consent cookie
// says at a time; see [ConsentCookie].
func DescribeConsentCookie(value string, now time.Time) (ConsentCookieDescription, error) {
	version, granted, ok := parseConsentCookie(value, now)
	if !ok {
		return ConsentCookieDescription{}, errConsentCookie
	}
	return ConsentCookieDescription{
		Policy: version, Granted: granted.Names(), Refused: (schemas.OptionalPurposes &^ granted).Names(),
	}, nil
}

// Lines is the description for a person to read, one fact a line.
func (d ConsentCookieDescription) Lines() []string {
	return []string{
		"chosen under the policy of " + d.Policy,
		"granted: " + list(d.Granted),
		"refused: " + list(d.Refused),
	}
}
