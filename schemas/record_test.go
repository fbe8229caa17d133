package schemas

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// randomRecord makes a record of a random event that fits the schema.
func (w writer) randomRecord(d *Decoder, r *Record) {
	for {
		if _, err := d.Parse([]byte(w.event())); err != nil {
			panic(err)
		}
		if d.Event(0, &r.Event) == nil {
			break
		}
	}
	if !r.Event.Fields.Has(ID) {
		r.Event.Set(ID, "0190163d-8694-739b-aea5-966c26f8ad91")
	}
	r.Event.Time = time.UnixMilli(w.Int64N(4e12)).UTC()
	r.Event.Set(Time, string(FormatTime(nil, r.Event.Time)))
	r.Event.Consent = Consent{} // does not travel
	r.Outcome, r.Reason = pick(w, Allowed, Anonymised), Reason(w.IntN(NumReasons))
	r.Policy, r.Jurisdiction, r.Purposes = pick(w, "2026-04-01", ""), pick(w, "jp", "us-ca", ""), Purposes(w.IntN(NumPurposeSets))
	r.Grants, r.PropertyCategories = nil, nil
	for i := range w.IntN(MaxRecipients + 1) {
		g := Grant{Recipient: "recipient-" + strconv.Itoa(i), Categories: Categories(w.IntN(int(AllCategories) + 1))}
		g.Flags = GrantFlags(w.IntN(int(allFlags) + 1))
		for f := range (OwnIdentifiers & r.Event.Fields & (FieldsIn(g.Categories) | envelope)).Each {
			if w.one(2) {
				g.Own = append(g.Own, OwnIdentifier{f, pick(w, "123.456", `a "b"`, "日本")})
			}
		}
		r.Grants = append(r.Grants, g)
	}
	for range r.Event.Properties {
		r.PropertyCategories = append(r.PropertyCategories, Category(w.IntN(NumCategories)))
	}
}

func equalRecords(a, b *Record) bool {
	x, y := *a, *b
	x.Event, y.Event = Event{}, Event{}
	x.Grants, y.Grants = copyGrants(a.Grants), copyGrants(b.Grants)
	x.PropertyCategories, y.PropertyCategories = append([]Category{}, a.PropertyCategories...), append([]Category{}, b.PropertyCategories...)
	return reflect.DeepEqual(x, y) && a.Event.Fields == b.Event.Fields && a.Event.text == b.Event.text &&
		a.Event.Type == b.Event.Type && a.Event.Time.Equal(b.Event.Time) && a.Event.Consent == b.Event.Consent &&
		reflect.DeepEqual(append([]Property{}, a.Event.Properties...), append([]Property{}, b.Event.Properties...))
}

func copyGrants(list []Grant) []Grant {
	out := append([]Grant{}, list...)
	for i := range out {
		out[i].Own = append([]OwnIdentifier{}, out[i].Own...)
	}
	return out
}

// What is written is JSON, and is read back as it was, by a decoder that has
// read other records before.
func TestRecordRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	w := writer{rand.New(rand.NewPCG(seed, 0))}
	var events Decoder
	var d RecordDecoder
	var written, read Record
	for range 2000 {
		w.randomRecord(&events, &written)
		value := written.AppendJSON([]byte("before"))
		value, ok := []byte(strings.TrimPrefix(string(value), "before")), strings.HasPrefix(string(value), "before")
		if !ok || !json.Valid(value) {
			t.Fatalf("seed %d: not JSON: %s", seed, value)
		}
		if err := d.Decode(value, &read); err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, value)
		}
		if !equalRecords(&written, &read) {
			t.Fatalf("seed %d: written\n%+v\nread\n%+v", seed, written, read)
		}
	}
}

func TestRecordJSON(t *testing.T) {
	r := Record{
		Outcome: Anonymised, Reason: ReasonSilent, Policy: "2026-04-01", Jurisdiction: "eu", Purposes: PurposesOf(Necessary, Social),
		Grants:             []Grant{{Recipient: "warehouse", Categories: AllCategories}, {Recipient: "ga4", Categories: CategoriesOf(UsageEnvironment, Location)}},
		PropertyCategories: []Category{Attribute, UsageHistory, ResearchPanel},
	}
	r.Event.Set(Type, "custom")
	r.Event.Set(Title, `a "b"`)
	r.Event.Set(Price, "1.50")
	r.Event.Properties = []Property{{"plan", PropertyText, "x\n"}, {"n", PropertyNumber, "1e3"}, {"ok", PropertyBool, "true"}}
	const want = `{"schema":1,"outcome":"anonymised","reason":"silent","policy":"2026-04-01","jurisdiction":"eu",` +
		`"purposes":["necessary","social"],"grants":{"warehouse":255,"ga4":5},"type":"custom","title":"a \"b\"","price":1.50,` +
		`"properties":{"plan":[1,"x\n"],"n":[3,1e3],"ok":[7,true]}}`
	if got := string(r.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A recipient is given the fields of its categories and what makes a record,
// whatever else the record has.
func TestRecordFor(t *testing.T) {
	seed := rand.Uint64()
	w := writer{rand.New(rand.NewPCG(seed, 0))}
	var events Decoder
	var r Record
	for range 500 {
		w.randomRecord(&events, &r)
		for _, g := range r.Grants {
			fields, categories, ok := r.For(g.Recipient)
			if !ok || categories != g.Categories {
				t.Fatalf("seed %d: %s: got %v, %v", seed, g.Recipient, categories, ok)
			}
			for f := Field(0); f < NumFields; f++ {
				granted := g.Categories.Has(f.Definition().Category) || f == ID || f == Type || f == Site || f == Time
				if want := granted && r.Event.Fields.Has(f); fields.Has(f) != want {
					t.Errorf("seed %d: %s of %v: got %v", seed, f, g.Categories, fields.Has(f))
				}
			}
		}
		for _, stranger := range []string{"", "recipient", "recipient-16", "Recipient-0"} {
			if fields, categories, ok := r.For(stranger); ok || fields != 0 || categories != 0 {
				t.Errorf("seed %d: %q is given %v", seed, stranger, fields.Names())
			}
		}
	}
}

func TestRecordDecode(t *testing.T) {
	const head = `{"schema":1,"outcome":"allowed","reason":"granted"`
	const envelope = `,"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"custom","site":"s","time":"2026-11-02T09:00:00Z"`
	check := func(value, want string) {
		t.Helper()
		var d RecordDecoder
		var r Record
		got := ""
		if err := d.Decode([]byte(value), &r); err != nil {
			got = strings.TrimPrefix(err.Error(), "cannot decode record: ")
		}
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", value, got, want)
		}
	}
	check(head+envelope+`}`, "")

	// Members that this version does not know are passed over.
	check(head+envelope+`,"later":{"a":[1]},"another":null,"":"x"}`, "")
	check(`{"later":1`+envelope+`,"reason":"granted","outcome":"anonymised","schema":1}`, "")

	// Pseudonyms and masked texts are not held to the limits of clients.
	check(head+envelope+`,"idfa":"k2026a.0123456789abcdef0123456789abcdef"}`, "")
	check(head+envelope+`,"user_agent":"`+strings.Repeat("x", 2000)+`","visitor_id":"","name":"[email]","url":"[url]"}`, "")
	check(head+envelope+`,"properties":{"p":[1,"`+strings.Repeat("x", MaxPropertyText+9)+`"]}}`, "")

	const not = "not a record of this schema"
	check(``, "the body is not JSON")
	check(`{`, "the body is not JSON")
	check("{\"\xff\":1}", "the body is not UTF-8")
	check(`[]`, not)
	check(`null`, not)
	check(`{}`, not+": it has no schema version")
	check(`{"schema":0}`, not+": it has no schema version")
	check(`{"schema":-1}`, not+": it has no schema version")
	check(`{"schema":"1"}`, not+": it has no schema version")
	check(`{"schema":1.0}`, not+": it has no schema version")
	check(`{"schema":1}`, not+": it does not say that it was let through")
	check(`{"schema":1,"outcome":"dropped"}`, not+": it does not say that it was let through")
	check(`{"schema":1,"outcome":"rejected"}`, not+": it does not say that it was let through")
	check(head+`}`, not+": id, type, site or time is missing")
	for _, f := range []Field{ID, Type, Site, Time} {
		check(head+strings.Replace(envelope, `"`+f.String()+`"`, `"x"`, 1)+`}`, not+": id, type, site or time is missing")
	}

	// A newer version is refused whatever it says, so that nothing is misread.
	const newer = not + ": its schema version is newer than this program's 1; upgrade the consumer"
	check(`{"schema":2}`, newer)
	check(`{"schema":2,"outcome":"delayed","title":{"text":"a"}}`, newer)
	check(strings.Replace(head, `"schema":1`, `"schema":2`, 1)+envelope+`}`, newer)
	check(`{"title":{"text":"a"},"schema":2}`, newer)

	check(head+envelope+`,"title":1}`, not+": title: must be a string")
	check(head+envelope+`,"price":"1"}`, not+": price: must be a number")
	check(head+envelope+`,"price":1e999}`, not+": price: must be a number from 0 to 1000000000000")
	check(head+envelope+`,"properties":{"p":[1,1e999]}}`, not+": a member is not what it should be")
	for _, number := range []string{`NaN`, `inf`, `1-2`, `+5`, `.5`} {
		check(head+envelope+`,"price":`+number+`}`, "the body is not JSON")
		check(head+envelope+`,"later":`+number+`}`, "the body is not JSON")
	}
	check(head+envelope+`,"title":"a\u0000"}`, not+": title: must be UTF-8 without control characters")
	for _, member := range []string{
		`"outcome":1`, `"outcome":"granted"`, `"reason":"because"`, `"reason":null`, `"policy":20260401`, `"jurisdiction":null`,
		`"purposes":{}`, `"purposes":"analytics"`, `"purposes":["analytics","marketing"]`, `"purposes":[1]`,
		`"grants":[]`, `"grants":{"a":256}`, `"grants":{"a":-1}`, `"grants":{"a":1.5}`, `"grants":{"a":"255"}`, `"grants":{"a":1},"grants":{"b":1}`,
		`"properties":[]`, `"properties":{"p":1}`, `"properties":{"p":[1]}`, `"properties":{"p":[1,2,3]}`, `"properties":{"p":[8,2]}`,
		`"properties":{"p":["1",2]}`, `"properties":{"p":[1,null]}`, `"properties":{"p":[1,{}]}`, `"properties":{"p":[1,"a\u0085"]}`,
	} {
		check(head+envelope+`,`+member+`}`, not+": a member is not what it should be")
	}
	grants := strings.Repeat(`"r":1,`, MaxRecipients)
	check(head+envelope+`,"grants":{`+strings.TrimSuffix(grants, ",")+`}}`, "")
	check(head+envelope+`,"grants":{`+grants+`"r":1}}`, not+": a member is not what it should be")
}

// Errors can be told apart, and a decoder goes on after one.
func TestRecordDecodeAfterError(t *testing.T) {
	var d RecordDecoder
	var r Record
	value := record(t).AppendJSON(nil)
	if err := d.Decode(value[:len(value)-1], &r); !errors.Is(err, ErrNotJSON) {
		t.Error(err)
	}
	if err := d.Decode(value, &r); err != nil || r.Event.Get(Site) != "shop.example" || len(r.Grants) != 2 {
		t.Error(err, r.Grants)
	}
	if err := d.Decode([]byte(`{"schema":1}`), &r); !errors.Is(err, errNotRecord) {
		t.Error(err)
	}
	if r.Event.Fields != 0 || len(r.Grants) != 0 || len(r.Event.Properties) != 0 {
		t.Error("something of the record before is left")
	}
}

// TestAppendString: it is what encoding/json reads as the same text, wherever in
// it something must be escaped, and after whatever it is appended to.
func TestAppendString(t *testing.T) {
	for n := range 40 {
		plain := strings.Repeat("abcdefghij", 4)[:n]
		texts := []string{plain, strings.Repeat("茶", n)}
		for at := range n {
			for _, c := range []string{`"`, `\`, "\n", "\r", "\t", "\x00", "\x1f"} {
				texts = append(texts, plain[:at]+c+plain[at+1:], plain[:at]+c+c+plain[at:])
			}
		}
		for _, text := range texts {
			for _, b := range [][]byte{nil, make([]byte, 3, 4), make([]byte, 3, 300)} {
				var got string
				out := AppendString(b, text)
				if err := json.Unmarshal(out[len(b):], &got); err != nil || got != text {
					t.Fatalf("%q is written as %s: %v", text, out[len(b):], err)
				}
			}
		}
	}
}
