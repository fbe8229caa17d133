package schemas

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestResetRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 2, 18, 0, 0, 123456789, time.FixedZone("", 9*3600))
	for f := range Identifiers.Each {
		written := Reset{Field: f, Hash: [16]byte{0: 0xab, 15: 1}, At: at, Pseudonyms: []string{"k1.00", "k2.ff"}}
		value := written.AppendJSON(nil)
		if !json.Valid(value) || string(written.Key()) != "ab000000000000000000000000000001" {
			t.Fatalf("key %s, value %s", written.Key(), value)
		}
		read, err := DecodeReset(value)
		written.At = at.UTC().Truncate(time.Millisecond)
		if err != nil || !reflect.DeepEqual(read, written) {
			t.Errorf("%v: written\n%+v\nread\n%+v", err, written, read)
		}
	}
	for _, revoked := range []bool{false, true} {
		written := Reset{Field: GA, Hash: [16]byte{15: 1}, At: at.UTC().Truncate(time.Millisecond), Pseudonyms: []string{"k1.00"}, Recipient: "google", Revoked: revoked}
		if key := string(written.Key()); key != "00000000000000000000000000000001.google" {
			t.Errorf("the key of an opt-out is %s", key)
		}
		if read, err := DecodeReset(written.AppendJSON(nil)); err != nil || !reflect.DeepEqual(read, written) {
			t.Errorf("%v: written\n%+v\nread\n%+v", err, written, read)
		}
	}
}

// A reset that is not understood is an error: to pass it over would be to
// forget it.
func TestResetRefused(t *testing.T) {
	const good = `{"schema":1,"kind":"visitor_id","hash":"ab000000000000000000000000000001","at":"2026-11-02T09:00:00Z","pseudonyms":["k1.00"],"later":1}`
	if _, err := DecodeReset([]byte(good)); err != nil {
		t.Fatal(err)
	}
	check := func(old, new string) {
		t.Helper()
		value := strings.Replace(good, old, new, 1)
		if got, err := DecodeReset([]byte(value)); err == nil || value == good {
			t.Errorf("%s: got %+v", value, got)
		}
	}
	check(`"schema":1`, `"schema":2`)
	check(`"schema":1,`, ``)
	check(`"visitor_id"`, `"cookie"`)
	check(`"visitor_id"`, `"url"`)
	check(`"visitor_id"`, `1`)
	check(`"ab00`, `"ab`)
	check(`"ab00`, `"ab0000`)
	check(`"ab00`, `"xy00`)
	check(`"at":"2026-11-02T09:00:00Z",`, ``)
	check(`2026-11-02`, `yesterday`)
	check(`["k1.00"]`, `"k1.00"`)
	check(`"later":1`, `"revoked":true`)
	check(good, `null`)
	check(`}`, ``)
}
