package enforcer

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
)

// The test of anonymisation: users who agreed to nothing visit the sites of
// the example policy. What each has in common with others is its profile, which
// at least k users share; everything else, in every field that a client
// controls, is its own. What is kept of their events must tell nobody from the
// k-1 others, by any field or all of them together, nor tell which two events
// are of one user.
//
// That holds for the quirks that token makes. It has no tokens that are letters
// alone: of those not all are found, and an address with one that reads like a word
// is of as few users as have it; see identifiers.TestUnlikelyWords.
const (
	population = 20_000
	k          = 10
)

// profile is what several users have in common. A part that is odd is another
// one for each of them.
type profile struct {
	site, kind, consent, country       string
	browser, language, page, from, tag string
	parameter, advertisement           string
	hours                              [2]int // of two events
}

const odd = "odd"

// weighted picks by the numbers before the texts.
type weighted []struct {
	weight int
	text   string
}

func (w weighted) pick(r *rand.Rand) string {
	total := 0
	for _, one := range w {
		total += one.weight
	}
	n := r.IntN(total)
	for _, one := range w {
		if n -= one.weight; n < 0 {
			return one.text
		}
	}
	panic("unreachable")
}

var (
	someSites    = weighted{{70, "shop"}, {20, "news"}, {10, "travel"}}
	someKinds    = weighted{{92, "pageview"}, {8, "consent"}}
	someConsents = weighted{
		{70, ``}, {20, `{"analytics":false,"advertising":false,"social":false}`}, {5, `{"analytics":false,"social":true}`},
		{3, `{"tcf":"` + tcRejectAllV23 + `"}`}, {2, `{"analytics":1}`},
	}
	someCountries = weighted{{85, "JP"}, {5, "DE"}, {5, "FR"}, {5, ""}}
	someBrowsers  = weighted{
		{38, "Chrome/155.0."}, {10, "Chrome/154.0."}, {2, "Chrome/150.0."}, {25, "Version/26.1 Safari/605."},
		{5, "Version/18.5 Safari/605."}, {8, "Chrome/155.0.1 Edg/155.0."}, {3, "Gecko/20100101 Firefox/158.0."},
		{2, "Chrome/150.0.1 OPR/120."}, {3, "SamsungBrowser/29."}, {2, odd}, {2, "Chrome/odd"},
	}
	someLanguages = weighted{{80, "ja"}, {10, "en"}, {3, "zh"}, {2, "ko"}, {2, "vi"}, {3, odd}}
	somePages     = weighted{
		{30, "/"}, {20, "/product/OWN"}, {10, "/tea/sencha"}, {8, "/users/OWN/orders"}, {8, "/2026/11/autumn-sale"},
		{8, "/cart"}, {5, "/about"}, {4, "/OWN"}, {4, "/wiki/%E9%96%A2"}, {3, odd},
	}
	someReferrers = weighted{
		{30, ""}, {30, "www.google.co.jp"}, {15, "search.yahoo.co.jp"}, {5, "OWN.facebook.com"}, {5, "t.co"}, {5, "own"}, {10, odd},
	}
	someTags       = weighted{{70, ""}, {10, "autumn-sale"}, {10, "Newsletter_2026"}, {10, odd}}
	someParameters = weighted{{70, ""}, {10, "2"}, {10, "sencha"}, {10, odd}}
)

func randomProfile(r *rand.Rand) profile {
	p := profile{
		site: someSites.pick(r), kind: someKinds.pick(r), consent: someConsents.pick(r), country: someCountries.pick(r),
		browser: someBrowsers.pick(r), language: someLanguages.pick(r), page: somePages.pick(r), from: someReferrers.pick(r),
		tag: someTags.pick(r), parameter: someParameters.pick(r), advertisement: someTags.pick(r),
		hours: [2]int{r.IntN(24), r.IntN(24)},
	}
	if p.kind == "consent" { // one that grants something is let through as it is
		p.consent = ""
	}
	return p
}

// user is someone with a profile and with quirks: nobody else has the number,
// which is too large to be a page's number or a year.
type user struct {
	number int
	random *rand.Rand
	profile
}

// token is text that only this user has, in one of the forms that identifiers
// have.
func (u *user) token() string {
	n := u.number
	switch u.random.IntN(13) {
	case 0:
		return fmt.Sprint(n)
	case 1:
		return fmt.Sprint(10_000_000 + n)
	case 2:
		return fmt.Sprint("u", n)
	case 3:
		return fmt.Sprint("user-", n)
	case 4:
		return fmt.Sprintf("%032x", n*7919)
	case 5:
		return fmt.Sprintf("%08x-1234-4abc-8def-%012x", n*7919, n*104729)
	case 6:
		return fmt.Sprintf("taro.%d@example.com", n)
	case 7:
		return fmt.Sprintf("taro%%40example%d.com", n)
	case 8:
		return fmt.Sprintf("Zm9vYmFy%04XQ==", n)
	case 9:
		return fmt.Sprint("@taro", n)
	case 10:
		return strings.Repeat("a-very-long-name-", 4) + fmt.Sprint(n)
	case 11:
		return fmt.Sprintf("a%db%dc", n%100, n)
	}
	return fmt.Sprintf("%%E5%%A4%%AA%%E9%%83%%8E%d", n)
}

// name is a token of letters, digits and "_.-".
func (u *user) name(most int) string {
	for {
		if t := u.token(); len(t) <= most && !strings.ContainsAny(t, "@%=") {
			return t
		}
	}
}

// or returns what the user has of the profile: its own where that is odd.
func (u *user) or(common, own string) string {
	if common == odd {
		return own
	}
	return common
}

func (u *user) event(which int) string {
	n := u.number
	host := map[string]string{"shop": "https://shop.example.jp", "news": "https://news.example.jp", "travel": "https://travel.example.com"}[u.site]
	at := time.Date(2026, 11, 2, u.hours[which], 0, 0, 0, time.UTC).Add(time.Duration((n*179+which*7)%3_600_000) * time.Millisecond)
	e := map[string]any{
		"id":   fmt.Sprintf("%08x-%04x-7abc-8def-%012x", at.UnixMilli()>>16, at.UnixMilli()&0xffff, n*2+which),
		"type": u.kind, "site": u.site, "time": at.Format(time.RFC3339Nano),
		"visitor_id": u.name(64), "user_id": u.name(64), "session_id": fmt.Sprint("s", n), "app_instance_id": fmt.Sprint("a", n),
		"ga": fmt.Sprintf("GA1.1.%d.1", n), "fbp": fmt.Sprintf("fb.1.1.%d", n), "fbc": fmt.Sprintf("fb.1.1.c%d", n),
		"idfa": fmt.Sprintf("%08x-1234-4abc-8def-1234567890ab", n), "gaid": fmt.Sprintf("%08x-1234-4abc-8def-1234567890ac", n),
		"panel_id": fmt.Sprint("p", n), "ad_click_id": fmt.Sprint("c", n), "order_id": fmt.Sprint("o", n),
		"title": "Order of " + u.token(), "engagement_ms": n, "scroll_percent": n % 101,
		"screen_width": n % 65536, "screen_height": n * 7 % 65536, "viewport_width": n * 3 % 65536, "viewport_height": n * 5 % 65536,
		"timezone": "Antarctica/" + u.name(40), "app_version": fmt.Sprintf("1.%d", n), "age_band": fmt.Sprint("b", n), "gender": fmt.Sprint("g", n),
		"price": n, "value": n * 2, "currency": fmt.Sprintf("%c%c%c", 'a'+n%26, 'a'+n/26%26, 'a'+n/676%26),
		"name": u.name(60), "user_agent": u.agent(), "language": u.tongue(), "referrer": u.referrer(host),
		"url": u.url(host), "utm_term": u.token(), "utm_content": u.token(), "utm_source": u.or(u.tag, u.token()), "utm_medium": u.or(u.tag, u.token()),
		"ad_network": u.or(u.advertisement, u.token()), "ad_campaign": u.or(u.advertisement, u.token()),
		"ad_creative": u.or(u.advertisement, u.token()), "ad_placement": u.or(u.advertisement, u.token()),
	}
	if u.tag != "" {
		e["utm_campaign"] = u.or(u.tag, u.token())
	}
	if u.country != "" {
		e["country"], e["region"] = u.country, fmt.Sprintf("%s-%03d", u.country, n%1000)
	}
	if u.site == "shop" {
		e["properties"] = map[string]any{"plan": u.token(), "items": n, "member": n%2 == 0}
	}
	if u.consent != "" {
		e["consent"] = json.RawMessage(u.consent)
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (u *user) agent() string {
	n := u.number
	switch u.browser {
	case odd:
		return fmt.Sprintf("Browser%d/%d.0 (own %s)", n, n, u.token())
	case "Chrome/odd":
		return fmt.Sprintf("Mozilla/5.0 Chrome/%d.0 X%d/1", []int{1000 + n, n % 140, 200 + n%800}[u.random.IntN(3)], n)
	}
	return fmt.Sprintf("Mozilla/5.0 (Own; rv:%d) %s%d Extra%d/%d", n, u.browser, n, n, n%97)
}

func (u *user) tongue() string {
	n := u.number
	if u.language == odd {
		return []string{fmt.Sprintf("x%05d", n), fmt.Sprintf("q%c%c", 'a'+n%26, 'a'+n/26%26), fmt.Sprintf("gv-%d", n)}[u.random.IntN(3)]
	}
	tag := []string{u.language, strings.ToUpper(u.language)}[u.random.IntN(2)]
	return tag + []string{"-JP", "", "_XX", fmt.Sprintf("-x-n%d", n)}[u.random.IntN(4)]
}

func (u *user) referrer(host string) string {
	path := "/" + u.token() + "?q=" + u.token() + "#" + u.token()
	switch {
	case u.from == "":
		return fmt.Sprintf("https://n%d.example.net", u.number)
	case u.from == "own":
		return host + path
	case u.from == odd:
		return fmt.Sprintf("http://%s.example.net:%d%s", strings.Trim(u.name(40), "_.-"), 1024+u.number, path)
	}
	return "https://" + strings.ReplaceAll(u.from, "OWN", fmt.Sprintf("n%d", u.number)) + path
}

func (u *user) url(host string) string {
	if u.page == odd {
		host, u.page = fmt.Sprintf("https://n%d.example.net:%d", u.number, 1024+u.number%60000), "/OWN"
	}
	page := strings.ReplaceAll(u.page, "OWN", u.token())
	parameters := []string{"id=" + u.token(), u.name(40) + "=1", "utm_term=" + u.token(), "utm_id=" + u.token(), "utm_" + u.name(40) + "=sale"}
	if u.parameter != "" {
		parameters = append(parameters, "page="+u.or(u.parameter, u.token()))
	}
	if u.tag != "" {
		parameters = append(parameters, "utm_campaign="+u.or(strings.ToLower(u.tag), u.token()), "utm_source="+u.or(strings.ToLower(u.tag), u.token()))
	}
	u.random.Shuffle(len(parameters), func(i, j int) { parameters[i], parameters[j] = parameters[j], parameters[i] })
	return host + page + "?" + strings.Join(parameters, "&") + "#" + u.token()
}

// output is what is kept of the users' events, without what is random.
type output struct {
	t       *testing.T
	table   *Table
	keys    *Keys
	project Projector
	verdict Verdict
	ids     map[string]bool
}

func newOutput(t *testing.T) *output {
	return &output{t: t, table: exampleTable(t), keys: newKeys(t), ids: make(map[string]bool)}
}

// kept returns the fields of the message that is written for an event: its
// value's, and its time. Its key must be the random id.
func (o *output) kept(event string) map[string]string {
	o.t.Helper()
	e := decode(o.t, event)
	o.table.Decide(o.table.Site(e.Get(schemas.Site)), e, &Request{Now: e.Time}, nil, &o.verdict)
	record := o.project.Record(o.keys, e, &o.verdict, schemas.Anonymised)
	if record == nil {
		o.t.Fatalf("nothing is kept of %s: %v because %v", event, o.verdict.Outcome, o.verdict.Reason)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(record.AppendJSON(nil), &members); err != nil {
		o.t.Fatal(err)
	}
	fields := map[string]string{"message time": record.Event.Time.String()}
	for name, value := range members {
		fields[name] = string(value)
	}
	if fields["id"] != `"`+Key(record)+`"` || o.ids[fields["id"]] {
		o.t.Fatalf("the key is not the id, or the id comes again: %s", record.AppendJSON(nil))
	}
	o.ids[fields["id"]] = true
	delete(fields, "id")
	return fields
}

// without is all fields but some as one text.
func without(fields map[string]string, names ...string) string {
	rest := make(map[string]string, len(fields))
	for name, value := range fields {
		rest[name] = value
	}
	for _, name := range names {
		delete(rest, name)
	}
	text, _ := json.Marshal(rest)
	return string(text)
}

// classes counts how many users have a text.
type classes map[string]int

func (c classes) smallest() (least int, text string) {
	least = population + 1
	for t, n := range c {
		if n < least {
			least, text = n, t
		}
	}
	return least, text
}

func TestAnonymisedEventsSingleNobodyOut(t *testing.T) {
	seed := uint64(1)
	random := rand.New(rand.NewPCG(seed, seed))
	o := newOutput(t)
	together, apart, timeless := classes{}, map[string]classes{}, classes{}
	size, left := 0, 0
	var common profile
	for n := range population {
		if left == 0 {
			common = randomProfile(random)
			size = k + int(random.ExpFloat64()*40)
			if left = size; population-n-left < k {
				left = population - n
			}
		}
		left--
		u := user{3000 + n, random, common}
		kept := o.kept(u.event(0))
		together[without(kept)]++
		timeless[without(kept, "time", "message time")]++
		if n%4 == 0 { // once more, at another hour
			u.profile = common
			a, b := without(kept, "time", "message time"), without(o.kept(u.event(1)), "time", "message time")
			if a != b {
				t.Fatalf("its own quirks are in a user's events:\n%s\n%s", a, b)
			}
		}
		for name, value := range kept {
			if apart[name] == nil {
				apart[name] = classes{}
			}
			apart[name][value]++
		}
	}
	if least, text := together.smallest(); least < k {
		t.Errorf("%d users have %s, want %d at least", least, text, k)
	}
	if least, text := timeless.smallest(); least < k {
		t.Errorf("%d users have %s at any time, want %d at least", least, text, k)
	}
	for name, values := range apart {
		if least, text := values.smallest(); least < k {
			t.Errorf("%d users have %s %s, want %d at least", least, name, text, k)
		}
	}
	least, _ := together.smallest()
	t.Logf("%d users, %d classes, the smallest of %d", population, len(together), least)
	for name, values := range apart {
		least, text := values.smallest()
		t.Logf("%-13s %4d values, the rarest of %5d users: %s", name, len(values), least, text)
	}
	for _, name := range []string{"url", "referrer", "language", "user_agent", "utm_campaign", "ad_placement"} {
		if len(apart[name]) < 2 {
			t.Errorf("%s has %d values: nothing is left to analyse", name, len(apart[name]))
		}
	}
}
