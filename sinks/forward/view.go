package forward

import (
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// view makes events of records, for one recipient. It serves one goroutine at a
// time.
type view struct {
	recipient string
	keys      *enforcer.RecipientKeys

	decoder    schemas.RecordDecoder
	record     schemas.Record
	event      Event
	properties []schemas.Property
	unopened   func() // told of each identifier that cannot be opened; may be nil
}

// fate is what a look at a record came to.
type fate struct {
	event *Event // that may be sent; nil when none may
	// reason why not.
	reason schemas.Reason
}

// look decodes a record and makes the event that the recipient may have of it by
// the policy, the resets and the opt-outs of now. The event is valid until the
// next look.
func (v *view) look(value []byte, t *enforcer.Table, w *enforcer.Withdrawn) (fate, error) {
	r := &v.record
	if err := v.decoder.Decode(value, r); err != nil {
		return fate{}, err
	}
	review := t.Review(r, v.recipient, w)
	if review.Outcome != schemas.Allowed || r.Outcome != schemas.Allowed {
		return fate{reason: review.Reason}, nil
	}
	v.event = Event{
		Type: r.Event.Type, Site: r.Event.Get(schemas.Site), Time: r.Event.Time, Jurisdiction: r.Jurisdiction, Place: t.Place(r.Jurisdiction), Granted: review.Granted,
		fields: r.Event.Fields & (schemas.FieldsIn(review.Categories) | envelope),
		texts:  &r.Event, grant: r.Grant(v.recipient), site: t.Site(r.Event.Get(schemas.Site)), keys: v.keys, own: review.Own,
	}
	e := &v.event
	e.Flags = e.grant.Flags.Vendor()
	v.open(e)
	if id, ok := e.Own(schemas.ID); ok {
		e.ID = id
	} else {
		e.ID = Pseudonym(v.keys.Of(schemas.ID, r.Event.Get(schemas.ID))).UUID()
	}
	e.Properties = v.propertiesOf(r, review.Categories)
	return fate{event: e}, nil
}

// open opens the event's own identifiers. One that was sealed under a key that is
// gone is left out: there is its pseudonym.
func (v *view) open(e *Event) {
	for i := range e.grant.Own {
		own := &e.grant.Own[i]
		if !schemas.Identifiers.Has(own.Field) || !(e.own & e.fields).Has(own.Field) {
			continue
		}
		text, ok := v.keys.Open(own.Field, own.Text)
		if own.Text = text; ok {
			continue
		}
		e.own &^= 1 << own.Field
		if v.unopened != nil {
			v.unopened()
		}
	}
}

// envelope are the fields that every event has: without them it is none.
var envelope = schemas.SetOf(schemas.ID, schemas.Type, schemas.Site, schemas.Time)

func (v *view) propertiesOf(r *schemas.Record, may schemas.Categories) []schemas.Property {
	v.properties = v.properties[:0]
	for i, p := range r.Event.Properties {
		category := r.PropertyCategories[i]
		if !may.Has(category) {
			continue
		}
		if enforcer.Identifies(category) {
			p.Text, p.Kind = Pseudonym(v.keys.Of(propertyKind, p.Name+"\x00"+p.Text)).Hex(), schemas.PropertyText
		}
		v.properties = append(v.properties, p)
	}
	return v.properties
}

// propertyKind stands for properties where fields stand for their own kind.
const propertyKind = schemas.Field(0xff)

// age returns how old the event is.
func (e *Event) age(now time.Time) time.Duration { return now.Sub(e.Time) }
