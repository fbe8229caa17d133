package schemas

import "time"

// Version of the event model, in the header of every Kafka record. See package
// model for what may change without raising it.
const Version = 1

// Event is one event: what a client sent, or what of it was let through.
//
// Texts may share memory with the buffer they were decoded from; whoever
// keeps an event longer than that buffer copies it.
type Event struct {
	// Fields says which fields are present.
	Fields FieldSet
	// Type is what happened. It is always known.
	Type EventType
	// Time is when it happened, or zero when the client did not say.
	Time time.Time
	// Properties are the site's own, declared in its policy.
	Properties []Property
	// Consent is the event's own consent object.
	Consent Consent

	text [NumFields]string
}

// Property is one of a site's own properties.
type Property struct {
	Name string
	Kind PropertyKind
	Text string // as in JSON, unquoted
}

// PropertyKind is the type of a property's value.
type PropertyKind uint8

// The kinds of property.
const (
	PropertyText PropertyKind = iota
	PropertyNumber
	PropertyBool
)

var propertyKindNames = []string{"text", "number", "bool"}

// String returns the kind's name in policies.
func (k PropertyKind) String() string { return nameOf(propertyKindNames, k) }

// UnmarshalText accepts a kind's name.
func (k *PropertyKind) UnmarshalText(text []byte) error {
	return parseName(propertyKindNames, text, k)
}

// MarshalText returns the kind's name.
func (k PropertyKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Allowed lists the names that UnmarshalText accepts.
func (PropertyKind) Allowed() []string { return propertyKindNames }

// Get returns the field's text, or "" when the event has none.
func (e *Event) Get(f Field) string {
	if !e.Fields.Has(f) {
		return ""
	}
	return e.text[f]
}

// Set gives the field a text. It does not check it; see [Check].
func (e *Event) Set(f Field, text string) {
	e.text[f] = text
	e.Fields |= 1 << f
}

// Unset takes the field away.
func (e *Event) Unset(f Field) {
	e.text[f] = ""
	e.Fields &^= 1 << f
}

// Reset empties the event for reuse.
func (e *Event) Reset() {
	for f := range e.Fields.Each {
		e.text[f] = ""
	}
	clear(e.Properties)
	e.Fields, e.Type, e.Time = 0, 0, time.Time{}
	e.Properties = e.Properties[:0]
	e.Consent = Consent{}
}
