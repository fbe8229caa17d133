package enforcer

import (
	"sekisho/enforcer/identifiers"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// Review is what one recipient may have of a record as of now.
type Review struct {
	// Outcome is Allowed: as far as Categories go; Anonymised: only in the
	// form that [Projector.AnonymiseRecord] makes; or Dropped.
	Outcome    schemas.Outcome
	Reason     schemas.Reason
	Categories schemas.Categories // that it may have, when allowed
	// Granted are the purposes that are granted to the recipient still, when
	// allowed.
	Granted schemas.Purposes
	// Own are identifiers that the policy lets it have as they came: of those in
	// its grant it may have no others.
	Own schemas.FieldSet
}

// Review decides again about a record that was let through earlier: by this
// policy, which may be a later one, and by what was reset or opted out of since.
// Everything that reads records from Kafka asks it before it passes one on. It
// never grants more than was granted then:
//
//   - a site, a recipient, a rule or a category that the policy no longer has
//     or gives is gone;
//   - what was granted before the policy's last material revision counts as
//     silence;
//   - a reset pseudonym withholds the record from everyone, an opt-out from its
//     recipient.
//
// An anonymised record is nobody's, and stays with the store as it is. w may be
// nil. Of the record only its declared properties may change: those that the
// policy no longer declares in the same category are taken away; and its addresses,
// which lose their click identifiers where the store may no longer have these.
func (t *Table) Review(r *schemas.Record, recipient string, w *Withdrawn) Review {
	_, had, given := r.For(recipient)
	site := t.Site(r.Event.Get(schemas.Site))
	switch {
	case !given:
		return Review{Outcome: schemas.Dropped, Reason: schemas.ReasonRecipient}
	case site == nil:
		return Review{Outcome: schemas.Dropped, Reason: schemas.ReasonUnknownSite}
	}
	place, store := t.recipientOf(site, recipient)
	if place < 0 {
		return Review{Outcome: schemas.Dropped, Reason: schemas.ReasonRecipient}
	}
	if r.Outcome == schemas.Anonymised {
		return Review{Outcome: withheld(policy.Anonymise, store), Reason: r.Reason, Categories: had}
	}
	rule, _ := site.rule(&r.Event)
	granted, outdated := t.stillGranted(r)
	refused := r.Grant(recipient).Flags.Refused()
	switch {
	case !site.purposes[place].Has(rule.purpose):
		return Review{Outcome: schemas.Dropped, Reason: schemas.ReasonRecipient}
	case w.Reset(r):
		outcome := withheld(t.reset, store)
		if !granted.Has(rule.purpose) {
			outcome = min(outcome, withheld(rule.without, store))
		}
		return Review{Outcome: outcome, Reason: schemas.ReasonReset}
	case w.OptedOut(r, recipient):
		return Review{Outcome: withheld(rule.without, store), Reason: schemas.ReasonOptedOut}
	case !granted.Has(rule.purpose) && outdated:
		return Review{Outcome: withheld(rule.without, store), Reason: schemas.ReasonOutdatedConsent}
	case !granted.Has(rule.purpose):
		return Review{Outcome: withheld(rule.without, store), Reason: schemas.ReasonRefused}
	case !(granted &^ refused).Has(rule.purpose), !(granted &^ refused).HasAll(site.requires[place]):
		reason := schemas.ReasonRefused
		if granted.Has(rule.purpose) && granted.HasAll(site.requires[place]) {
			reason = schemas.ReasonVendorRefused
		}
		return Review{Outcome: withheld(rule.without, store), Reason: reason}
	}
	granted &^= refused
	site.undeclare(r)
	categories := had & site.categories[place][granted]
	if store && (had &^ categories).Has(schemas.AdvertisementIdentifier) {
		site.maskClicks(r)
	}
	return Review{
		Outcome: schemas.Allowed, Reason: r.Reason, Categories: categories,
		Granted: granted, Own: t.own[site.recipients[place]],
	}
}

// recipientOf returns the recipient's place among the site's, -1 for none, and
// whether it is the store.
func (t *Table) recipientOf(site *Site, recipient string) (place int, store bool) {
	for i, index := range site.recipients {
		if t.Recipients[index] == recipient {
			return i, i == 0
		}
	}
	return -1, false
}

// stillGranted returns what of the record's purposes is granted as of now. Of
// what was granted before the last material revision that is what silence
// grants in the record's jurisdiction.
func (t *Table) stillGranted(r *schemas.Record) (granted schemas.Purposes, outdated bool) {
	if r.Policy >= t.Material {
		return r.Purposes, false
	}
	return r.Purposes & t.jurisdictions[t.byName[r.Jurisdiction]].granted, true
}

// maskClicks masks the click identifiers in the record's addresses.
func (s *Site) maskClicks(r *schemas.Record) {
	addresses := identifiers.Addresses{Own: s, NoClicks: true}
	for _, f := range [...]schemas.Field{schemas.URL, schemas.Referrer} {
		if masked, changed := addresses.Mask(nil, r.Event.Get(f), nil); changed {
			r.Event.Set(f, string(masked))
		}
	}
}

// undeclare takes away properties that the site does not declare any more.
func (s *Site) undeclare(r *schemas.Record) {
	properties, categories := r.Event.Properties[:0], r.PropertyCategories[:0]
	for i, p := range r.Event.Properties {
		if declared, ok := s.properties[p.Name]; ok && declared.Category == r.PropertyCategories[i] {
			properties, categories = append(properties, p), append(categories, declared.Category)
		}
	}
	r.Event.Properties, r.PropertyCategories = properties, categories
}

// AnonymiseRecord returns the anonymised form of an allowed record, for the
// store alone: what [Projector.Record] would have made of the event, as far as
// the record still has it. It is nil when the policy no longer has the record's
// site. The result is valid until the projector's next call and while r is.
func (p *Projector) AnonymiseRecord(k *Keys, t *Table, r *schemas.Record, why schemas.Reason) *schemas.Record {
	site := t.Site(r.Event.Get(schemas.Site))
	if site == nil {
		return nil
	}
	_, named := site.rule(&r.Event)
	p.begin(&r.Event, site, schemas.Anonymised)
	a := &p.record
	a.Reason, a.Policy, a.Jurisdiction = why, t.Version, r.Jurisdiction
	a.Grants = append(a.Grants, schemas.Grant{Recipient: policy.Store, Categories: schemas.AllCategories})
	p.anonymise(k, &r.Event, site, t.granularity, named)
	return a
}
