package consentmode

import "fmt"

// Type is a consent type of Google Consent Mode v2.
type Type uint8

// The consent types that hits speak of, in the order of gcd.
const (
	AdStorage Type = iota
	AnalyticsStorage
	AdUserData
	AdPersonalization
	NumTypes = iota
)

var typeNames = [NumTypes]string{"ad_storage", "analytics_storage", "ad_user_data", "ad_personalization"}

// String returns the type's name in Google's own API.
func (t Type) String() string { return name(typeNames[:], uint8(t)) }

// Value is the state of a consent type.
type Value uint8

// The values. NotSet is not a refusal: nothing was said.
const (
	NotSet Value = iota
	Denied
	Granted
	numValues = iota
)

var valueNames = [numValues]string{"not set", "denied", "granted"}

// String returns the value in words.
func (v Value) String() string { return name(valueNames[:], uint8(v)) }

// Setting is what a hit says of one consent type.
type Setting struct {
	// Value is what counts: the update if there was one, else the default.
	Value Value
	// Default and Update are what the page's `consent default` and `consent
	// update` commands said; gcs does not tell them apart and leaves both NotSet.
	Default, Update Value
	// Implicit is what Google's side would assume where the page said nothing;
	// gcd only. It explains, and never grants.
	Implicit Value
}

// State is what a hit says of each consent type. The zero State says nothing:
// consent mode is not in use, or nothing was set.
type State [NumTypes]Setting

// Chosen returns the state without what is only the page's default, which was
// nobody's choice.
func (s State) Chosen() State {
	for i := range s {
		s[i].Value = s[i].Update
	}
	return s
}

// InUse reports whether the page set any consent type.
func (s *State) InUse() bool {
	for i := range s {
		if s[i].Value != NotSet {
			return true
		}
	}
	return false
}

func name(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}
