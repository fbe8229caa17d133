package enforcer

import (
	"strings"

	"sekisho/schemas"
)

// SharedAddress returns what third parties have of an address of a record: no
// fragment, and of the query the parameters that the policy keeps for the site.
// Any other could be an identifier that two of them would have in common, such as
// the click identifier of one.
func (s *Site) SharedAddress(address string) string {
	address, _, _ = strings.Cut(address, "#")
	page, query, _ := strings.Cut(address, "?")
	if query == "" {
		return page
	}
	shared := make([]byte, 0, len(address))
	shared = append(shared, page...)
	separator := byte('?')
	for parameter := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		if name == "" || !s.keepsParameter(name) {
			continue
		}
		shared = append(append(shared, separator), parameter...)
		separator = '&'
	}
	return string(shared)
}

// SharedReferrer returns what third parties have of the address of the page that
// led to another: neither fragment nor query.
func SharedReferrer(address string) string {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	return address
}

// identifying are the categories whose values single somebody out.
const identifying = 1<<schemas.TerminalIdentification | 1<<schemas.AdvertisementIdentifier | 1<<schemas.ResearchPanel

// Identifies reports whether values of the category single somebody out: third
// parties have pseudonyms in their place.
func Identifies(c schemas.Category) bool { return schemas.Categories(identifying).Has(c) }
