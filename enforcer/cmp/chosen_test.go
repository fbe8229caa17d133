package cmp

import (
	"encoding/base64"
	"testing"
)

// TestChosen: when the user chose, of the values that tell; a time that is none
// is refused, and so is a second one.
func TestChosen(t *testing.T) {
	var c Choices
	check := func(name string, decode func() error, want int64, refused bool) {
		t.Helper()
		if err := decode(); (err != nil) != refused || c.Chosen != want {
			t.Errorf("%s: chosen at %d, %v; want %d, refused %t", name, c.Chosen, err, want, refused)
		}
	}
	const at = 1_760_000_000_000 // 2025-10-09T08:53:20Z
	oneTrust := func(closed string) func() error {
		return func() error { return c.DecodeOneTrust("groups=C0001:1", closed) }
	}
	check("OneTrust", oneTrust("2025-10-09T08:53:20.000Z"), at, false)
	check("OneTrust, encoded", oneTrust("2025-10-09T08%3A53%3A20Z"), at, false)
	check("OneTrust without a time", oneTrust(""), 0, false)
	check("OneTrust, no such month", oneTrust("2025-13-09T08:53:20Z"), 0, true)
	check("OneTrust, the epoch", oneTrust("1970-01-01T00:00:00Z"), 0, true)
	check("OneTrust, no time", oneTrust("yesterday"), 0, true)

	cookiebot := func(utc string) func() error {
		return func() error {
			return c.DecodeCookiebot("{stamp:'a',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit'" + utc + "}")
		}
	}
	check("Cookiebot", cookiebot(",utc:1760000000000"), at, false)
	check("Cookiebot without a time", cookiebot(""), 0, false)
	check("Cookiebot, negative", cookiebot(",utc:-1"), 0, true)
	check("Cookiebot, zero", cookiebot(",utc:0"), 0, true)
	check("Cookiebot, quoted", cookiebot(",utc:'1760000000000'"), 0, true)
	check("Cookiebot, too large", cookiebot(",utc:99999999999999999999"), 0, true)
	check("Cookiebot, twice", cookiebot(",utc:1760000000000,utc:1760000000001"), 0, true)

	didomi := func(members string) func() error {
		return func() error {
			return c.DecodeDidomi(base64.StdEncoding.EncodeToString([]byte("{" + members + `"purposes":{"enabled":["a"]}}`)))
		}
	}
	check("Didomi", didomi(`"updated":"2025-10-09T08:53:20.000Z",`), at, false)
	check("Didomi without a time", didomi(""), 0, false)
	check("Didomi, no time", didomi(`"updated":"now",`), 0, true)
	check("Didomi, no text", didomi(`"updated":1760000000000,`), 0, true)
	check("Didomi, twice", didomi(`"updated":"2025-10-09T08:53:20Z","updated":"2025-10-09T08:53:20Z",`), 0, true)
}
