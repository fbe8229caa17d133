package enforcer

import (
	"maps"
	"slices"

	"sekisho/schemas"
)

// Row is one line of a decision table made readable: what a recipient of a
// site has of a kind of event.
type Row struct {
	Site, Event, Recipient string
	// Purpose that must be granted.
	Purpose schemas.Purpose
	// WithoutConsent is the outcome when it is not.
	WithoutConsent schemas.Outcome
}

// Rules lists the table's rules by site, event and recipient, leaving out
// recipients that have no such events.
func (t *Table) Rules() (rows []Row) {
	for _, site := range t.Sites() {
		for kind := range site.rules {
			rows = t.appendRows(rows, site, schemas.EventType(kind).String(), site.rules[kind])
		}
		for _, name := range slices.Sorted(maps.Keys(site.named)) {
			rows = t.appendRows(rows, site, name, site.named[name])
		}
	}
	return rows
}

func (t *Table) appendRows(rows []Row, site *Site, event string, r rule) []Row {
	for i, recipient := range site.recipients {
		if !site.purposes[i].Has(r.purpose) {
			continue
		}
		without := withheld(r.without, i == 0)
		if r.purpose == schemas.Necessary {
			without = schemas.Allowed
		}
		rows = append(rows, Row{Site: site.Name, Event: event, Recipient: t.Recipients[recipient], Purpose: r.purpose, WithoutConsent: without})
	}
	return rows
}

// StrictestGPC returns the purposes that Global Privacy Control refuses in some
// jurisdiction; a page that does not know its visitor's honours them all.
func (t *Table) StrictestGPC() schemas.Purposes { return t.jurisdictions[0].gpc }
