package replay

import (
	"context"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// Reviewer decides about records as of now: by today's policy, resets and
// opt-outs. Its parts must be followed by others; see [stream.Resets.Follow].
// It serves one goroutine.
type Reviewer struct {
	table     func() *enforcer.Table
	keys      *enforcer.Keys
	withdrawn *enforcer.Withdrawn
	resets    *stream.Resets

	projector enforcer.Projector
	allowed   schemas.Record
}

// NewReviewer makes a reviewer. table returns the policy in force; withdrawn is
// what resets puts resets into.
func NewReviewer(table func() *enforcer.Table, keys *enforcer.Keys, withdrawn *enforcer.Withdrawn, resets *stream.Resets) *Reviewer {
	return &Reviewer{table: table, keys: keys, withdrawn: withdrawn, resets: resets}
}

// Clone returns another reviewer of the same, for another goroutine.
func (v *Reviewer) Clone() *Reviewer {
	return NewReviewer(v.table, v.keys, v.withdrawn, v.resets)
}

// Barrier returns when all resets that were acknowledged before the call are
// known. It is asked before each batch of what is then reviewed and passed on.
func (v *Reviewer) Barrier(ctx context.Context) error { return v.resets.Barrier(ctx) }

// Reset reports whether the record bears an identifier that was reset.
func (v *Reviewer) Reset(r *schemas.Record) bool { return v.withdrawn.Reset(r) }

// Only returns what is left of a record for one recipient and for nobody else,
// nil for nothing. It is valid until the next call and while r is; r may change.
func (v *Reviewer) Only(r *schemas.Record, recipient string) (*schemas.Record, enforcer.Review) {
	review := v.table().Review(r, recipient, v.withdrawn)
	switch {
	case review.Outcome == schemas.Dropped:
		return nil, review
	case review.Outcome == schemas.Anonymised && r.Outcome == schemas.Allowed:
		return v.projector.AnonymiseRecord(v.keys, v.table(), r, review.Reason), review
	}
	a := v.take(r)
	a.Grants = append(a.Grants, narrow(*r.Grant(recipient), review))
	strip(a)
	return a, review
}

// Whole returns what is left of a record for all its recipients: in its own form,
// and anonymised for a store that may have it only so; nil where there is
// nothing. review is the best that any recipient has of it.
func (v *Reviewer) Whole(r *schemas.Record) (own, anonymised *schemas.Record, review enforcer.Review) {
	a := v.take(r)
	anonymise := false
	for i := range r.Grants {
		g := &r.Grants[i]
		rv := v.table().Review(r, g.Recipient, v.withdrawn)
		if i == 0 || rv.Outcome > review.Outcome {
			review = rv
		}
		switch {
		case rv.Outcome == schemas.Dropped:
		case rv.Outcome == r.Outcome:
			a.Grants = append(a.Grants, narrow(*g, rv))
		case g.Recipient == policy.Store:
			anonymise = true
		}
	}
	a.Event, a.PropertyCategories = r.Event, r.PropertyCategories // of what is declared still
	if anonymise {
		anonymised = v.projector.AnonymiseRecord(v.keys, v.table(), r, review.Reason)
	}
	if len(a.Grants) == 0 {
		return nil, anonymised, review
	}
	strip(a)
	return a, anonymised, review
}

// take begins a record like r, granted to nobody.
func (v *Reviewer) take(r *schemas.Record) *schemas.Record {
	grants := v.allowed.Grants[:0]
	v.allowed = *r
	v.allowed.Grants = grants
	return &v.allowed
}

// narrow returns the grant as far as the review goes.
func narrow(g schemas.Grant, review enforcer.Review) schemas.Grant {
	fields := review.Own & (schemas.FieldsIn(review.Categories) | envelope)
	own := g.Own
	g.Categories, g.Own = review.Categories, nil
	for _, o := range own {
		if fields.Has(o.Field) {
			g.Own = append(g.Own, o)
		}
	}
	return g
}

// envelope are the fields that every record has.
var envelope = schemas.SetOf(schemas.ID, schemas.Type, schemas.Site, schemas.Time)

// strip takes away what no recipient may have any more.
func strip(r *schemas.Record) {
	var categories schemas.Categories
	for i := range r.Grants {
		categories |= r.Grants[i].Categories
	}
	r.Event.Fields &= schemas.FieldsIn(categories) | envelope
	properties, kept := []schemas.Property(nil), []schemas.Category(nil)
	for i, c := range r.PropertyCategories {
		if categories.Has(c) {
			properties, kept = append(properties, r.Event.Properties[i]), append(kept, c)
		}
	}
	r.Event.Properties, r.PropertyCategories = properties, kept
}
