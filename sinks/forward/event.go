package forward

import (
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// Event is what one recipient may have of one record. It is valid until Project
// returns.
type Event struct {
	// ID is the event's id with this recipient: the same for every attempt, and
	// one of its own where the policy does not let the recipient have the
	// event's. A UUID.
	ID   string
	Type schemas.EventType
	Site string
	Time time.Time
	// Jurisdiction whose rules held, as the policy names it.
	Jurisdiction string
	// Place is the country (JP) or region (US-CA) whose rules those are, "" where
	// they are of several.
	Place string
	// Granted are the purposes that are granted to the recipient, of which the
	// event's own is one.
	Granted schemas.Purposes
	// Flags are the vendors' own flags.
	Flags schemas.GrantFlags
	// Properties that the recipient may have. Those of a category that
	// identifies are made pseudonyms of.
	Properties []schemas.Property

	fields schemas.FieldSet // that it may have and the record has
	texts  *schemas.Event   // of the record
	grant  *schemas.Grant
	site   *enforcer.Site
	keys   *enforcer.RecipientKeys
	own    schemas.FieldSet // as it came, by the policy of now
}

// Has reports whether the recipient may have the field, in whatever form.
func (e *Event) Has(f schemas.Field) bool { return e.fields.Has(f) }

// Get returns the text of a field that is no identifier, "" when the event does
// not have it or the recipient may not. Numbers are texts too.
func (e *Event) Get(f schemas.Field) string {
	switch {
	case !e.fields.Has(f) || identifying.Has(f):
		return ""
	case f == schemas.URL:
		return e.site.SharedAddress(e.texts.Get(f))
	case f == schemas.Referrer:
		return enforcer.SharedReferrer(e.texts.Get(f))
	}
	return e.texts.Get(f)
}

// Own returns an identifier as it came, where the recipient may have it so.
func (e *Event) Own(f schemas.Field) (text string, ok bool) {
	if !e.own.Has(f) || !e.fields.Has(f) {
		return "", false
	}
	return e.grant.OwnText(f)
}

// Pseudonym returns what stands for an identifier with this recipient. It is
// there for the recipient's own ones too: what was sent under it can be forgotten
// by it (see [Identity]), and nothing can be by an identifier as it came, which
// nobody keeps.
func (e *Event) Pseudonym(f schemas.Field) (p Pseudonym, ok bool) {
	if !e.fields.Has(f) || !identifying.Has(f) {
		return p, false
	}
	text := e.texts.Get(f)
	if !schemas.Identifiers.Has(f) {
		return e.keys.Of(f, text), true
	}
	return e.keys.Pseudonym(f, text)
}

// named reports whether the recipient's name is known of each identifier that it may
// have. It is not of one whose pseudonym was made under a key that this process does not
// have, as when the collectors were given a new one first.
func (e *Event) named() bool {
	for f := range (e.fields & schemas.Identifiers).Each {
		if !e.keys.Knows(e.texts.Get(f)) {
			return false
		}
	}
	return true
}

// identifying are the fields that have no text of their own with a recipient.
var identifying = schemas.Identifiers | schemas.SetOf(schemas.ID, schemas.OrderID)

// Identity is an identifier that was reset, as the recipient knows it.
type Identity struct {
	Field schemas.Field
	// Pseudonyms are those that [Event.Pseudonym] gave for it, one for each key
	// under which there may have been one.
	Pseudonyms []Pseudonym
	// Own are the identifiers that the policy of now lets the recipient have as they
	// came; events under one of those are under no pseudonym.
	Own schemas.FieldSet
	// At is when it was reset.
	At time.Time
}
