package enforcer

import "sekisho/schemas"

// jurisdiction finds the rules for an event: by the place that the edge gives,
// else the event's own, else that of the client's address, else the site's. An
// unknown place, and what is none, has the strictest: the next is not asked.
func (t *Table) jurisdiction(site *Site, e *schemas.Event, r *Request) int {
	if r.Place != "" {
		return t.place(r.Place)
	}
	if region := e.Get(schemas.Region); region != "" {
		return t.place(region)
	}
	if country := e.Get(schemas.Country); country != "" {
		return t.place(country)
	}
	if r.Lookup != "" {
		return t.place(r.Lookup)
	}
	return site.jurisdiction
}

// place looks a region up, then its country.
func (t *Table) place(place string) int {
	if !isPlace(place) {
		return 0
	}
	if j, ok := t.byPlace[place]; ok {
		return j
	}
	if len(place) > 2 {
		return t.byPlace[place[:2]] // the unknown one when absent
	}
	return 0
}

// isPlace accepts a country, JP, and a region, US-CA, as ISO 3166 writes them.
func isPlace(place string) bool {
	if len(place) != 2 && (len(place) < 4 || len(place) > 6 || place[2] != '-') {
		return false
	}
	for i := range len(place) {
		c := place[i]
		if i != 2 && (c < 'A' || c > 'Z') && (i < 2 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}
