package schemas

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// event returns a custom event with more members, which is valid without them.
func event(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"type":"custom","site":"shop","name":"x"` + members + `}`
}

func TestParse(t *testing.T) {
	check := func(body string, events int, want error) {
		t.Helper()
		var d Decoder
		got, err := d.Parse([]byte(body))
		if got != events || !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%.60q: got %d, %v; want %d, %v", body, got, err, events, want)
		}
		if want != nil && err != want {
			t.Errorf("%.60q: the error says more than %q", body, want)
		}
	}
	batch := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]" }

	check(`{}`, 1, nil)
	check(" \t\r\n{} \t\r\n", 1, nil)
	check(`[{}]`, 1, nil)
	check(`[1,null,"a"]`, 3, nil) // each is judged on its own
	check(batch(MaxBatch), MaxBatch, nil)
	check(batch(MaxBatch+1), 0, ErrTooMany)
	check("["+strings.TrimSuffix(strings.Repeat(pageview+",", MaxBatch), ",")+"]", MaxBatch, nil)
	check("["+strings.Repeat("1,", maxValues)+"1]", 0, ErrTooComplex)
	check("["+strings.Repeat("{},", maxValues/2)+"{}]", 0, ErrTooComplex)
	check("{"+strings.Repeat(`"":1,`, maxValues)+`"":1}`, 0, ErrTooComplex)
	check(`["`+strings.Repeat(",", 2*maxValues)+`"]`, 1, nil)
	check(`[]`, 0, ErrEmptyBatch)
	check(`[ ]`, 0, ErrEmptyBatch)
	for _, scalar := range []string{`null`, `true`, `false`, `1`, `"event"`} {
		check(scalar, 0, ErrNotEvents)
	}

	// What is not JSON.
	for _, body := range []string{
		``, ` `, `{`, `[`, `{"type"`, `{"type":`, `{"type":"page`, `{"type":"pageview"`, `[{}`, `[{},`,
		`{}{}`, `{},`, `[{}]]`, `}`, `{"a":1,}`, `[{},]`, `{a:1}`, `{'a':1}`, `// {}`, `{}//`, `{"a" 1}`, `{"a":1 "b":2}`,
		`nul`, `tru`, `undefined`, `NaN`, `Infinity`, `[NaN]`, `[nan]`, `[Infinity]`, `[-Infinity]`, `[inf]`,
		`[01]`, `[+1]`, `[.5]`, `[5.]`, `[1e]`, `[1e+]`, `[-]`, `[0x10]`, `[1_000]`, `[1-2]`,
		`["\x"]`, `["\u12"]`, `["\u12g4"]`, `["\"]`, `{"\x":1}`, "[\"\t\"]", "[\"\n\"]", "[\"\x00\"]", "{\"\x00\":1}",
		"[\"\x01 before an escape\\n\"]", "[\"\\", "[\"\\\x01\"]", "\x00", "{}\x00", "\v{}", "\u00a0{}", "\ufeff{}",
	} {
		check(body, 0, ErrNotJSON)
	}

	// What is not UTF-8: stray bytes, overlong forms, raw surrogates, beyond U+10FFFF.
	for _, bytes := range []string{"\x80", "\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"} {
		check(`["`+bytes+`"]`, 0, ErrNotUTF8)
		check(`{"`+bytes+`":1}`, 0, ErrNotUTF8)
	}

	// Nesting is counted outside strings only.
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	check(nested(maxDepth), 1, nil)
	check(nested(maxDepth+1), 0, ErrTooDeep)
	check(nested(100), 0, ErrTooDeep)
	check(strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100), 0, ErrTooDeep)
	check(strings.Repeat("[", 1<<20), 0, ErrTooDeep)
	check(`["`+strings.Repeat("[", 100)+`"]`, 1, nil)
	check(`["\"`+strings.Repeat("{", 100)+`\\"]`, 1, nil)
	check(`[`+strings.Repeat("[],", 100)+`[]]`, 101, nil)
}

func TestEvent(t *testing.T) {
	var d Decoder
	var e Event
	check := func(body, want string) {
		t.Helper()
		if _, err := d.Parse([]byte(body)); err != nil {
			t.Errorf("%.80s: %v", body, err)
			return
		}
		got := ""
		if bad := d.Event(0, &e); bad != nil {
			got = bad.Error()
		}
		if got != want {
			t.Errorf("%.80s:\n got %q\nwant %q", body, got, want)
		}
	}
	// What an event must be and have; fields' values are in testdata/events.
	for _, scalar := range []string{`null`, `true`, `1`, `"x"`, `[]`, `[{}]`} {
		check("["+scalar+"]", ": an event must be an object")
	}
	check(event(""), "")
	check(`{}`, "site: is required")
	check(`{"site":"shop"}`, "type: is required")
	check(`{"type":"pageview"}`, "site: is required")
	check(`{"site":"shop","type":"conversion"}`, "")
	check(`{"site":"shop","type":"consent"}`, "")
	check(`{"site":"shop","type":"pageview"}`, "url: is required for pageview")
	check(`{"site":"shop","type":"custom"}`, "name: is required for custom")
	check(`{"site":"shop","type":"ad_click"}`, "ad_placement: is required for ad_click")
	check(`{"site":"shop","type":"ad_impression"}`, "ad_placement: is required for ad_impression")

	// The first problem is the one that is reported.
	check(`{"site":1,"type":2}`, "site: must be a string")
	check(`{"type":2,"site":1}`, "type: must be a string")
	check(event(`"title":1,"url":2`), "title: must be a string")

	// Keys: escapes are read, what appears twice is refused, strangers too.
	check(`{"\u0074ype":"custom","s\u0069te":"shop","name":"x"}`, "")
	check(event(`"title":"a","title":"a"`), "title: appears twice")
	check(event(`"title":"a","t\u0069tle":"a"`), "title: appears twice")
	check(event(`"type":"pageview"`), "type: appears twice")
	check(event(`"properties":{},"properties":{}`), "properties: appears twice")
	check(event(`"properties":{"a":1,"\u0061":1}`), "properties.a: appears twice")
	check(event(`"plan":1`), "plan: is not a field of the schema")
	check(event(`"Title":"a"`), "Title: is not a field of the schema")
	check(event(`"e-mail":"a"`), "e-mail: is not a field of the schema")
	notName := `?: has a key that is not a name (at most 64 letters, digits and "_.-")`
	for _, key := range []string{``, ` `, `title `, `a@b`, `\u0000`, `ti\ntle`, `題名`, `\ud800`, `\"`, strings.Repeat("k", 65)} {
		check(event(`"`+key+`":1`), notName)
		check(event(`"properties":{"`+key+`":1}`), "properties."+notName)
	}
	check(event(`"`+strings.Repeat("k", 64)+`":1`), strings.Repeat("k", 64)+": is not a field of the schema")

	// Properties as a whole.
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"p%d":%d`, i, i)
		}
		return `"properties":{` + b.String()[1:] + `}`
	}
	check(event(members(MaxProperties)), "")
	check(event(members(MaxProperties+1)), "properties: must have at most 64 members")
	for _, value := range []string{`null`, `true`, `1`, `"x"`, `[]`} {
		check(event(`"properties":`+value), "properties: must be an object")
	}
}

// An event reports what of it was understood, and nothing of the event that
// was decoded into it before.
func TestEventReuse(t *testing.T) {
	var d Decoder
	var e Event
	decode := func(body string) *Invalid {
		t.Helper()
		if _, err := d.Parse([]byte(body)); err != nil {
			t.Fatal(err)
		}
		return d.Event(0, &e)
	}
	if bad := decode(pageview); bad != nil {
		t.Fatal(bad)
	}
	if bad := decode(`{"type":"ad_click","site":"shop","url":1}`); bad == nil {
		t.Fatal("a number passed as an address")
	}
	if e.Type != AdClick || e.Get(Site) != "shop" || e.Fields != SetOf(Type, Site) {
		t.Errorf("type %v, site %q, fields %v", e.Type, e.Get(Site), e.Fields.Names())
	}
	if len(e.Properties) != 0 || e.Consent != (Consent{}) || !e.Time.IsZero() || e.Get(VisitorID) != "" {
		t.Error("something of the event before is left")
	}
	if bad := decode(`{"site":"shop","type":"click"}`); bad == nil {
		t.Fatal("an unknown type passed")
	}
	if e.Type != 0 || e.Fields != SetOf(Site) {
		t.Errorf("type %v, fields %v", e.Type, e.Fields.Names())
	}
}

// The errors of a batch belong to its events, one by one.
func TestEventOfBatch(t *testing.T) {
	var d Decoder
	n, err := d.Parse([]byte("[" + event(`"title":"one"`) + `,{},` + event(`"title":"three"`) + "]"))
	if n != 3 || err != nil {
		t.Fatal(n, err)
	}
	var first, second, third Event
	if d.Event(0, &first) != nil || d.Event(1, &second) == nil || d.Event(2, &third) != nil {
		t.Error("the second event alone is invalid")
	}
	if first.Get(Title) != "one" || third.Get(Title) != "three" {
		t.Errorf("titles %q and %q", first.Get(Title), third.Get(Title))
	}
	if bad := d.Event(0, &first); bad != nil || first.Get(Title) != "one" {
		t.Error("an event cannot be decoded twice")
	}
}
