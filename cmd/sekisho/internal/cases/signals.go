package cases

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// addSignals adds what the signals say that the policies name, for an event of each
// purpose. They are heard alike everywhere, so one place will do: where silence
// grants the least.
func (m *maker) addSignals(site string) {
	list := append(m.frameworkSignals(), m.platformSignals(site)...)
	for _, event := range m.forPurposes(site) {
		for _, c := range list {
			m.add(&probe{site: site, event: event, place: unknownPlace, choice: c})
		}
	}
}

// frameworkSignals are TC and Additional Consent strings: for each TCF purpose,
// vendor and provider that a policy names one that leaves it out, and publisher
// restrictions, by which it shows on which basis a vendor processes.
func (m *maker) frameworkSignals() []choice {
	purposes, vendors, providers := map[int]bool{}, map[int]bool{}, map[int]bool{}
	add := func(list []int) {
		for _, n := range list {
			purposes[n] = true
		}
	}
	for _, p := range m.policies {
		for purpose := schemas.Analytics; purpose < schemas.NumPurposes; purpose++ {
			add(p.Signals.TCF.Of(purpose))
		}
		for _, r := range p.Recipients {
			if r.AdditionalConsent != 0 {
				providers[r.AdditionalConsent] = true
			}
			if r.TCF != nil {
				vendors[r.TCF.Vendor] = true
				add(r.TCF.Consent)
				add(r.TCF.LegitimateInterest)
			}
		}
	}
	var list []choice
	tc := func(name string, s tcString, more answers) {
		s.at = m.now
		consent := answers{"tcf": s.String()}
		maps.Copy(consent, more)
		list = append(list, choice{name: "TC string, " + name, consent: consent})
	}
	tc("all", tcString{}, nil)
	tc("nothing", tcString{refused: everyPurpose}, nil)
	for _, n := range slices.Sorted(maps.Keys(purposes)) {
		tc(fmt.Sprintf("all but purpose %d", n), tcString{refused: n}, nil)
		tc(fmt.Sprintf("objection to purpose %d", n), tcString{objected: n}, nil)
		for kind, what := range [...]string{"forbidden", "only by consent", "only by legitimate interest"} {
			tc(fmt.Sprintf("purpose %d %s", n, what), tcString{restricted: n, restriction: kind}, nil)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(vendors)) {
		tc(fmt.Sprintf("all but vendor %d", n), tcString{vendor: n}, nil)
	}
	for _, n := range slices.Sorted(maps.Keys(providers)) {
		tc(fmt.Sprintf("all, and of the providers %d", n), tcString{}, answers{"additional_consent": fmt.Sprintf("2~%d~dv.", n)})
	}
	return list
}

// platformSignals are the values of consent management platforms that agree to all
// categories that a policy maps for the site, and to all but one of them.
func (m *maker) platformSignals(site string) (list []choice) {
	for _, platform := range policy.Platforms {
		categories := map[string]bool{}
		for _, p := range m.policies {
			for name := range p.Signals.Categories[platform] {
				categories[name] = true
			}
			for name := range p.Sites[site].Categories[platform] {
				categories[name] = true
			}
		}
		names := slices.Sorted(maps.Keys(categories))
		if len(names) == 0 {
			continue
		}
		for _, refused := range append([]string{""}, names...) {
			c := platformChoice(platform, names, refused, m.now)
			c.name = platform + ", all"
			if refused != "" {
				c.name += " but " + refused
			}
			list = append(list, c)
		}
	}
	return list
}

// platformChoice is what a platform writes when the user agrees to all categories
// but one.
func platformChoice(platform string, categories []string, refused string, now time.Time) choice {
	// each joins what is written for the categories.
	each := func(separator string, one func(name string, granted bool) string) string {
		var parts []string
		for _, name := range categories {
			parts = append(parts, one(name, name != refused))
		}
		return strings.Join(parts, separator)
	}
	switch platform {
	case "onetrust":
		groups := each(",", func(name string, granted bool) string {
			return name + ":" + map[bool]string{false: "0", true: "1"}[granted]
		})
		return choice{consent: answers{platform: "groups=" + url.QueryEscape(groups) + "&interactionCount=1", "onetrust_closed": now.Format("2006-01-02T15:04:05.000Z")}}
	case "cookiebot": // whose categories are always these
		value := fmt.Sprintf("{stamp:'a',necessary:true,preferences:%t,statistics:%t,marketing:%t,method:'explicit',ver:1,utc:%d}",
			refused != "preferences", refused != "statistics", refused != "marketing", now.UnixMilli())
		return choice{consent: answers{platform: value}}
	case "didomi":
		lists := map[bool][]string{true: {}, false: {}}
		for _, name := range categories {
			lists[name != refused] = append(lists[name != refused], name)
		}
		text := mustJSON(answers{"updated": now.Format("2006-01-02T15:04:05.000Z"), "purposes": answers{"enabled": lists[true], "disabled": lists[false]}})
		return choice{consent: answers{platform: base64.StdEncoding.EncodeToString(text)}}
	case "usercentrics":
		var services []answers
		for _, name := range categories {
			services = append(services, answers{"id": name, "consent": answers{"given": name != refused, "type": "EXPLICIT"}})
		}
		return choice{consent: answers{platform: string(mustJSON(services))}}
	case "segment":
		object := answers{}
		for _, name := range categories {
			object[name] = name != refused
		}
		return choice{consent: answers{"categories": object}}
	default: // cookieyes, which has a cookie alone
		text := "consent:yes,action:yes," + each(",", func(name string, granted bool) string {
			return name + ":" + map[bool]string{false: "no", true: "yes"}[granted]
		})
		return choice{headers: header("Cookie", "cookieyes-consent="+url.PathEscape(text))}
	}
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and booleans alone
	}
	return text
}
