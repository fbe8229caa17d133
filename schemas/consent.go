package schemas

import "time"

// Answer is what a signal says of one purpose.
type Answer uint8

// The answers. Silence is the jurisdiction's to interpret.
const (
	Silent Answer = iota
	Refused
	Granted
)

// Consent is the `consent` object of an event: the user's own choice as the
// site knows it, and the consent signals that the page or app forwards. What
// does not have the object's shape makes it malformed, which is a refusal; it
// never makes the event invalid.
type Consent struct {
	// Present: the event has the object.
	Present bool
	// Malformed: the object is not what it should be. It has no answers and no
	// policy then.
	Malformed bool
	// Answers per purpose; Necessary is never asked.
	Answers [NumPurposes]Answer
	// Policy is the version (date) of the policy consented to, if stated.
	Policy string
	// Time is when the user chose, or when whoever keeps events until then learnt
	// of it; zero when it is not stated.
	Time time.Time
	// Signals that the page or app forwards, as they were; "" when absent.
	Signals Signals
}

// Signals are the consent signals of third parties, undecoded. They come from
// the event's consent object or from the request's cookies and headers.
type Signals struct {
	TCF               string // IAB TC string
	TCFPublisher      string // TC string of OneTrust's own cookie, eupubconsent-v2
	TCFHeader         string // TC string that a site's server hands on in a header
	AdditionalConsent string // Google's Additional Consent string
	GPP               string // IAB GPP string
	GPPSections       string // ids of the GPP sections in force, "7,8"
	USPrivacy         string // IAB US Privacy string
	GCS               string // Google Consent Mode state
	GCD               string // Google Consent Mode v2 detail
	OneTrust          string // OptanonConsent cookie
	OneTrustClosed    string // OptanonAlertBoxClosed cookie
	Cookiebot         string // CookieConsent cookie
	Didomi            string // didomi_token cookie
	CookieYes         string // cookieyes-consent cookie
	Usercentrics      string // consent list of the Usercentrics SDK, JSON
	Categories        string // category object of Segment-style SDKs, JSON
	ATT               string // iOS App Tracking Transparency status
	LimitAdTracking   string // limit-ad-tracking flag: "0" or "1"
	GPC               string // Global Privacy Control
	DNT               string // Do Not Track
	GDPR              string // whether GDPR applies: "0" or "1"
	// Unclear names a cookie or header of a signal that is empty, or that came
	// more than once with different values.
	Unclear string
}

// Any reports whether there is any signal. It is asked for every event, and comparing
// with Signals{} takes a tenth of a decision.
func (s *Signals) Any() bool {
	return len(s.TCF)|len(s.TCFPublisher)|len(s.TCFHeader)|len(s.AdditionalConsent)|
		len(s.GPP)|len(s.GPPSections)|len(s.USPrivacy)|len(s.GCS)|
		len(s.GCD)|len(s.OneTrust)|len(s.OneTrustClosed)|len(s.Cookiebot)|
		len(s.Didomi)|len(s.CookieYes)|len(s.Usercentrics)|len(s.Categories)|
		len(s.ATT)|len(s.LimitAdTracking)|len(s.GPC)|len(s.DNT)|
		len(s.GDPR)|len(s.Unclear) != 0
}
