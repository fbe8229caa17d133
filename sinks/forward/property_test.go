package forward_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// planted is an event of which every value is found again wherever it turns up.
type planted struct {
	number int
	body   string
	values map[schemas.Field]string // as they were sent
	secret string                   // of a query parameter that the policy does not keep
	grants map[string]enforcer.RecipientVerdict
	agreed schemas.Purposes
	stored []string // pseudonyms
}

// token stands in the event's address, and nowhere else.
func (p *planted) token() string { return fmt.Sprintf("page%dx", p.number) }

// plant makes an event whose identifiers look as their makers make them.
func plant(r *rand.Rand, number int) *planted {
	p := &planted{number: number, values: map[schemas.Field]string{}}
	id, err := uuid.NewV7()
	if err != nil {
		panic(err)
	}
	own := func(f schemas.Field, format string) { p.values[f] = fmt.Sprintf(format, number, r.Uint32()) }
	p.values[schemas.ID] = id.String()
	own(schemas.VisitorID, "visitor%dx%d")
	own(schemas.UserID, "user%dx%d")
	own(schemas.SessionID, "session%dx%d")
	own(schemas.GA, "7%06d.%d")
	own(schemas.FBP, "fb.1.15964038%05d.9%d")
	own(schemas.FBC, "fb.1.15964038%05d.Click-%d")
	p.values[schemas.IDFA] = uuid.NewString()
	p.values[schemas.GAID] = uuid.NewString()
	p.values[schemas.AppInstanceID] = strings.ReplaceAll(uuid.NewString(), "-", "")
	own(schemas.PanelID, "panel%dx%d")
	own(schemas.AdClickID, "gclid%dx%d")
	own(schemas.OrderID, "order%dx%d")
	own(schemas.Title, "title%dx%d")
	own(schemas.UTMCampaign, "campaign%dx%d")
	own(schemas.AdNetwork, "network%dx%d")
	own(schemas.AdCampaign, "adcampaign%dx%d")
	own(schemas.AdCreative, "creative%dx%d")
	own(schemas.AdPlacement, "placement%dx%d")
	own(schemas.AppVersion, "app%dx%d")
	own(schemas.UserAgent, "Mozilla/5.0 agent%dx%d")
	own(schemas.Referrer, "https://other.example.jp/from%dx%d")
	p.values[schemas.Value] = fmt.Sprintf("7%d.%d", 100000+number, 10+r.IntN(89))
	p.values[schemas.Price] = fmt.Sprintf("8%d.%d", 100000+number, 10+r.IntN(89))
	p.values[schemas.Engagement] = fmt.Sprintf("9%d", 100000+number)
	p.secret = fmt.Sprintf("secret%dx%d", number, r.Uint32())
	p.values[schemas.URL] = fmt.Sprintf("https://shop.example.jp/%s?page=1&fbclid=%s#%s", p.token(), p.secret, p.secret)

	kind := []string{"conversion", "pageview", "ad_click", "ad_impression", "custom"}[r.IntN(5)]
	members := []string{`"type":"` + kind + `","site":"shop","currency":"JPY","name":"` + []string{"purchase", "share", "other"}[r.IntN(3)] + `"`}
	for _, f := range slices.Sorted(maps.Keys(p.values)) {
		always := f == schemas.ID || f == schemas.URL
		if !always && r.IntN(4) == 0 {
			delete(p.values, f)
			continue
		}
		value := `"` + p.values[f] + `"`
		if f.Definition().Kind.Numeric() {
			value = p.values[f]
		}
		members = append(members, `"`+f.String()+`":`+value)
	}
	if !strings.Contains(kind, "ad_") || p.values[schemas.AdPlacement] != "" {
		members = append(members, fmt.Sprintf(`"properties":{"plan":"plan%dx","items":6%d}`, number, 100000+number))
	}
	consent := []string{}
	for _, purpose := range []string{"analytics", "advertising", "social"} {
		if r.IntN(5) > 0 {
			consent = append(consent, fmt.Sprintf(`%q:%v`, purpose, r.IntN(4) > 0))
		}
	}
	if r.IntN(6) == 0 {
		consent = append(consent, `"gpc":true`)
	}
	members = append(members, `"consent":{`+strings.Join(consent, ",")+`}`)
	p.body = "{" + strings.Join(members, ",") + "}"
	return p
}

// randomPolicy gives purposes and recipients other categories, recipients other
// purposes and identifiers.
func randomPolicy(t testing.TB, r *rand.Rand) *policy.Policy {
	p := policyOf(t)
	some := func(keep int) (list []schemas.Category) {
		for c := range schemas.Category(schemas.NumCategories) {
			if r.IntN(10) < keep {
				list = append(list, c)
			}
		}
		return list
	}
	for purpose := range schemas.Purpose(schemas.NumPurposes) {
		p.Purposes.Of(purpose).Categories = some(7)
	}
	for name, recipient := range p.Recipients {
		if name == policy.Store {
			continue
		}
		recipient.Categories, recipient.Identifiers, recipient.TCF = some(8), nil, nil
		recipient.Purposes = nil
		for purpose := range schemas.Purpose(schemas.NumPurposes) {
			if r.IntN(3) > 0 {
				recipient.Purposes = append(recipient.Purposes, purpose)
			}
		}
		for f := range schemas.OwnIdentifiers.Each {
			if r.IntN(3) == 0 {
				recipient.Identifiers = append(recipient.Identifiers, policy.Identifier(f))
			}
		}
		p.Recipients[name] = recipient
	}
	site := p.Sites["shop"]
	site.Properties = map[string]policy.Property{
		"plan":  {Type: schemas.PropertyText, Category: schemas.Category(r.IntN(schemas.NumCategories))},
		"items": {Type: schemas.PropertyNumber, Category: schemas.Category(r.IntN(schemas.NumCategories))},
	}
	site.Jurisdiction = []string{"japan", "california", "europe"}[r.IntN(3)]
	p.Sites["shop"] = site
	return p
}

// TestExactlyWhatWasGranted: over random policies, consents and events, nothing
// that a recipient is sent has a field, a flag or an identifier that the verdict
// did not grant to it, and no two recipients have an identifier in common unless
// the policy lets both have it.
func TestExactlyWhatWasGranted(t *testing.T) {
	const rounds, each = 10, 60
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	w := newWorld(t)
	list := vendors(t)
	var forwarders []*forwarder
	for _, v := range list {
		forwarders = append(forwarders, w.start(t, v.recipient, v.kind))
	}
	number, found := 0, map[string]int{}
	never := func() (list []string) { // what was never sent yet
		for _, what := range []string{"text", "number", "own", "flags"} {
			for _, f := range forwarders {
				if found[f.recipient+" "+what] == 0 {
					list = append(list, f.recipient+" "+what)
				}
			}
		}
		return list
	}
	for round := 0; round < rounds || len(never()) > 0; round++ {
		if round == 20*rounds {
			t.Fatalf("seed %d: never sent were %q: the test tests nothing", seed, never())
		}
		p := randomPolicy(t, r)
		w.policy = p
		w.table.Store(enforcer.Compile(p))
		var events []*planted
		var messages []stream.Message
		before := map[string]float64{}
		for _, f := range forwarders {
			before[f.recipient] = f.settledEvents()
		}
		expected := map[string]float64{}
		for range each {
			number++
			e := plant(r, number)
			record := w.decide(t, e)
			if record == nil {
				continue
			}
			events = append(events, e)
			messages = append(messages, stream.Message{Key: []byte(enforcer.Key(record)), Value: record.AppendJSON(nil), Time: time.Now()})
			for _, g := range record.Grants {
				expected[g.Recipient]++
			}
		}
		if err := w.producer.Write(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
		received := map[string][]string{}
		for i, f := range forwarders {
			eventually(t, f.recipient+" is settled", func() bool { return f.settledEvents()-before[f.recipient] >= expected[f.recipient] })
			for _, request := range list[i].Received().Last {
				text := request.Body + " " + request.Path + "?" + request.Query.Encode()
				for name, value := range request.Header {
					text += " " + name + ": " + value
				}
				received[f.recipient] = append(received[f.recipient], text)
			}
			for _, breach := range list[i].Received().Listed {
				t.Errorf("seed %d: %s: breach of %s at %s: %s", seed, f.recipient, breach.Rule, breach.Path, breach.Message)
			}
			list[i].Forget()
		}
		for _, e := range events {
			for recipient, requests := range received {
				e.check(t, p, recipient, requests, found)
			}
		}
		common(t, p, received, events)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Log(found)
}

// settledEvents returns how many events need nothing more.
func (f *forwarder) settledEvents() float64 {
	return f.events("sent") + f.events("dead") + f.events("unsendable") + f.events("unwanted") + f.events("withheld") + f.events("expired")
}

// decide decides about a planted event, and notes what was granted to whom.
func (w *world) decide(t testing.TB, p *planted) *schemas.Record {
	t.Helper()
	var d schemas.Decoder
	var e schemas.Event
	if _, err := d.Parse([]byte(p.body)); err != nil {
		t.Fatal(err)
	}
	if bad := d.Event(0, &e); bad != nil {
		return nil // an ad event without its placement
	}
	e.Time = time.Now()
	enforcer.Normalise(&e)
	table := w.table.Load()
	var v enforcer.Verdict
	table.Decide(table.Site("shop"), &e, &enforcer.Request{Now: e.Time}, nil, &v)
	p.agreed, p.grants = v.Purposes, map[string]enforcer.RecipientVerdict{}
	for _, rv := range v.Recipients {
		p.grants[table.Recipients[rv.Recipient]] = rv
	}
	for f := range (e.Fields & schemas.Identifiers).Each {
		p.stored = append(p.stored, w.keys.Pseudonyms(f, e.Get(f))...)
	}
	return new(enforcer.Projector).Record(w.keys, &e, &v, schemas.Allowed)
}

// mayHaveOwn reports whether the policy lets the recipient have an identifier as
// it came.
func mayHaveOwn(p *policy.Policy, recipient string, f schemas.Field) bool {
	return slices.Contains(p.Recipients[recipient].Identifiers, policy.Identifier(f))
}

// check holds what a recipient received against what was granted to it.
func (e *planted) check(t *testing.T, p *policy.Policy, recipient string, requests []string, found map[string]int) {
	t.Helper()
	verdict := e.grants[recipient]
	// Whatever Google is sent is analytics too.
	allowed := verdict.Outcome == schemas.Allowed && (recipient != "google" || e.agreed.Has(schemas.Analytics))
	has := func(text string) bool {
		return slices.ContainsFunc(requests, func(request string) bool { return strings.Contains(request, text) })
	}
	hasNumber := func(number string) bool {
		whole := regexp.MustCompile(`(^|[^0-9A-Za-z.])` + regexp.QuoteMeta(number) + `($|[^0-9A-Za-z.])`)
		return slices.ContainsFunc(requests, whole.MatchString)
	}
	if has(e.token()) && !allowed {
		t.Errorf("%s has an event that was not granted: %s", recipient, e.body)
	}
	for f, text := range e.values {
		granted := allowed && (verdict.Categories.Has(f.Definition().Category) || f == schemas.ID)
		kind := "text"
		switch {
		case f == schemas.URL:
			text = e.token()
		case schemas.Identifiers.Has(f) || f == schemas.ID || f == schemas.OrderID:
			granted, kind = granted && mayHaveOwn(p, recipient, f), "own"
		case f.Definition().Kind.Numeric():
			kind = "number"
		}
		if kind == "number" && hasNumber(text) || kind != "number" && has(text) {
			found[recipient+" "+kind]++
			if !granted {
				t.Errorf("%s has %s %q, which was not granted: %s", recipient, f, text, e.body)
			}
		}
		if schemas.Identifiers.Has(f) && has(strings.ToUpper(text)) && !granted {
			t.Errorf("%s has %s in capitals, which was not granted", recipient, f)
		}
	}
	if has(e.secret) {
		t.Errorf("%s has a query parameter or a fragment that the policy does not keep", recipient)
	}
	for _, stored := range e.stored {
		_, digits, _ := strings.Cut(stored, ".")
		if has(digits) {
			t.Errorf("%s has a pseudonym of the store", recipient)
		}
	}
	for name, text := range map[string]string{"plan": fmt.Sprintf("plan%dx", e.number), "items": fmt.Sprintf("6%d", 100000+e.number)} {
		category := p.Sites["shop"].Properties[name].Category
		identifies := category == schemas.TerminalIdentification || category == schemas.AdvertisementIdentifier || category == schemas.ResearchPanel
		there := has(text)
		if name == "items" {
			there = hasNumber(text)
		}
		if there && (!allowed || !verdict.Categories.Has(category) || identifies) {
			t.Errorf("%s has the property %s of %s, which was not granted", recipient, name, category)
		}
	}
	for _, request := range requests {
		if strings.Contains(request, e.token()) {
			e.checkFlags(t, recipient, request, found)
		}
	}
}

// checkFlags holds the vendors' own flags of the request that has the event
// against the verdict.
func (e *planted) checkFlags(t *testing.T, recipient, request string, found map[string]int) {
	t.Helper()
	verdict := e.grants[recipient]
	var body struct {
		Consent struct {
			UserData        string `json:"ad_user_data"`
			Personalization string `json:"ad_personalization"`
		} `json:"consent"`
		Data []map[string]any `json:"data"`
	}
	if err := json.NewDecoder(strings.NewReader(request)).Decode(&body); err != nil {
		t.Fatal(err)
	}
	granted := func(text string) bool { return text == "GRANTED" }
	if recipient == "google" {
		if granted(body.Consent.UserData) != verdict.AdUserData || granted(body.Consent.Personalization) != verdict.AdPersonalisation {
			t.Errorf("google is told %v, the verdict is %v, %v", body.Consent, verdict.AdUserData, verdict.AdPersonalisation)
		}
		found["google flags"]++
		return
	}
	for _, event := range body.Data {
		text, _ := json.Marshal(event)
		if !strings.Contains(string(text), e.token()) {
			continue
		}
		found[recipient+" flags"]++
		if recipient == "meta" {
			options, _ := json.Marshal(event["data_processing_options"])
			if strings.Contains(string(options), "LDU") != verdict.LimitedDataUse {
				t.Errorf("meta is told %s, the verdict is %v", options, verdict.LimitedDataUse)
			}
			continue
		}
		for name, want := range map[string]bool{
			"ad_user_data": verdict.AdUserData, "ad_personalization": verdict.AdPersonalisation, "limited_data_use": verdict.LimitedDataUse,
		} {
			if got, _ := event[name].(bool); got != want {
				t.Errorf("%s is told %s %v, the verdict is %v", recipient, name, got, want)
			}
		}
	}
}

// common finds texts that two recipients have both been sent and that could be
// identifiers: of which there is no more than one event's worth.
func common(t *testing.T, p *policy.Policy, received map[string][]string, events []*planted) {
	t.Helper()
	shared := map[string]bool{}
	for _, e := range events {
		for f, text := range e.values {
			both := 0
			for recipient := range received {
				if mayHaveOwn(p, recipient, f) {
					both++
				}
			}
			if !schemas.Identifiers.Has(f) && f != schemas.ID && f != schemas.OrderID || both > 1 {
				shared[strings.ToLower(text)] = true
			}
		}
	}
	texts := map[string]map[string]bool{}
	for recipient, requests := range received {
		texts[recipient] = map[string]bool{}
		for _, request := range requests {
			var body any
			if err := json.NewDecoder(strings.NewReader(request)).Decode(&body); err == nil {
				leaves(body, texts[recipient])
			}
		}
	}
	for a := range texts {
		for b := range texts {
			for text := range texts[a] {
				if a < b && texts[b][text] && couldIdentify(text) && !shared[text] && !isShown(text, events) {
					t.Errorf("%s and %s both have %q", a, b, text)
				}
			}
		}
	}
}

// leaves collects the texts of a JSON value.
func leaves(v any, into map[string]bool) {
	switch v := v.(type) {
	case string:
		into[strings.ToLower(v)] = true
	case []any:
		for _, item := range v {
			leaves(item, into)
		}
	case map[string]any:
		for _, item := range v {
			leaves(item, into)
		}
	}
}

// couldIdentify leaves out words of which there are few.
func couldIdentify(text string) bool {
	return len(text) >= 9 && strings.ContainsAny(text, "0123456789")
}

// isShown reports whether the text is one that recipients are shown as it is: an
// address or another field, or a property.
func isShown(text string, events []*planted) bool {
	for _, e := range events {
		if strings.Contains(text, e.token()) || strings.HasPrefix(text, fmt.Sprintf("plan%dx", e.number)) {
			return true
		}
	}
	return false
}
