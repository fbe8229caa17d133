package policy

import (
	"fmt"
	"slices"

	"sekisho/schemas"
)

// Action is what becomes of an event that may not pass as it is.
type Action uint8

// The actions.
const (
	Drop Action = iota
	Anonymise
)

var actionNames = []string{"drop", "anonymise"}

// String returns the action's name in policies.
func (a Action) String() string { return actionNames[a] }

// UnmarshalText accepts an action's name.
func (a *Action) UnmarshalText(text []byte) error { return parse(actionNames, text, a) }

// MarshalText returns the action's name.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Allowed lists the names that UnmarshalText accepts.
func (Action) Allowed() []string { return actionNames }

// Default is what silence means in a jurisdiction.
type Default uint8

// The defaults.
const (
	OptIn Default = iota
	OptOut
)

var defaultNames = []string{"opt_in", "opt_out"}

// String returns the default's name in policies.
func (d Default) String() string { return defaultNames[d] }

// UnmarshalText accepts a default's name.
func (d *Default) UnmarshalText(text []byte) error { return parse(defaultNames, text, d) }

// MarshalText returns the default's name.
func (d Default) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Allowed lists the names that UnmarshalText accepts.
func (Default) Allowed() []string { return defaultNames }

// Identifier is a field of [schemas.OwnIdentifiers].
type Identifier schemas.Field

var identifierNames = schemas.OwnIdentifiers.Names()

// String returns the field's name.
func (i Identifier) String() string { return schemas.Field(i).String() }

// UnmarshalText accepts the name of such a field.
func (i *Identifier) UnmarshalText(text []byte) error {
	f, ok := schemas.FieldNamed(text)
	if !ok || !slices.Contains(identifierNames, f.String()) {
		return fmt.Errorf("must be one of %v", identifierNames)
	}
	*i = Identifier(f)
	return nil
}

// MarshalText returns the field's name.
func (i Identifier) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// Allowed lists the names that UnmarshalText accepts.
func (Identifier) Allowed() []string { return identifierNames }

func parse[E ~uint8](names []string, text []byte, e *E) error {
	for i, name := range names {
		if name == string(text) {
			*e = E(i)
			return nil
		}
	}
	return fmt.Errorf("must be one of %v", names)
}
