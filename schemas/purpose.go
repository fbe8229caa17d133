package schemas

// Purpose is one of the utilization purposes that the privacy policy names.
type Purpose uint8

// The purposes. Their numbers are bits of [Purposes] and never change.
const (
	// Necessary is what the site strictly needs in order to work; it is
	// never asked for and cannot be refused.
	Necessary Purpose = iota
	// Analytics is marketing survey and analysis.
	Analytics
	// Advertising is advertisement delivery.
	Advertising
	// Social is the shared functions of social media.
	Social
	NumPurposes = iota
)

var purposeNames = [NumPurposes]string{"necessary", "analytics", "advertising", "social"}

// String returns the purpose's name in policies, consents and schemas.
func (p Purpose) String() string { return nameOf(purposeNames[:], p) }

// UnmarshalText accepts a purpose's name.
func (p *Purpose) UnmarshalText(text []byte) error { return parseName(purposeNames[:], text, p) }

// MarshalText returns the purpose's name.
func (p Purpose) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Allowed lists the names that UnmarshalText accepts.
func (Purpose) Allowed() []string { return purposeNames[:] }

// Purposes is a set of purposes, one bit each.
type Purposes uint8

const (
	// AllPurposes holds the four of them.
	AllPurposes Purposes = 1<<NumPurposes - 1
	// OptionalPurposes holds those that a user may refuse.
	OptionalPurposes = AllPurposes &^ (1 << Necessary)
	// NumPurposeSets is the number of different sets.
	NumPurposeSets = int(AllPurposes) + 1
)

// PurposesOf returns the set of the given ones.
func PurposesOf(list ...Purpose) (set Purposes) {
	for _, p := range list {
		set |= 1 << p
	}
	return set
}

// Has reports whether p is in the set.
func (s Purposes) Has(p Purpose) bool { return s&(1<<p) != 0 }

// HasAll reports whether all of other are in the set.
func (s Purposes) HasAll(other Purposes) bool { return other&^s == 0 }

// Names returns the names of the purposes in the set.
func (s Purposes) Names() []string {
	names := make([]string, 0, NumPurposes)
	for p := Purpose(0); p < NumPurposes; p++ {
		if s.Has(p) {
			names = append(names, p.String())
		}
	}
	return names
}
