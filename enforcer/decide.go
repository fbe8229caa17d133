package enforcer

import (
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// Verdict is what was decided about one event. The zero value is ready to be
// decided into; it serves one goroutine and is best reused.
type Verdict struct {
	// Site is the event's site.
	Site *Site
	// Outcome is the best that any recipient has of the event, and Reason why.
	Outcome schemas.Outcome
	Reason  schemas.Reason
	// Purposes that were granted.
	Purposes schemas.Purposes
	// Jurisdiction whose rules held.
	Jurisdiction string
	// Recipients of the site, store first, and what each may have.
	Recipients []RecipientVerdict
	// Hashes are the registry's of the event's identifiers.
	Hashes [][16]byte

	table   *Table
	named   bool // the policy knows the event's name
	heard   hearing
	verdict [schemas.MaxRecipients]RecipientVerdict
	recall  recall // hashes
}

// Remember has the registry's hashes of one event's identifiers reused for the same
// identifiers of those that are decided about after it, until Forget: those of the
// same request.
func (v *Verdict) Remember() { v.recall.remember() }

// Forget ends what Remember began. It costs nothing when nothing is remembered.
func (v *Verdict) Forget() { v.recall.forget() }

// RecipientVerdict is what was decided for one recipient.
type RecipientVerdict struct {
	Recipient  int // place in Table.Recipients
	Outcome    schemas.Outcome
	Reason     schemas.Reason
	Categories schemas.Categories // that it may have, when allowed

	// The vendors' own flags, derived from what was heard and never copied
	// from the client; all false unless allowed. AdUserData and
	// AdPersonalisation are Google's ad_user_data and ad_personalization;
	// LimitedDataUse is Meta's.
	// TrackingPermitted: the phone says that its user permits tracking.
	AdUserData, AdPersonalisation, LimitedDataUse, TrackingPermitted bool

	refused schemas.Purposes // to the recipient's vendor alone
}

// Decide decides about the event of a site into v. It is a pure function of
// its arguments; resets may be nil.
//
// Of each recipient: the event's purpose must be one for which the policy
// gives it events, and must be granted, as must be what all that it is sent serves. Without consent the store has what the
// policy's rule says; a third party has nothing. An event that carries a reset
// identifier is dropped or anonymised for all, and one whose user opted out of
// a third party is not for that one.
func (t *Table) Decide(site *Site, e *schemas.Event, r *Request, resets *Resets, v *Verdict) {
	place := t.jurisdiction(site, e, r)
	j := &t.jurisdictions[place]
	heard := &v.heard
	heard.hear(t, site, e, r, j)
	granted, why := heard.decide(j)
	rule, named := site.rule(e)

	v.Site, v.Purposes, v.Jurisdiction, v.table, v.named = site, granted, j.name, t, named
	isReset, optedOut := resets.of(e, t, site, v)
	if r.OptedOut != "" {
		optedOut |= t.namedIn(r.OptedOut, site)
	}
	for i, recipient := range site.recipients {
		rv := RecipientVerdict{Recipient: recipient, Reason: why[rule.purpose]}
		switch {
		case !site.purposes[i].Has(rule.purpose):
			rv.Outcome, rv.Reason = schemas.Dropped, schemas.ReasonRecipient
		case e.Type == schemas.ConsentGiven && granted&schemas.OptionalPurposes == 0:
			// A refusal is counted; who refused is nobody's business.
			rv.Outcome, rv.Reason = withheld(policy.Anonymise, i == 0), schemas.ReasonRefused
		case isReset:
			rv.Outcome, rv.Reason = withheld(t.reset, i == 0), schemas.ReasonReset
			if !granted.Has(rule.purpose) || heard.vendorRefused[i].Has(rule.purpose) {
				rv.Outcome = min(rv.Outcome, withheld(rule.without, i == 0))
			}
		case optedOut.has(i):
			rv.Outcome, rv.Reason = withheld(rule.without, i == 0), schemas.ReasonOptedOut
		case granted.Has(rule.purpose) && heard.vendorRefused[i].Has(rule.purpose):
			rv.Outcome, rv.Reason = withheld(rule.without, i == 0), schemas.ReasonVendorRefused
		case granted.Has(rule.purpose) && !(granted &^ heard.vendorRefused[i]).HasAll(site.requires[i]):
			rv.Outcome, rv.Reason = withheld(rule.without, i == 0), missing(site.requires[i]&^granted, &why)
		case granted.Has(rule.purpose):
			rv.Outcome, rv.Categories = schemas.Allowed, site.categories[i][granted&^heard.vendorRefused[i]]
			heard.derive(i, granted, j, &rv)
		default:
			rv.Outcome = withheld(rule.without, i == 0)
		}
		v.verdict[i] = rv
		if i == 0 || rv.Outcome > v.Outcome {
			v.Outcome, v.Reason = rv.Outcome, rv.Reason
		}
	}
	v.Recipients = v.verdict[:len(site.recipients)]
}

// missing is why a recipient lacks what all it is sent serves: refused are those
// that are granted to nobody, none when it is an IAB signal's word about it alone.
func missing(refused schemas.Purposes, why *[schemas.NumPurposes]schemas.Reason) schemas.Reason {
	for p := schemas.Purpose(0); p < schemas.NumPurposes; p++ {
		if refused.Has(p) {
			return why[p]
		}
	}
	return schemas.ReasonVendorRefused
}

// withheld is the outcome of an event that may not pass as it is. Only the
// store is given anonymised events.
func withheld(action policy.Action, store bool) schemas.Outcome {
	if action == policy.Anonymise && store {
		return schemas.Anonymised
	}
	return schemas.Dropped
}

// Refused returns the purposes that some signal refuses, and those of them that a
// signal which can be understood does. Silence refuses nothing.
func (v *Verdict) Refused() (any, understood schemas.Purposes) {
	for p := schemas.Purpose(0); p < schemas.NumPurposes; p++ {
		if v.heard.answers[p] != schemas.Refused || v.heard.byDefault.Has(p) {
			continue
		}
		any |= 1 << p
		if v.heard.why[p] != schemas.ReasonMalformedConsent {
			understood |= 1 << p
		}
	}
	return any, understood
}

// Allows reports whether some recipient may have fields of the category.
func (v *Verdict) Allows(c schemas.Category) bool { return v.categories().Has(c) }

func (v *Verdict) categories() (set schemas.Categories) {
	for i := range v.Recipients {
		if v.Recipients[i].Outcome == schemas.Allowed {
			set |= v.Recipients[i].Categories
		}
	}
	return set
}

// always are the fields that every record has.
var always = schemas.SetOf(schemas.ID, schemas.Type, schemas.Site, schemas.Time)
