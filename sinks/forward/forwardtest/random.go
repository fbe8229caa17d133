package forwardtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// Random makes random policies and events.
type Random struct{ *rand.Rand }

func pick[T any](r Random, list ...T) T { return list[r.IntN(len(list))] }

func (r Random) chance(percent int) bool { return r.IntN(100) < percent }

// Policy is the example policy, of whose recipients and rules everything is
// random that says who may have what.
func (r Random) Policy(t testing.TB) *policy.Policy {
	p := ExamplePolicy(t)
	categories := func() (list []schemas.Category) {
		for c := schemas.Category(0); c < schemas.NumCategories; c++ {
			if r.chance(75) {
				list = append(list, c)
			}
		}
		return list
	}
	for _, purpose := range []*policy.Purpose{&p.Purposes.Necessary, &p.Purposes.Analytics, &p.Purposes.Advertising, &p.Purposes.Social} {
		purpose.Categories = categories()
	}
	for _, name := range []string{"google", "meta"} {
		to := p.Recipients[name]
		to.Categories, to.Purposes, to.Identifiers = categories(), nil, nil
		for purpose := schemas.Purpose(0); purpose < schemas.NumPurposes; purpose++ {
			if r.chance(75) {
				to.Purposes = append(to.Purposes, purpose)
			}
		}
		for f := range schemas.OwnIdentifiers.Each {
			if r.chance(50) {
				to.Identifiers = append(to.Identifiers, policy.Identifier(f))
			}
		}
		p.Recipients[name] = to
	}
	for name, site := range p.Sites {
		site.Recipients = []string{"google", "meta"}
		site.Properties = map[string]policy.Property{}
		for i := range r.IntN(40) {
			property := pick(r, "plan", "value", "currency", "session_id", "items", "ga_x", "_y", "utm_source", "ad_z", "content_ids",
				"a.b", "1st", strings.Repeat("n", 60), fmt.Sprint("p", i), "site_value", "em", "external_id")
			site.Properties[property] = policy.Property{Type: schemas.PropertyKind(r.IntN(3)), Category: schemas.Category(r.IntN(schemas.NumCategories))}
		}
		p.Sites[name] = site
	}
	return p
}

// Event is an event of one of the policy's sites, within the last two days, that
// fits the schema; consent is given more often than not.
func (r Random) Event(p *policy.Policy, now time.Time) string {
	kind := schemas.EventType(r.IntN(schemas.NumEventTypes))
	site := pick(r, "shop", "news", "travel")
	e := map[string]any{
		"type": kind.String(), "site": site, "time": now.Add(-time.Duration(r.Int64N(int64(48 * time.Hour)))).UTC().Format(time.RFC3339Nano),
		"id": fmt.Sprintf("0190163d-8694-7%03x-aea5-%012x", r.IntN(1<<12), r.Int64N(1<<48)),
	}
	required := schemas.SetOf(kind.Requires()...)
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		if _, ok := e[f.String()]; ok || !required.Has(f) && r.chance(45) {
			continue
		}
		if v := r.value(f); v != nil {
			e[f.String()] = v
		}
	}
	properties := map[string]any{}
	for name, declared := range p.Sites[site].Properties {
		switch {
		case r.chance(30):
		case declared.Type == schemas.PropertyText:
			properties[name] = r.text(300)
		case declared.Type == schemas.PropertyNumber:
			properties[name] = r.number(1e9)
		default:
			properties[name] = r.chance(50)
		}
	}
	e["properties"] = properties
	consent := map[string]any{}
	for _, purpose := range []string{"analytics", "advertising", "social"} {
		if r.chance(90) {
			consent[purpose] = r.chance(85)
		}
	}
	e["consent"] = consent
	text, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (r Random) value(f schemas.Field) any {
	d := f.Definition()
	limit := int(d.Max)
	switch f {
	case schemas.GA:
		return pick(r, "GA1.1.1116446470.1760000000", fmt.Sprintf("%d.%d", 1e9+r.Int64N(1e9), 1.7e9+r.Int64N(1e8)), "11.22", "x")
	case schemas.FBP, schemas.FBC:
		return pick(r, fmt.Sprintf("fb.1.1596403881668.%d", r.Int64N(1e10)), "fb.1.1554763741205.IwAR2F4-dbP0l7Mn1IawQ_QG", "fb.2.1596403881668.1.AQEAAQMB", "nonsense")
	case schemas.IDFA, schemas.GAID:
		return pick(r, fmt.Sprintf("%08X-A667-48BC-B806-42ECB2B48606", r.Uint32()), "ea7583cd-a667-48bc-b806-42ecb2b48606", "x")
	case schemas.AppInstanceID:
		return pick(r, fmt.Sprintf("%032x", r.Uint64()), "instance-1")
	case schemas.Currency:
		return pick(r, "JPY", "EUR", "usd", "x1", "AB")
	case schemas.Country:
		return pick(r, "JP", "US", "de", "Z9", "j")
	case schemas.Region:
		return pick(r, "US-CA", "us-ny", "JP-13", "DE", "x.y")
	case schemas.Gender:
		return pick(r, "female", "M", "x", "other")
	case schemas.Name:
		return pick(r, "order", "Purchase", "lead", "share", "ad_click", "session_start", "ga_x", "1st.step", "a-b", strings.Repeat("n", 64), "purchase", "view_item")
	case schemas.OrderID:
		return pick(r, "T-1", fmt.Sprint(r.Int64N(1e9)), "注文 1")
	case schemas.UserAgent:
		return pick(r, "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X)", "okhttp/4 Android/15", "", `weird "agent" \ ü`, strings.Repeat("a", limit))
	}
	switch d.Kind {
	case schemas.KindIdentifier:
		return fmt.Sprintf("%s-%d", f, r.IntN(20))
	case schemas.KindURI:
		return pick(r, "https://shop.example.jp/", "https://shop.example.jp/tea?page=2&utm_source=mail&fbclid=IwAR1#top", "http://a.example/%zz", "http://[::1", "https://本.example/茶",
			"https://shop.example.jp/"+strings.Repeat("very/", 60)+"?page="+strings.Repeat("1", 100), "https://a")
	case schemas.KindName:
		return strings.Repeat("n", 1+r.IntN(limit))
	case schemas.KindText:
		return r.text(limit)
	case schemas.KindInteger:
		return r.IntN(limit + 1)
	case schemas.KindDecimal:
		return r.number(d.Max)
	}
	return nil
}

func (r Random) number(most float64) any {
	return pick(r, any(0), any(json.Number("1e3")), any(r.Float64()*most), any(r.IntN(1000)), any(9.9))
}

// text is a text of at most so many bytes, of any characters.
func (r Random) text(limit int) string {
	var b strings.Builder
	for n := r.IntN(limit + 1); b.Len() < n; {
		c := pick(r, "a", "Z", "9", " ", `"`, `\`, "<", "&", "é", "茶", "😀", "/", "%", "_")
		if b.Len()+len(c) > limit {
			break
		}
		b.WriteString(c)
	}
	return b.String()
}
