package schemas

// Reason says why an event had its outcome. The list is fixed: reasons are
// labels of metrics and values in the decisions table, and are only appended.
type Reason uint8

// The reasons.
const (
	// ReasonGranted: the event's purpose was granted.
	ReasonGranted Reason = iota
	// ReasonNecessary: the event's purpose needs no consent.
	ReasonNecessary
	// ReasonRefused: a signal refused the event's purpose.
	ReasonRefused
	// ReasonSilent: no signal spoke, and the jurisdiction is opt-in.
	ReasonSilent
	// ReasonMalformedConsent: a consent signal could not be understood,
	// which is a refusal.
	ReasonMalformedConsent
	// ReasonOutdatedConsent: consent was given before the policy's last
	// material revision, and the jurisdiction is opt-in.
	ReasonOutdatedConsent
	// ReasonGPC: Global Privacy Control binds here and refuses the purpose.
	ReasonGPC
	// ReasonDNT: Do Not Track is honoured here and refuses the purpose.
	ReasonDNT
	// ReasonReset: an identifier of the event has been reset.
	ReasonReset
	// ReasonOptedOut: the user opted out of this recipient.
	ReasonOptedOut
	// ReasonRecipient: the policy does not give this recipient such events.
	ReasonRecipient
	// ReasonInvalid: the event does not fit the schema.
	ReasonInvalid
	// ReasonUnreadable: the request's body could not be read as events.
	ReasonUnreadable
	// ReasonTooLarge: the request's body is over the limit.
	ReasonTooLarge
	// ReasonMediaType: the request's content type or encoding is not taken.
	ReasonMediaType
	// ReasonOrigin: the request's origin is not one of the site's.
	ReasonOrigin
	// ReasonUnknownSite: the policy does not know the site.
	ReasonUnknownSite
	// ReasonRateLimited: the client sent too much.
	ReasonRateLimited
	// ReasonVendorRefused: an IAB signal does not permit the recipient's
	// vendor to process for the event's purpose.
	ReasonVendorRefused
	// ReasonOptOutSignal: an opt-out signal (GPP, US Privacy, limit ad
	// tracking, ATT) refuses the purpose.
	ReasonOptOutSignal
	// ReasonWithheld: an identifier of the event was reset after it was let
	// through and before it was stored.
	ReasonWithheld
	// ReasonErased: an identifier of the event was reset after it was stored.
	ReasonErased
	NumReasons = iota
)

var reasonNames = [NumReasons]string{
	"granted", "necessary", "refused", "silent", "malformed_consent",
	"outdated_consent", "gpc", "dnt", "reset", "opted_out", "recipient",
	"invalid", "unreadable", "too_large", "media_type", "origin",
	"unknown_site", "rate_limited", "vendor_refused", "opt_out_signal",
	"withheld", "erased",
}

// String returns the reason's name in answers, metrics and tables.
func (r Reason) String() string { return nameOf(reasonNames[:], r) }

// UnmarshalText accepts a reason's name.
func (r *Reason) UnmarshalText(text []byte) error { return parseName(reasonNames[:], text, r) }

// MarshalText returns the reason's name.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
