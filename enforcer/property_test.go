package enforcer

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"sekisho/enforcer/additionalconsent"
	"sekisho/enforcer/cmp"
	"sekisho/enforcer/consentmode"
	"sekisho/enforcer/gpp"
	"sekisho/enforcer/mobile"
	"sekisho/enforcer/tcf"
	"sekisho/enforcer/usprivacy"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// signal is one of the signals: where it stands, values that it has in the
// field, those of them that only refuse, and whether a value makes no sense.
type signal struct {
	name      string
	of        func(*schemas.Signals) *string
	values    []string
	refusals  []string
	malformed func(value string, s *schemas.Signals) bool
}

const closed = "2026-10-20T09:00:00.000Z"

var signalsOfOthers = []signal{
	{"tcf", func(s *schemas.Signals) *string { return &s.TCF },
		[]string{
			tcAcceptAllV23, tcRejectAllV23, tcGoogleOnlyPurpose1, tcEveryoneButGoogle, tcMeasurementOnly,
			tcGoogleConsentedNotDisclosed, tcV23MissingDisclosedCreatedAfterCutoff, tcRestrictionType0GoogleP3p4, tcPurposeOneTreatmentNoP1,
		},
		[]string{tcRejectAllV23},
		func(v string, s *schemas.Signals) bool {
			return s.GDPR != "0" && tcf.Decode(new(tcf.Consent), v) != nil
		}},
	{"additional consent", func(s *schemas.Signals) *string { return &s.AdditionalConsent },
		[]string{"2~12.89.1007~dv.7", "1~89", "2~12.1007~dv.89"}, nil,
		func(v string, _ *schemas.Signals) bool { _, err := additionalconsent.Decode(v); return err != nil }},
	{"gpp", func(s *schemas.Signals) *string { return &s.GPP },
		[]string{
			"DBABLA~CVVaAAAAAACA", "DBABLA~CVVqAAAAAACA.YA", "DBABLA~CVVqAAAAAACA.QA", "DBABBg~BVoAAACA", "DBABBg~BVYAAACA",
			"DBABTA~1YNN", "DBABTA~1YYN", "DBABMA~" + tcAcceptAllV23, "DBABMA~" + tcRejectAllV23,
		},
		[]string{"DBABLA~CVVaAAAAAACA", "DBABTA~1YYN", "DBABMA~" + tcRejectAllV23},
		func(v string, _ *schemas.Signals) bool { return gpp.Decode(new(gpp.String), v) != nil }},
	{"gpp sections", func(s *schemas.Signals) *string { return &s.GPPSections },
		[]string{"7", "8", "2", "6", "-1", "7,8"}, nil,
		func(v string, s *schemas.Signals) bool {
			_, err := gpp.ParseSectionIDs(v)
			return s.GPP != "" && err != nil
		}},
	{"us privacy", func(s *schemas.Signals) *string { return &s.USPrivacy },
		[]string{"1YNN", "1YYN", "1---", "1NNN", "1YYY"}, []string{"1YYN", "1YYY"},
		func(v string, _ *schemas.Signals) bool { _, err := usprivacy.Decode(v); return err != nil }},
	{"gcs", func(s *schemas.Signals) *string { return &s.GCS },
		[]string{"G111", "G110", "G101", "G100", "G1--"}, []string{"G100"},
		func(v string, _ *schemas.Signals) bool { _, err := consentmode.DecodeGCS(v); return err != nil }},
	{"gcd", func(s *schemas.Signals) *string { return &s.GCD },
		[]string{"11v1v1v1v5", "11t1t1t1t5", "11p1p1p1p5", "13l3l3l3l1l1", "13r3q3q3q1l1", "13u3q3q3q1l1"}, []string{"11p1p1p1p5"},
		func(v string, _ *schemas.Signals) bool { _, err := consentmode.DecodeGCD(v); return err != nil }},
	{"onetrust", func(s *schemas.Signals) *string { return &s.OneTrust },
		[]string{"groups=C0001:1,C0002:1,C0004:0&interactionCount=1", "groups=C0001:1,C0002:0,C0004:0,C0005:0&interactionCount=1", "groups=C0001:1,C0002:1,C0004:1&isGpcEnabled=1"},
		[]string{"groups=C0001:1,C0002:0,C0004:0,C0005:0&interactionCount=1"},
		func(v string, s *schemas.Signals) bool {
			return new(cmp.Choices).DecodeOneTrust(v, s.OneTrustClosed) != nil
		}},
	{"onetrust closed", func(s *schemas.Signals) *string { return &s.OneTrustClosed }, []string{closed}, nil,
		func(v string, s *schemas.Signals) bool {
			return s.OneTrust != "" && new(cmp.Choices).DecodeOneTrust(s.OneTrust, v) != nil
		}},
	{"cookiebot", func(s *schemas.Signals) *string { return &s.Cookiebot },
		[]string{
			"{stamp:'a',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit',ver:1,utc:1760000000000,region:'de'}",
			"{stamp:'a',necessary:true,preferences:true,statistics:true,marketing:true,method:'explicit',ver:1,utc:1760000000000,region:'de'}",
			"{stamp:'a',necessary:true,preferences:false,statistics:false,marketing:false,method:'explicit',ver:1,utc:1760000000000,region:'de'}", "-1",
		},
		[]string{"{stamp:'a',necessary:true,preferences:false,statistics:false,marketing:false,method:'explicit',ver:1,utc:1760000000000,region:'de'}"},
		func(v string, _ *schemas.Signals) bool { return new(cmp.Choices).DecodeCookiebot(v) != nil }},
	{"didomi", func(s *schemas.Signals) *string { return &s.Didomi }, []string{"eyJ2ZXJzaW9uIjoyfQ=="}, nil,
		func(v string, _ *schemas.Signals) bool { return new(cmp.Choices).DecodeDidomi(v) != nil }},
	{"usercentrics", func(s *schemas.Signals) *string { return &s.Usercentrics }, []string{`{}`, `[]`}, nil,
		func(v string, _ *schemas.Signals) bool { return new(cmp.Choices).DecodeUsercentrics(v) != nil }},
	{"categories", func(s *schemas.Signals) *string { return &s.Categories },
		[]string{`{"C0002":true,"C0004":false}`, `{"C0002":false,"C0004":false,"C0005":false}`, `{"C0002":true,"C0004":true,"C0005":true}`},
		[]string{`{"C0002":false,"C0004":false,"C0005":false}`},
		func(v string, _ *schemas.Signals) bool { return new(cmp.Choices).DecodeSegment(v) != nil }},
	{"att", func(s *schemas.Signals) *string { return &s.ATT }, []string{"authorized", "denied", "restricted", "notDetermined"}, []string{"denied", "restricted", "authorized"},
		func(v string, _ *schemas.Signals) bool { _, err := mobile.DecodeATT(v); return err != nil }},
	{"limit ad tracking", func(s *schemas.Signals) *string { return &s.LimitAdTracking }, []string{"0", "1"}, []string{"0", "1"},
		func(v string, _ *schemas.Signals) bool { _, err := mobile.DecodeLimitAdTracking(v); return err != nil }},
	{"gpc", func(s *schemas.Signals) *string { return &s.GPC }, []string{"1", "0"}, []string{"1", "0"}, never},
	{"dnt", func(s *schemas.Signals) *string { return &s.DNT }, []string{"1", "0"}, []string{"1", "0"}, never},
}

func never(string, *schemas.Signals) bool { return false }

// world makes random cases. Each case has a seed of its own, so that one that
// fails can be run alone.
type world struct{ *rand.Rand }

func pick[T any](w world, from []T) T { return from[w.IntN(len(from))] }

func (w world) chance(percent int) bool { return w.IntN(100) < percent }

func (w world) purposes() (list []schemas.Purpose) {
	for p := schemas.Purpose(0); p < schemas.NumPurposes; p++ {
		if w.chance(60) {
			list = append(list, p)
		}
	}
	return list
}

func (w world) categories() (list []schemas.Category) {
	for c := schemas.Category(0); c < schemas.NumCategories; c++ {
		if w.chance(60) {
			list = append(list, c)
		}
	}
	return list
}

func (w world) tcfPurposes() (list []int) {
	for n := 1; n <= 11; n++ {
		if w.chance(25) {
			list = append(list, n)
		}
	}
	return list
}

func (w world) rule() policy.Rule {
	return policy.Rule{Purpose: schemas.Purpose(w.IntN(schemas.NumPurposes)), WithoutConsent: pick(w, []policy.Action{policy.Drop, policy.Anonymise})}
}

// policy is the example policy with everything else in it.
func (w world) policy(t testing.TB) *policy.Policy {
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	for _, purpose := range []*policy.Purpose{&p.Purposes.Necessary, &p.Purposes.Analytics, &p.Purposes.Advertising, &p.Purposes.Social} {
		purpose.Categories = w.categories()
	}
	p.Signals.TCF = policy.TCFPurposes{Analytics: w.tcfPurposes(), Advertising: w.tcfPurposes(), Social: w.tcfPurposes()}
	p.Signals.OptOut, p.Signals.Mobile = w.purposes(), w.purposes()
	for _, platform := range []string{"cookiebot", "didomi", "onetrust", "segment", "usercentrics"} {
		for _, category := range []string{"C0002", "C0004", "statistics", "marketing"} {
			if w.chance(50) {
				p.Signals.Categories[platform][category] = w.purposes()
			}
		}
	}
	for _, name := range []string{"california", "europe", "japan", "united_states"} {
		j := p.Jurisdictions[name]
		j.Default = pick(w, []policy.Default{policy.OptIn, policy.OptOut})
		j.GPC, j.DNT = w.purposes(), w.purposes()
		p.Jurisdictions[name] = j
	}
	for _, name := range []string{"google", "meta", "store"} {
		r := p.Recipients[name]
		r.Purposes, r.Categories = w.purposes(), w.categories()
		r.TCF, r.AdditionalConsent = nil, pick(w, []int{0, 89, 7})
		if w.chance(50) {
			r.TCF = &policy.TCFVendor{Vendor: pick(w, []int{755, 1, 89}), Consent: w.tcfPurposes(), LegitimateInterest: w.tcfPurposes(), Flexible: w.tcfPurposes()}
		}
		p.Recipients[name] = r
	}
	p.Reset = pick(w, []policy.Action{policy.Drop, policy.Anonymise})
	e := &p.Events
	e.Pageview, e.AdImpression, e.AdClick, e.Conversion, e.Custom = w.rule(), w.rule(), w.rule(), w.rule(), w.rule()
	e.Named["share"] = w.rule()
	return p
}

// testCase is an event and its request.
type testCase struct {
	event   schemas.Event
	request Request
	resets  *Resets
}

func (w world) testCase() testCase {
	var c testCase
	e, r := &c.event, &c.request
	e.Type = schemas.EventType(w.IntN(schemas.NumEventTypes))
	e.Time = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	e.Set(schemas.ID, "0190163d-8694-739b-aea5-966c26f8ad91")
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		if w.chance(70) && f != schemas.Country && f != schemas.Region {
			e.Set(f, "1")
		}
	}
	e.Set(schemas.Site, pick(w, []string{"shop", "news", "travel"}))
	e.Set(schemas.Name, pick(w, []string{"share", "other"}))
	if place := w.place(); place != "" {
		e.Set(schemas.Region, place)
	}
	if w.chance(60) {
		e.Consent.Present = true
		for p := schemas.Analytics; p < schemas.NumPurposes; p++ {
			e.Consent.Answers[p] = pick(w, []schemas.Answer{schemas.Silent, schemas.Refused, schemas.Granted, schemas.Granted})
		}
		e.Consent.Policy = pick(w, []string{"", "", "2026-10-01", "2021-01-01"})
	}
	r.Now, r.Place, r.Lookup = e.Time, pick(w, []string{"", w.place()}), pick(w, []string{"", w.place()})
	r.Consent = pick(w, []string{"", "", "1.2026-10-01.analytics+advertising", "1.2026-10-01.analytics+advertising+social", "1.2026-10-01.none", "1.2021-01-01.analytics"})
	for _, s := range []*schemas.Signals{&e.Consent.Signals, &r.Signals} {
		for range w.IntN(4) {
			one := pick(w, signalsOfOthers)
			*one.of(s) = pick(w, one.values)
		}
		if s.OneTrust != "" && w.chance(80) {
			s.OneTrustClosed = closed
		}
		s.GDPR = pick(w, []string{"", "", "", "0", "1"})
	}
	return c
}

func (w world) place() string {
	return pick(w, []string{"", "JP", "DE", "US-CA", "US-NY", "US", "ZZ", "BR"})
}

func (c *testCase) signals(w world) *schemas.Signals {
	if w.chance(50) {
		return &c.event.Consent.Signals
	}
	return &c.request.Signals
}

func (c *testCase) decide(t *Table) *Verdict {
	v := new(Verdict)
	t.Decide(t.Site(c.event.Get(schemas.Site)), &c.event, &c.request, c.resets, v)
	return v
}

func (c *testCase) String() string {
	return fmt.Sprintf("%v of %s in %q, consent %+v, request %+v", c.event.Type, c.event.Get(schemas.Site), c.event.Get(schemas.Region), c.event.Consent, c.request)
}

// wider says in what the second verdict gives more than the first, or "".
func wider(before, after *Verdict, e *schemas.Event) string {
	if more := after.Purposes &^ before.Purposes; more != 0 {
		return fmt.Sprint("purposes ", more.Names())
	}
	if after.Outcome > before.Outcome {
		return fmt.Sprintf("outcome %v after %v", after.Outcome, before.Outcome)
	}
	if more := e.Fields & schemas.FieldsIn(after.categories()&^before.categories()); more != 0 && before.Outcome == schemas.Allowed {
		return fmt.Sprint("fields ", more.Names())
	}
	for i := range before.Recipients {
		b, a := &before.Recipients[i], &after.Recipients[i]
		switch {
		case a.Outcome > b.Outcome:
			return fmt.Sprintf("recipient %d: %v because %v, after %v because %v", i, a.Outcome, a.Reason, b.Outcome, b.Reason)
		case a.Categories&^b.Categories != 0:
			return fmt.Sprintf("recipient %d: categories %v after %v", i, a.Categories, b.Categories)
		case a.AdUserData && !b.AdUserData, a.AdPersonalisation && !b.AdPersonalisation:
			return fmt.Sprintf("recipient %d: more flags", i)
		case a.Outcome == schemas.Allowed && b.LimitedDataUse && !a.LimitedDataUse:
			return fmt.Sprintf("recipient %d: unlimited data use", i)
		}
	}
	return ""
}

// eachCase runs a property on many random cases.
func eachCase(t *testing.T, cases int, property func(w world, table *Table, c *testCase) (counted bool, problem string)) {
	t.Helper()
	example := exampleTable(t)
	start := rand.Uint64()
	counted, failed := 0, 0
	var generated *Table
	for i := range cases {
		seed := start + uint64(i)
		w := world{rand.New(rand.NewPCG(seed, 1))}
		table := example
		if i%64 == 32 {
			generated = Compile(world{rand.New(rand.NewPCG(start+uint64(i/64), 2))}.policy(t))
		}
		if i%64 >= 32 {
			table = generated
		}
		c := w.testCase()
		did, problem := property(w, table, &c)
		if did {
			counted++
		}
		if problem != "" {
			if t.Errorf("seed %d, policy of the example %v: %s\nof %v", seed, table == example, problem, &c); failed > 2 {
				return
			}
			failed++
		}
	}
	t.Logf("%d cases, %d of them counted, from seed %d", cases, counted, start)
	if counted < cases/20 {
		t.Errorf("only %d of %d cases counted", counted, cases)
	}
}

// TestRestrictingNeverWidens: whatever else was said, a further signal that
// refuses, or that can only refuse, never gives anyone more.
func TestRestrictingNeverWidens(t *testing.T) {
	reset := newResets(t)
	for f := range schemas.Identifiers.Each {
		reset.Put(&schemas.Reset{Field: f, Hash: reset.Hash(f, "1"), At: time.Now()})
	}
	eachCase(t, 10_000, func(w world, table *Table, c *testCase) (bool, string) {
		before := c.decide(table)
		what := ""
		if w.chance(30) {
			switch w.IntN(4) {
			case 0:
				c.event.Consent.Present = true
				p := schemas.Purpose(1 + w.IntN(schemas.NumPurposes-1))
				c.event.Consent.Answers[p], what = schemas.Refused, "a refused "+p.String()
			case 1:
				if c.request.Consent == "" {
					c.request.Consent, what = "1.2026-10-01.none", "the cookie none"
				}
			case 2:
				if c.event.Fields&schemas.Identifiers != 0 {
					c.resets, what = reset, "a reset"
				}
			case 3:
				c.event.Consent.Present, c.event.Consent.Malformed, what = true, true, "a malformed object"
				c.event.Consent.Answers, c.event.Consent.Policy = [schemas.NumPurposes]schemas.Answer{}, ""
			}
		} else {
			one, s := pick(w, signalsOfOthers), c.signals(w)
			// A section that is said to be in force and is missing refuses by
			// itself: to bring it takes that refusal away.
			brings := one.name == "gpp" && s.GPPSections != ""
			if *one.of(s) == "" && len(one.refusals) > 0 && !brings {
				*one.of(s) = pick(w, one.refusals)
				what = one.name + " " + *one.of(s)
			}
		}
		if what == "" {
			return false, ""
		}
		if more := wider(before, c.decide(table), &c.event); more != "" {
			return true, what + " widens: " + more
		}
		return true, ""
	})
}

// TestConsentingToLessNeverWidens: with a purpose taken out of what was agreed
// to, nobody has more fields.
func TestConsentingToLessNeverWidens(t *testing.T) {
	eachCase(t, 10_000, func(w world, table *Table, c *testCase) (bool, string) {
		c.event.Consent.Present, c.event.Consent.Malformed = true, false
		p := schemas.Purpose(1 + w.IntN(schemas.NumPurposes-1))
		byCookie := w.chance(30)
		if byCookie {
			c.request.Consent = "1.2026-10-01.analytics+advertising+social"
		} else {
			c.event.Consent.Answers[p] = schemas.Granted
		}
		before := c.decide(table)
		if byCookie {
			c.request.Consent = "1.2026-10-01." + pick(w, []string{"analytics+advertising", "advertising+social", "analytics", "none"})
		} else {
			c.event.Consent.Answers[p] = pick(w, []schemas.Answer{schemas.Silent, schemas.Refused})
		}
		if more := wider(before, c.decide(table), &c.event); more != "" {
			return true, "less consent widens: " + more
		}
		return true, ""
	})
}

// TestDecisionIsPure: the same event and request have the same verdict, in
// whatever verdict and after whatever else it is decided, and are left alone.
func TestDecisionIsPure(t *testing.T) {
	var used Verdict
	eachCase(t, 10_000, func(w world, table *Table, c *testCase) (bool, string) {
		event, request := c.event, c.request
		fresh := c.decide(table)
		for range w.IntN(3) {
			other := w.testCase()
			table.Decide(table.Site(other.event.Get(schemas.Site)), &other.event, &other.request, nil, &used)
		}
		table.Decide(table.Site(c.event.Get(schemas.Site)), &c.event, &c.request, nil, &used)
		switch {
		case fresh.Outcome != used.Outcome || fresh.Reason != used.Reason || fresh.Purposes != used.Purposes || fresh.Jurisdiction != used.Jurisdiction,
			!reflect.DeepEqual(fresh.Recipients, used.Recipients):
			return true, fmt.Sprintf("%v because %v, %+v; in a used verdict %v because %v, %+v", fresh.Outcome, fresh.Reason, fresh.Recipients, used.Outcome, used.Reason, used.Recipients)
		case !reflect.DeepEqual(event, c.event) || request != c.request:
			return true, "the event or the request was changed"
		}
		return true, ""
	})
}

// corrupt returns the value with something wrong in it, mostly.
func (w world) corrupt(value string) string {
	at := w.IntN(len(value) + 1)
	switch w.IntN(6) {
	case 0:
		return value[:at]
	case 1:
		return value[:at] + pick(w, []string{"!", "\x00", "%", "~", ".", "é", "\xff", " "}) + value[at:]
	case 2:
		return value[at:]
	case 3:
		return value[:at] + string(rune('0'+w.IntN(75))) + value[min(at+1, len(value)):]
	case 4:
		return strings.Repeat(value, 2)
	}
	return pick(w, []string{"x", "null", "{}x", "true", "undefined", strings.Repeat("A", 5000), "{", "-", "0", "DBABMA~"})
}

// TestMalformedNeverGrants: a signal that makes no sense gives nobody more than
// its absence does, nor, where it is a consent, than a refusal.
func TestMalformedNeverGrants(t *testing.T) {
	found := make(map[string]int)
	eachCase(t, 20_000, func(w world, table *Table, c *testCase) (bool, string) {
		one, s := pick(w, signalsOfOthers), c.signals(w)
		value := w.corrupt(pick(w, one.values))
		if value == "" || !one.malformed(value, s) {
			return false, ""
		}
		found[one.name]++
		*one.of(s) = ""
		silent := c.decide(table)
		*one.of(s) = value
		after := c.decide(table)
		if more := wider(silent, after, &c.event); more != "" {
			return true, fmt.Sprintf("the malformed %s %q gives more than silence: %s", one.name, value, more)
		}
		if one.name != "additional consent" && after.Purposes&schemas.OptionalPurposes != 0 {
			return true, fmt.Sprintf("the malformed %s %q is no refusal: %v", one.name, value, after.Purposes.Names())
		}
		return true, ""
	})
	for _, one := range signalsOfOthers {
		if found[one.name] == 0 && one.name != "gpc" && one.name != "dnt" {
			t.Errorf("%d malformed values of %s were tried", found[one.name], one.name)
		}
	}
}

// TestFlippedBitNeverGrants: no bit of a signal that refuses, or of one that
// makes no sense, turns it into one that lets something pass, unless what it is
// then makes sense. All else agrees to everything, so that a signal that is merely
// passed over would show. (Of GPC and DNT the standards say that all but "1" is
// no signal.)
func TestFlippedBitNeverGrants(t *testing.T) {
	table := exampleTable(t)
	e := decode(t, `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","region":"DE","consent":{"analytics":true,"advertising":true,"social":true}}`)
	granted := func(s schemas.Signals) schemas.Purposes {
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Signals: s}, nil, &v)
		return v.Purposes
	}
	flipped := 0
	for _, one := range signalsOfOthers {
		if one.name == "gpc" || one.name == "dnt" {
			continue
		}
		for _, value := range one.values {
			for _, from := range []string{value, value[:len(value)-1], value + "!"} {
				s := schemas.Signals{OneTrustClosed: closed}
				switch one.name { // what speaks only with another
				case "gpp sections":
					s.GPP = "DBABLA~CVVaAAAAAACA"
				case "onetrust closed":
					s.OneTrust = "groups=C0001:1,C0002:0,C0004:0,C0005:0"
				case "additional consent":
					s.TCF = tcRejectAllV23
				}
				*one.of(&s) = from
				before := granted(s)
				text := []byte(from)
				for bit := range 8 * len(text) {
					text[bit/8] ^= 1 << (bit % 8)
					*one.of(&s) = string(text)
					if more := granted(s) &^ before; more != 0 {
						flipped++
						if one.malformed(string(text), &s) {
							t.Errorf("%s: %q grants %v, which %q does not, and makes no sense", one.name, text, more.Names(), from)
						}
					}
					text[bit/8] ^= 1 << (bit % 8)
				}
			}
		}
	}
	if flipped == 0 {
		t.Error("no bit made any difference")
	}
}
