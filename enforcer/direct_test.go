package enforcer

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// directIdentifiers are some of each kind, among them forms that fit names.
var directIdentifiers = []string{
	"taro.yamada@example.co.jp", "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "taro%2540example.com",
	"090-1234-5678", "+81-90-1234-5678", "０９０－１２３４－５６７８",
	"4111111111111111", "4111-1111-1111-1111",
	"123456789018", "1234-5678-9018",
	"DE89370400440532013000", "DE89-3704-0044-0532-0130-00",
	"203.0.113.77", "2001:db8::8a2e:370:7334",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}

var directNumbers = []string{"4111111111111111", "4.111111111111111e15", "4111111111111111.0", "123456789018", "1.23456789018E11"}

// TestDirectIdentifiersNeverPass puts direct identifiers wherever an event can
// have them, also in fields that are identifiers, with consent to everything and
// to nothing: no record has them in the clear.
func TestDirectIdentifiersNeverPass(t *testing.T) {
	table, keys := exampleTable(t), newKeys(t)
	tried := make(map[schemas.Kind]int)
	try := func(where, member, text string) (taken bool) {
		t.Helper()
		if !strings.HasPrefix(member, `"name":`) { // which a custom event must have
			member += `,"name":"n"`
		}
		for _, consent := range []string{"true", "false"} {
			var d schemas.Decoder
			if _, err := d.Parse([]byte(`{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"custom","site":"shop","consent":{"analytics":` + consent + `,"advertising":` + consent + `},` + member + `}`)); err != nil {
				t.Fatal(err)
			}
			e := new(schemas.Event)
			if d.Event(0, e) != nil {
				return false
			}
			Normalise(e)
			var v Verdict
			table.Decide(table.Site("shop"), e, &Request{Place: "JP"}, nil, &v)
			for _, form := range []schemas.Outcome{schemas.Allowed, schemas.Anonymised} {
				if r := new(Projector).Record(keys, e, &v, form); r != nil && strings.Contains(string(r.AppendJSON(nil)), text) {
					t.Errorf("%s lets %q pass when %v: %s", where, text, form, r.AppendJSON(nil))
				}
			}
		}
		return true
	}
	for _, text := range directIdentifiers {
		for f := schemas.Field(0); f < schemas.NumFields; f++ {
			d, value := f.Definition(), strconv.Quote(text)
			if always.Has(f) || d.Kind.Numeric() {
				continue
			}
			if d.Kind == schemas.KindURI {
				value = strconv.Quote("https://shop.example.jp/a/" + text + "?q=" + text + "#" + text)
			}
			if try(f.String(), `"`+f.String()+`":`+value, text) {
				tried[d.Kind]++
			}
		}
		try("a property", `"properties":{"plan":`+strconv.Quote(text)+`}`, text)
	}
	for _, number := range directNumbers {
		for f := schemas.Field(0); f < schemas.NumFields; f++ {
			if d := f.Definition(); d.Kind.Numeric() && try(f.String(), `"`+f.String()+`":`+number, number) {
				tried[d.Kind]++
			}
		}
		if !try("a number", `"properties":{"items":`+number+`}`, number) {
			t.Errorf("%s is no number", number)
		}
	}
	for _, k := range []schemas.Kind{schemas.KindIdentifier, schemas.KindName, schemas.KindURI, schemas.KindText, schemas.KindDecimal} {
		if tried[k] == 0 {
			t.Errorf("no field of kind %d was tried", k)
		}
	}
}

// TestClickIdentifiers: a click identifier in an address is an advertisement identifier
// as ad_click_id is, and passes no more than that.
func TestClickIdentifiers(t *testing.T) {
	for _, c := range []struct{ consent, url, referrer string }{
		{`"analytics":true,"advertising":true`, "https://shop.example.jp/?gclid=Ab1&page=2", "https://www.example.com/?fbclid=Cd2"},
		{`"analytics":true,"advertising":false`, "https://shop.example.jp/?gclid=%5Bclick%5D&page=2", "https://www.example.com/?fbclid=%5Bclick%5D"},
	} {
		r := recordOf(t, exampleTable(t), `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"pageview","site":"shop","consent":{`+c.consent+`},
			"url":"https://shop.example.jp/?gclid=Ab1&page=2","referrer":"https://www.example.com/?fbclid=Cd2","ad_click_id":"Ab1"}`)
		if url, referrer := r.Event.Get(schemas.URL), r.Event.Get(schemas.Referrer); url != c.url || referrer != c.referrer {
			t.Errorf("with %s the addresses are %s and %s", c.consent, url, referrer)
		}
		if passes := r.Event.Get(schemas.AdClickID) != ""; passes != (c.url == "https://shop.example.jp/?gclid=Ab1&page=2") {
			t.Errorf("with %s ad_click_id passes: %v", c.consent, passes)
		}
	}
}

// TestHostsOfAddresses: an IP address is one in a host, too, unless the site is there.
func TestHostsOfAddresses(t *testing.T) {
	p, err := policy.Parse(bytes.ReplaceAll(policy.Example, []byte("https://shop.example.jp"), []byte("http://10.0.0.5:8080")))
	if err != nil {
		t.Fatal(err)
	}
	r := recordOf(t, Compile(p), `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"pageview","site":"shop","consent":{"analytics":true},
		"url":"http://10.0.0.5:8080/tea","referrer":"http://203.0.113.77:8080/a"}`)
	if url, referrer := r.Event.Get(schemas.URL), r.Event.Get(schemas.Referrer); url != "http://10.0.0.5:8080/tea" || referrer != "http://_ip_:8080/a" {
		t.Errorf("the addresses are %s and %s", url, referrer)
	}
	if err := schemas.Check(schemas.Referrer, r.Event.Get(schemas.Referrer)); err != nil {
		t.Error(err)
	}
}

// TestNumbersThatPass: amounts, times and measures are no identifiers.
func TestNumbersThatPass(t *testing.T) {
	table, keys := exampleTable(t), newKeys(t)
	for _, number := range []string{"0", "-1", "1.5", "1e3", "0.4111111111111111", "4111.111111111111", "1760000000", "1760000000123", "99999999999"} {
		e := decode(t, `{"type":"custom","name":"n","site":"shop","country":"JP","consent":{"analytics":true},"properties":{"items":`+number+`}}`)
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{}, nil, &v)
		if r := new(Projector).Record(keys, e, &v, schemas.Allowed); len(r.Event.Properties) != 1 || r.Event.Properties[0].Text != number {
			t.Errorf("%s does not pass as it is", number)
		}
	}
}

// TestSchemesInCapitals: an address whose scheme is in capitals is one, and is kept
// with the scheme that all look for.
func TestSchemesInCapitals(t *testing.T) {
	r := recordOf(t, exampleTable(t), `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"pageview","site":"shop","consent":{"analytics":true},"url":"HTTPS://Shop.example.jp/A?utm_source=B","referrer":"Http://Search.example/C"}`)
	if got := r.Event.Get(schemas.URL); got != "https://Shop.example.jp/A?utm_source=B" {
		t.Errorf("the address is %s", got)
	}
	if got := r.Event.Get(schemas.Referrer); got != "http://Search.example/C" {
		t.Errorf("the referrer is %s", got)
	}
}
