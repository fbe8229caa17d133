package enforcer

import (
	"time"

	"sekisho/schemas"
)

// Request is what the request says besides its events: the signals of its
// headers and cookies, and where it came from.
type Request struct {
	// Now is when the request was received: signals can be too old.
	Now time.Time
	// Place is the country (JP) or region (US-CA) that a trusted edge header
	// gives, or "".
	Place string
	// Lookup is the country or region that the operator's database gives for
	// the client's address, or "".
	Lookup string
	// Consent is the value of the gateway's own consent cookie, or "".
	Consent string
	// OptedOut is the value of the gateway's own cookie of opt-outs, or "".
	OptedOut string
	// Signals of headers and other cookies, undecoded.
	Signals schemas.Signals
}

// ConsentCookie is the name of the gateway's own consent cookie. It holds no
// identifier: its value is `1.DATE.PURPOSES`, the form's version, the policy
// version consented to, and the granted purposes joined by "+", or "none".
const ConsentCookie = "sekisho_consent"

// OptOutCookie is the name of the gateway's own cookie of opt-outs. It holds no
// identifier: its value is the recipients that the user opted out of, joined by "+".
const OptOutCookie = "sekisho_optout"

// TCFHeader is the header in which a caller that is no browser, such as a site's
// own server, hands on the TC string of its user.
const TCFHeader = "Sekisho-TCF"
