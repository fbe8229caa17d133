package schemas

// Category is one of the eight kinds of informative data that the published
// privacy policy names: data about a terminal or a visit which cannot by
// itself identify a person. Every field of the event model bears exactly one.
// Direct identifiers (e-mail, telephone, names, card numbers) are none of them
// and have no field.
type Category uint8

// The eight categories, in the policy's order. Their numbers are bits of
// [Categories] in Kafka records, so they never change.
const (
	UsageEnvironment Category = iota
	Attribute
	Location
	UsageHistory
	TerminalIdentification
	AdvertisementIdentifier
	AdvertisementInformation
	ResearchPanel
	NumCategories = iota
)

var categoryNames = [NumCategories]string{
	"usage_environment",
	"attribute",
	"location",
	"usage_history",
	"terminal_identification",
	"advertisement_identifier",
	"advertisement_information",
	"research_panel",
}

// String returns the category's name in policies and schemas.
func (c Category) String() string { return nameOf(categoryNames[:], c) }

// UnmarshalText accepts a category's name.
func (c *Category) UnmarshalText(text []byte) error { return parseName(categoryNames[:], text, c) }

// MarshalText returns the category's name.
func (c Category) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Allowed lists the names that UnmarshalText accepts.
func (Category) Allowed() []string { return categoryNames[:] }

// Categories is a set of categories, one bit each.
type Categories uint8

// AllCategories holds the eight of them.
const AllCategories Categories = 1<<NumCategories - 1

// CategoriesOf returns the set of the given ones.
func CategoriesOf(list ...Category) (set Categories) {
	for _, c := range list {
		set |= 1 << c
	}
	return set
}

// Has reports whether c is in the set.
func (s Categories) Has(c Category) bool { return s&(1<<c) != 0 }
