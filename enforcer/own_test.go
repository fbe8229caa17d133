package enforcer

import (
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// TestOwnLooks: an identifier goes out as it came only when it looks as its
// maker makes it.
func TestOwnLooks(t *testing.T) {
	check := func(f schemas.Field, want bool, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if isOwn(f, text) != want {
				t.Errorf("%s %q: want %v", f, text, want)
			}
		}
	}
	check(schemas.GA, true, "1116446470.1760000000", "1.2")
	check(schemas.GA, false, "", ".", "1.", ".2", "1", "1.2.3", "a.2", "taro@example.jp", "1.2 ", "09012345678.17600000001")
	check(schemas.FBP, true, "fb.1.1596403881668.1116446470", "fb.0.1596403881.AbC-_9", "fb.2.1596403881668.1116446470.AQEAAQMB")
	check(schemas.FBP, false, "", "fb.", "fb.1.", "fb.3.1596403881668.1", "fb.1.1.2", "fb.1.1596403881668", "fb.1.1596403881668.", "fb.1.1596403881668.a.",
		"fb.1.1596403881668.a.b.c", "fb.1.1596403881668.taro@example", "FB.1.1596403881668.1", "fb.1.15964038816681.1", "fb.1.abcdefghij.1")
	check(schemas.FBC, true, "fb.1.1554763741205.IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk")
	check(schemas.IDFA, true, "ea7583cd-a667-48bc-b806-42ecb2b48606")
	check(schemas.GAID, false, "", "taro", "ea7583cd-a667-48bc-b806-42ecb2b4860g", "ea7583cda66748bcb80642ecb2b48606")
	check(schemas.AppInstanceID, true, strings.Repeat("0f", 16))
	check(schemas.AppInstanceID, false, strings.Repeat("0g", 16), strings.Repeat("0f", 15), "")
	check(schemas.VisitorID, false, "1.2", "ea7583cd-a667-48bc-b806-42ecb2b48606")
	check(schemas.AdClickID, false, "CjwKCAjw_gclid_0123456789")
}

const ownEvent = `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"%","site":"shop","name":"buy","url":"https://shop.example.jp/","ga":"11.22","fbp":"fb.1.1596403881668.1116446470",
	"idfa":"ea7583cd-a667-48bc-b806-42ecb2b48606","visitor_id":"v1","user_id":"u1","ad_click_id":"gclid0123456789012","order_id":"o1","consent":`

// TestOwnIdentifiers: each recipient of the example has its own identifiers and
// no others, when consent covers them.
func TestOwnIdentifiers(t *testing.T) {
	table := exampleTable(t)
	check := func(kind, consent string, want map[string]string) {
		t.Helper()
		r := projectOwn(t, table, strings.Replace(ownEvent, "%", kind, 1)+consent+"}")
		got := map[string]string{}
		for i := range r.Grants {
			g := &r.Grants[i]
			for _, own := range g.Own {
				text := own.Text
				if schemas.Identifiers.Has(own.Field) {
					var ok bool
					if text, ok = ownKeys(t).Recipient(g.Recipient).Open(own.Field, own.Text); !ok {
						t.Errorf("%s cannot open %s", g.Recipient, own.Field)
					}
				}
				got[g.Recipient] += own.Field.String() + "=" + text + " "
			}
			if g.Recipient == policy.Store && (g.Own != nil || g.Flags != 0) {
				t.Errorf("the store has %v, %v", g.Own, g.Flags)
			}
		}
		for _, raw := range []string{"11.22", "1596403881668.1116446470", "ea7583cd-a667"} {
			if record := string(r.AppendJSON(nil)); strings.Contains(record, raw) {
				t.Errorf("%s stands in clear in %s", raw, record)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s %s: got %v, want %v", kind, consent, got, want)
		}
		for recipient := range want {
			if strings.TrimSpace(got[recipient]) != want[recipient] {
				t.Errorf("%s %s: %s has %q, want %q", kind, consent, recipient, got[recipient], want[recipient])
			}
		}
	}
	const meta = "id=0190163d-8694-739b-aea5-966c26f8ad91 fbp=fb.1.1596403881668.1116446470 idfa=ea7583cd-a667-48bc-b806-42ecb2b48606"
	check("pageview", `{"analytics":true,"advertising":true}`, map[string]string{"google": "ga=11.22"})
	check("conversion", `{"analytics":true,"advertising":true}`, map[string]string{"google": "ga=11.22", "meta": meta})
	check("conversion", `{"analytics":false,"advertising":true}`, map[string]string{"meta": meta}) // all that Google is sent is analytics too
	check("pageview", `{"analytics":true,"advertising":false}`, map[string]string{"google": "ga=11.22"})
	check("pageview", `{}`, nil)
}

// TestOwnFlags: the flags of the verdict travel with the grant.
func TestOwnFlags(t *testing.T) {
	table := exampleTable(t)
	check := func(event, consent string, google, meta schemas.GrantFlags) {
		t.Helper()
		r := projectOwn(t, table, strings.Replace(event, "%", "conversion", 1)+consent+"}")
		for recipient, want := range map[string]schemas.GrantFlags{"google": google, "meta": meta} {
			if g := r.Grant(recipient); g == nil || g.Flags != want {
				t.Errorf("%s: %s has %+v, want the flags %d", consent, recipient, g, want)
			}
		}
	}
	both := schemas.AdUserData | schemas.AdPersonalisation
	check(ownEvent, `{"analytics":true,"advertising":true}`, both, both)
	tracked := both | schemas.TrackingPermitted
	check(ownEvent, `{"analytics":true,"advertising":true,"att":"authorized"}`, tracked, tracked)
	check(ownEvent, `{"analytics":true,"advertising":true,"limit_ad_tracking":false}`, tracked, tracked)
	californian := strings.Replace(ownEvent, `"site":"shop"`, `"site":"travel","country":"US","region":"US-CA"`, 1)
	check(californian, `{"advertising":true}`, both, both)
	check(californian, `{}`, both|schemas.LimitedDataUse, both|schemas.LimitedDataUse)
}

func projectOwn(t *testing.T, table *Table, body string) *schemas.Record {
	t.Helper()
	var d schemas.Decoder
	var e schemas.Event
	if _, err := d.Parse([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if bad := d.Event(0, &e); bad != nil {
		t.Fatal(bad)
	}
	e.Time = time.Now()
	Normalise(&e)
	keys := ownKeys(t)
	var v Verdict
	table.Decide(table.Site(e.Get(schemas.Site)), &e, &Request{Now: time.Now()}, nil, &v)
	if r := new(Projector).Record(keys, &e, &v, schemas.Allowed); r != nil {
		return r
	}
	return &schemas.Record{}
}

func ownKeys(t *testing.T) *Keys {
	t.Helper()
	keys, err := NewKeys("k1", make([]byte, MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestSealed: only the recipient opens what is sealed for it, of that field, with
// the key of then.
func TestSealed(t *testing.T) {
	const id = "fb.1.1596403881668.1116446470"
	old := ownKeys(t)
	renewed, err := NewKeys("k2", []byte(strings.Repeat("n", MinSecret)), old)
	if err != nil {
		t.Fatal(err)
	}
	forgetful, err := NewKeys("k2", []byte(strings.Repeat("n", MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	sealed := string(old.appendSealed(nil, "meta", schemas.FBP, id))
	check := func(what string, k *Keys, recipient string, f schemas.Field, sealed string, want bool) {
		t.Helper()
		text, ok := k.Recipient(recipient).Open(f, sealed)
		if ok != want || ok && text != id {
			t.Errorf("%s: got %q, %v", what, text, ok)
		}
	}
	check("its recipient", old, "meta", schemas.FBP, sealed, true)
	check("after a rotation", renewed, "meta", schemas.FBP, sealed, true)
	check("when the key is gone", forgetful, "meta", schemas.FBP, sealed, false)
	check("another recipient", old, "google", schemas.FBP, sealed, false)
	check("another field", old, "meta", schemas.FBC, sealed, false)
	check("another key's id", renewed, "meta", schemas.FBP, "k2"+sealed[2:], false)
	for _, text := range []string{"", ".", "k1", "k1.", "k1.AAAA", "k1.!", id, sealed[:len(sealed)-1], sealed + "A", strings.ToLower(sealed)} {
		check(text, old, "meta", schemas.FBP, text, false)
	}
}

func BenchmarkSeal(b *testing.B) {
	keys, err := NewKeys("k1", make([]byte, MinSecret))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var sealed []byte
	for b.Loop() {
		sealed = keys.appendSealed(sealed[:0], "meta", schemas.FBP, "fb.1.1596403881668.1116446470")
	}
}
