package schemas

// EventType says what happened.
type EventType uint8

// The event types. New ones are only appended.
const (
	Pageview EventType = iota
	AdImpression
	AdClick
	Conversion
	// ConsentGiven records a choice the user made, acceptance or refusal.
	ConsentGiven
	// Custom is a site's own event; its name says which.
	Custom
	NumEventTypes = iota
)

// UnknownType is that of a rejected request or event that was not read so far as
// to know. Decisions alone have it.
const UnknownType EventType = 255

const unknownTypeName = "unknown"

var eventTypeNames = [NumEventTypes]string{
	"pageview", "ad_impression", "ad_click", "conversion", "consent", "custom",
}

// String returns the type's name.
func (t EventType) String() string {
	if t == UnknownType {
		return unknownTypeName
	}
	return nameOf(eventTypeNames[:], t)
}

// UnmarshalText accepts the name of a type that an event may have.
func (t *EventType) UnmarshalText(text []byte) error { return parseName(eventTypeNames[:], text, t) }

// MarshalText returns the type's name.
func (t EventType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Allowed lists the names that UnmarshalText accepts.
func (EventType) Allowed() []string { return eventTypeNames[:] }

// Requires returns the fields that an event of the type cannot be without,
// beyond site and type.
func (t EventType) Requires() []Field {
	switch t {
	case Pageview:
		return []Field{URL}
	case AdImpression, AdClick:
		return []Field{AdPlacement}
	case Custom:
		return []Field{Name}
	}
	return nil
}
