package cases

import (
	"maps"
	"slices"
	"strings"

	"sekisho/schemas"
)

// addDeclarations adds what a site declares: the origins of its pages, the
// parameters of their addresses, and its own properties.
func (m *maker) addDeclarations(site string) {
	origins, patterns, properties := map[string]bool{}, map[string]bool{}, map[string]map[schemas.PropertyKind]bool{}
	for _, p := range m.policies {
		for _, origin := range p.Sites[site].Origins {
			origins[strings.Replace(origin, ":*", ":8080", 1)] = true
		}
		for _, pattern := range p.Sites[site].Query {
			patterns[pattern] = true
		}
		for name, property := range p.Sites[site].Properties {
			if properties[name] == nil {
				properties[name] = map[schemas.PropertyKind]bool{}
			}
			properties[name][property.Type] = true
		}
	}
	events := m.forPurposes(site)
	for _, origin := range slices.Sorted(maps.Keys(origins)) {
		for _, c := range choices[:2] {
			c.name, c.headers = "page of "+origin+", "+c.name, header("Origin", origin)
			m.add(&probe{site: site, event: schemas.Pageview.String(), choice: c, url: origin + "/"})
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		// Beginnings are completed with a word, as that of utm_source.
		name := pattern
		if beginning, ok := strings.CutSuffix(pattern, "*"); ok {
			name = beginning + "source"
		}
		for _, event := range events {
			for _, c := range choices[:2] {
				c.name = "page?" + name + "=tea, " + c.name
				m.add(&probe{site: site, event: event, place: unknownPlace, choice: c, url: m.page(site) + "?" + name + "=tea"})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		for _, kind := range slices.Sorted(maps.Keys(properties[name])) {
			for _, event := range events {
				for _, c := range choices[:6] {
					c.name = "property " + name + " that is a " + kind.String() + ", " + c.name
					m.add(&probe{site: site, event: event, place: unknownPlace, choice: c, properties: map[string]any{name: propertyValues[kind]}})
				}
			}
		}
	}
}

var propertyValues = map[schemas.PropertyKind]any{schemas.PropertyText: "tea", schemas.PropertyNumber: 2, schemas.PropertyBool: true}
