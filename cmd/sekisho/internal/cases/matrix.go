package cases

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// Matrix makes cases for policies such that whatever of one of them can change a
// verdict does so in some case:
//
//   - every event of every site that one of them knows, in a place of each
//     jurisdiction, in those that change theirs and in an unknown one, with consent
//     that is not given, given in part, given, and refused;
//   - what each signal that they name means, for an event of each purpose;
//   - what each site declares: origins, properties, parameters of addresses.
func Matrix(policies ...*policy.Policy) []Case { return matrix(time.Now().UTC(), policies) }

func matrix(now time.Time, policies []*policy.Policy) []Case {
	m := newMaker(now, policies)
	for _, site := range m.sites {
		for _, event := range m.events {
			for _, place := range m.places {
				for i := range choices {
					m.add(&probe{site: site, event: event, place: place, choice: choices[i]})
				}
				for _, date := range m.materialDates() {
					m.add(&probe{site: site, event: event, place: place, choice: consentUnder(date)})
				}
			}
		}
	}
	for _, site := range m.sites {
		m.addSignals(site)
		m.addDeclarations(site)
	}
	return m.list
}

// maker makes cases for policies.
type maker struct {
	policies              []*policy.Policy
	sites, events, places []string
	now                   time.Time
	list                  []Case
}

func newMaker(now time.Time, policies []*policy.Policy) *maker {
	m := &maker{policies: policies, now: moment(now, policies)}
	sites, events := map[string]bool{}, map[string]bool{"unnamed": true}
	for _, t := range schemas.EventType(0).Allowed() {
		events[t] = true
	}
	for _, p := range policies {
		for name, site := range p.Sites {
			sites[name] = true
			for event := range site.Events {
				events[event] = true
			}
		}
		for event := range p.Events.Named {
			events[event] = true
		}
	}
	delete(events, schemas.Custom.String()) // which is asked for by name
	m.sites, m.events = slices.Sorted(maps.Keys(sites)), slices.Sorted(maps.Keys(events))
	m.places = placesOf(policies)
	return m
}

// placesOf returns no place, one that none of the policies knows, one of each
// jurisdiction, and those whose jurisdictions are not the same in all policies.
func placesOf(policies []*policy.Policy) []string {
	places := map[string]bool{"": true, unknownPlace: true}
	known := make([]map[string]string, len(policies))
	for i, p := range policies {
		known[i] = make(map[string]string)
		for name, j := range p.Jurisdictions {
			for k, place := range j.Places {
				known[i][place] = name
				if k == 0 {
					places[place] = true
				}
			}
		}
	}
	for i := range known {
		for place, jurisdiction := range known[i] {
			if known[0][place] != jurisdiction || known[len(known)-1][place] != jurisdiction {
				places[place] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(places))
}

// unknownPlace has the strictest rules: no country has this code.
const unknownPlace = "ZZ"

// moment is when the cases happen: now, or the last minute before at which the
// policies make different times of it.
func moment(now time.Time, policies []*policy.Policy) time.Time {
	first, last := policies[0].Anonymous.Granularity, policies[len(policies)-1].Anonymous.Granularity
	for t := now; first != last && now.Sub(t) < 24*time.Hour; t = t.Add(-time.Minute) {
		if !t.Truncate(first).Equal(t.Truncate(last)) {
			return t
		}
	}
	return now
}

// materialDates are those of the policies from which consent counts.
func (m *maker) materialDates() (dates []string) {
	for _, p := range m.policies {
		if date := p.LastMaterial(); !slices.Contains(dates, date) {
			dates = append(dates, date)
		}
	}
	return dates
}

// probe is what a case is made of.
type probe struct {
	site, event, place string
	choice
	url        string // of the page; of one of the site's when empty
	properties map[string]any
}

// add adds the case of a probe. Its event has a field of every category, and every
// identifier that a recipient may have as it came.
func (m *maker) add(p *probe) {
	e := map[string]any{"site": p.site, "type": p.event, "url": p.url, "time": m.now.Format(time.RFC3339)}
	if p.url == "" {
		e["url"] = m.page(p.site)
	}
	if country, _, isRegion := strings.Cut(p.place, "-"); isRegion {
		e["region"] = p.place
	} else if country != "" {
		e["country"] = country
	}
	if new(schemas.EventType).UnmarshalText([]byte(p.event)) != nil {
		e["type"], e["name"] = schemas.Custom.String(), p.event
	}
	if p.consent != nil {
		e["consent"] = p.consent
	}
	if p.properties != nil {
		e["properties"] = p.properties
	}
	text := append(bytes.TrimSuffix(mustJSON(e), []byte("}")), everyField...)
	where := p.place
	if where == "" {
		where = "no place"
	}
	m.list = append(m.list, Case{
		Name: p.site + " " + p.event, Detail: where + ": " + p.name,
		Event: text, Headers: p.headers, Place: p.place, Now: m.now, Resets: p.resets,
	})
}

// everyField are the fields that all events have alike.
const everyField = `,"title":"Title","visitor_id":"visitor","panel_id":"panel","ga":"1.2","fbp":"fb.1.1596403881668.1116446470",` +
	`"fbc":"fb.1.1596403881668.click","gaid":"38400000-8cf0-11bd-b23e-10b96e40000d","idfa":"38400000-8cf0-11bd-b23e-10b96e40000e",` +
	`"app_instance_id":"0123456789abcdef0123456789abcdef","order_id":"order","language":"ja","timezone":"Asia/Tokyo","age_band":"30-39",` +
	`"ad_placement":"top","ad_click_id":"click","utm_source":"mail","utm_medium":"mail","utm_campaign":"sale"}`

// page is an address of the site.
func (m *maker) page(site string) string {
	for _, p := range slices.Backward(m.policies) {
		for _, origin := range p.Sites[site].Origins {
			if !strings.HasSuffix(origin, "*") {
				return origin + "/"
			}
		}
	}
	return "https://www.example.jp/"
}

// forPurposes returns events of the site, at least one for each purpose that some
// event is for under one of the policies.
func (m *maker) forPurposes(site string) (events []string) {
	for _, p := range m.policies {
		var seen schemas.Purposes
		for _, event := range m.events {
			if purpose := purposeOf(p, site, event); !seen.Has(purpose) {
				seen |= schemas.PurposesOf(purpose)
				if !slices.Contains(events, event) {
					events = append(events, event)
				}
			}
		}
	}
	return events
}

func purposeOf(p *policy.Policy, site, event string) schemas.Purpose {
	if rule, ok := p.Sites[site].Events[event]; ok {
		return rule.Purpose
	}
	if rule, ok := p.Events.Named[event]; ok {
		return rule.Purpose
	}
	t := schemas.Custom
	if t.UnmarshalText([]byte(event)) != nil {
		if rule, ok := p.Sites[site].Events[schemas.Custom.String()]; ok {
			return rule.Purpose
		}
		t = schemas.Custom
	}
	return p.Events.Of(t).Purpose
}

// header is the one header of a request.
func header(name, value string) map[string]string {
	return map[string]string{http.CanonicalHeaderKey(name): value}
}
