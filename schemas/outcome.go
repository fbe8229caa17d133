package schemas

// Outcome is what becomes of a received event.
type Outcome uint8

// The outcomes. For every site, received is the sum of the four.
const (
	// Rejected: it did not fit the schema or was not let in at all; nothing
	// was decided about it.
	Rejected Outcome = iota
	// Dropped: the policy does not let it pass.
	Dropped
	// Anonymised: it passes without anything that could single a user out.
	Anonymised
	// Allowed: it passes, perhaps with fields stripped.
	Allowed
	NumOutcomes = iota
)

var outcomeNames = [NumOutcomes]string{"rejected", "dropped", "anonymised", "allowed"}

// String returns the outcome's name in answers, metrics and tables.
func (o Outcome) String() string { return nameOf(outcomeNames[:], o) }

// UnmarshalText accepts an outcome's name.
func (o *Outcome) UnmarshalText(text []byte) error { return parseName(outcomeNames[:], text, o) }

// MarshalText returns the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
