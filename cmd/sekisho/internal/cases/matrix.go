package cases

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// Matrix makes cases for policies: every event of every site that one of them
// knows, in a place of each jurisdiction and in an unknown one, with consent
// that is not given, given in part, given, and refused.
func Matrix(policies ...*policy.Policy) (list []Case) {
	sites, events, places := map[string]string{}, map[string]bool{}, map[string]bool{"": true, "ZZ": true}
	for _, t := range schemas.EventType(0).Allowed() {
		events[t] = t != schemas.Custom.String() // which is asked for by name
	}
	events["unnamed"] = true
	for _, p := range policies {
		for name, site := range p.Sites {
			sites[name] = page(&site)
			for event := range site.Events {
				events[event] = events[event] || event != schemas.Custom.String()
			}
		}
		for event := range p.Events.Named {
			events[event] = true
		}
		for _, j := range p.Jurisdictions {
			if len(j.Places) > 0 {
				places[j.Places[0]] = true
			}
		}
	}
	now := time.Now()
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		for _, event := range slices.Sorted(maps.Keys(events)) {
			if !events[event] {
				continue
			}
			for _, place := range slices.Sorted(maps.Keys(places)) {
				for i := range choices {
					list = append(list, choices[i].of(site, sites[site], event, place, now))
				}
			}
		}
	}
	return list
}

// page is an address of the site.
func page(site *policy.Site) string {
	for _, origin := range site.Origins {
		if !strings.HasSuffix(origin, "*") {
			return origin + "/"
		}
	}
	return "https://www.example.jp/"
}

// choice is what a user may have said.
type choice struct {
	name    string
	consent map[string]any
	headers map[string]string
}

type answers = map[string]any

var choices = []choice{
	{name: "silence"},
	{name: "all granted", consent: answers{"analytics": true, "advertising": true, "social": true}},
	{name: "all refused", consent: answers{"analytics": false, "advertising": false, "social": false}},
	{name: "only analytics", consent: answers{"analytics": true, "advertising": false, "social": false}},
	{name: "only advertising", consent: answers{"analytics": false, "advertising": true, "social": false}},
	{name: "only social", consent: answers{"analytics": false, "advertising": false, "social": true}},
	{name: "old consent", consent: answers{"analytics": true, "advertising": true, "social": true, "policy": "2000-01-01"}},
	{name: "GPC, all granted", consent: answers{"analytics": true, "advertising": true, "social": true}, headers: map[string]string{"Sec-GPC": "1"}},
	{name: "DNT, all granted", consent: answers{"analytics": true, "advertising": true, "social": true}, headers: map[string]string{"DNT": "1"}},
	{name: "US Privacy opt-out, all granted", consent: answers{"analytics": true, "advertising": true, "social": true, "us_privacy": "1YYN"}},
	{name: "ATT denied, all granted", consent: answers{"analytics": true, "advertising": true, "social": true, "att": "denied"}},
}

func (c *choice) of(site, page, event, place string, now time.Time) Case {
	e := map[string]any{
		"site": site, "type": event, "url": page, "title": "Title", "visitor_id": "visitor",
		"ga": "1.2", "fbp": "fb.1.1.1", "gaid": "38400000-8cf0-11bd-b23e-10b96e40000d", "panel_id": "panel",
		"language": "ja", "age_band": "30-39", "ad_placement": "top", "ad_click_id": "click", "order_id": "order", "timezone": "Asia/Tokyo",
	}
	if new(schemas.EventType).UnmarshalText([]byte(event)) != nil {
		e["type"], e["name"] = schemas.Custom.String(), event
	}
	if c.consent != nil {
		e["consent"] = c.consent
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // texts and booleans alone
	}
	where := place
	if where == "" {
		where = "no place"
	}
	return Case{Name: site + " " + event, Detail: where + ": " + c.name, Event: text, Headers: c.headers, Place: place, Now: now}
}
