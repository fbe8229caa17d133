package schemas

import (
	"strings"
	"testing"
	"time"
)

// TestFieldValue gives one value in JSON to one field of an event.
func TestFieldValue(t *testing.T) {
	var d Decoder
	var e Event
	decode := func(f Field, value string) *Invalid {
		t.Helper()
		body := `{"type":"conversion","site":"shop","` + f.String() + `":` + value + `}`
		if f == Site {
			body = `{"type":"conversion","site":` + value + `}`
		}
		if _, err := d.Parse([]byte(body)); err != nil {
			t.Fatalf("%s %.60s: %v", f, value, err)
		}
		return d.Event(0, &e)
	}
	good := func(f Field, value, want string) {
		t.Helper()
		if bad := decode(f, value); bad != nil || e.Get(f) != want || !e.Fields.Has(f) {
			t.Errorf("%s %.60s: got %q, %v; want %q", f, value, e.Get(f), bad, want)
		}
	}
	same := func(f Field, text string) { t.Helper(); good(f, `"`+text+`"`, text) }
	bad := func(f Field, value, want string) {
		t.Helper()
		if got := decode(f, value); got == nil || *got != (Invalid{f.String(), want}) {
			t.Errorf("%s %.60s: got %v; want %s", f, value, got, want)
		}
	}
	long := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }

	for _, value := range []string{`null`, `1`, `true`, `["a"]`, `{}`} {
		bad(Title, value, "must be a string")
		bad(ID, value, "must be a string")
		bad(Time, value, "must be a string")
	}
	for _, value := range []string{`null`, `"1"`, `true`, `[1]`, `{}`} {
		bad(Scroll, value, "must be a number")
		bad(Price, value, "must be a number")
	}

	// Text.
	const notText = "must be UTF-8 without control characters"
	good(Title, `""`, "")
	good(Title, `"秋の新刊 📚"`, "秋の新刊 📚")
	good(Title, `"\u79cb \ud83d\udcda \"\\\/"`, `秋 📚 "\/`)
	good(Title, `"\uD83D\uDCDA"`, "📚")
	good(Title, `"\u00a0\u2028\ufeff"`, "\u00a0\u2028\ufeff")
	good(Title, `"\\u0000"`, `\u0000`)
	good(Title, long(512), strings.Repeat("x", 512))
	bad(Title, long(513), "must be at most 512 bytes")
	bad(Title, `"`+strings.Repeat("本", 171)+`"`, "must be at most 512 bytes")
	for _, value := range []string{`\u0000`, `\u0001`, `\b`, `\t`, `\n`, `\f`, `\r`, `\u001f`, "\x7f", `\u007f`, `\u0080`, `\u009f`, "\u0085", "本\\n", "本\u0085"} {
		bad(Title, `"a`+value+`b"`, notText)
	}

	// Half of a surrogate pair is read as U+FFFD wherever it stands.
	good(Title, `"cut \ud83d"`, "cut \ufffd")
	good(Title, `"\udcda cut"`, "\ufffd cut")
	good(Title, `"\ud83d\ud83d\udcda"`, "\ufffd📚")
	good(Title, `"\udcda\ud83d"`, "\ufffd\ufffd")
	good(Title, `"\ud83dA\u0041"`, "\ufffdAA")
	good(Title, `"\ud83d\u0041"`, "\ufffdA")
	good(Title, `"\\ud83d"`, `\ud83d`)
	bad(VisitorID, `"v\ud83d"`, "must be printable ASCII without spaces")

	// Names, identifiers, ids and types.
	const notName = `must be letters, digits and "_.-"`
	same(Country, "JP")
	same(Language, "zh-Hant-TW")
	bad(Country, `"JPN"`, "must be at most 2 bytes")
	for _, value := range []string{`""`, `" "`, `"a b"`, `"a/b"`, `"名"`, `"a\u0000"`, `"a\n"`} {
		bad(AgeBand, value, notName)
		bad(Site, value, notName)
	}
	same(VisitorID, "!v1.~{}|")
	same(UserID, "taro@shop.example") // found and masked later; here it is printable ASCII
	for _, value := range []string{`""`, `"a b"`, `"a\u0000"`, `"é"`, `"a\u007f"`} {
		bad(VisitorID, value, "must be printable ASCII without spaces")
	}
	const notUUID = "must be a UUID, such as 0190163d-8694-739b-aea5-966c26f8ad91"
	same(ID, "0190163d-8694-739b-aea5-966c26f8ad91")
	same(ID, "0190163D-8694-739B-AEA5-966C26F8AD91")
	same(ID, "00000000-0000-0000-0000-000000000000")
	for _, text := range []string{
		"", "1", "0190163d8694739baea5966c26f8ad91", "{0190163d-8694-739b-aea5-966c26f8ad91}", "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad91",
		"0190163d-8694-739b-aea5-966c26f8ad9", "0190163d-8694-739b-aea5-966c26f8ad9g", "0190163d-8694-739b-aea5-966c26f8ad911",
		"0190163d_8694-739b-aea5-966c26f8ad91", "0190163d8-694-739b-aea5-966c26f8ad91",
	} {
		bad(ID, `"`+text+`"`, notUUID)
	}

	// Addresses.
	const notAddress = "must be an absolute http or https address without control characters or spaces"
	for _, text := range []string{"http://a", "https://shop.example/本?q=é#f", "https://[::1]:8080/", "HTTPS://Example.jp/", "Http://a", "hTtPs://本", "https://u:p@a/", "https://a/%zz"} {
		same(URL, text)
	}
	for _, text := range []string{
		"", "/", "//a/b", "a", "http:", "http://", "https:///a", "https://?q", "https://#f", "HTTPS:///a", "HTTPſ://a", "ſ://a", "HTTPSS://a", "ftp://a", "FTP://a", "javascript:alert(1)",
		"data:text/html,x", "https://a b", "https:// a", "https://a/\\n", "https://a/\\u0000", "https://a/\u0085", " https://a",
	} {
		bad(URL, `"`+text+`"`, notAddress)
	}
	bad(URL, `"https://`+strings.Repeat("a", 4089)+`"`, "must be at most 4096 bytes")

	// Whole numbers.
	const notScroll = "must be a whole number from 0 to 100"
	for value, want := range map[string]string{
		`0`: "0", `100`: "100", `-0`: "0", `1.0`: "1", `1e2`: "100", `1E+2`: "100", `10.00e1`: "100", `100e-2`: "1", `0e999`: "0", `-0.0`: "0",
	} {
		good(Scroll, value, want)
	}
	for _, value := range []string{`-1`, `101`, `1.5`, `1e-1`, `1e3`, `1e400`, `-1e400`, `99999999999999999999`, `100.5`, "1" + strings.Repeat("0", 31)} {
		bad(Scroll, value, notScroll)
	}
	bad(Scroll, "1"+strings.Repeat("0", 32), "must be at most 32 bytes")

	// Numbers; they stay as they were written.
	const notPrice = "must be a number from 0 to 1000000000000"
	for _, value := range []string{`0`, `19.90`, `1e3`, `1E-7`, `1000000000000`, `0.1000000000000000055511151231`} {
		good(Price, value, value)
	}
	for _, value := range []string{`-1`, `-0.01`, `1000000000000.1`, `1e13`, `1e308`, `1e309`, `-1e309`, `1e99999999999`} {
		bad(Price, value, notPrice)
	}
	bad(Price, `0.`+strings.Repeat("1", 31), "must be at most 32 bytes")
	bad(Price, `0.`+strings.Repeat("1", 1<<16), "must be at most 32 bytes")
}

func TestEventTime(t *testing.T) {
	good := func(text string, want time.Time) {
		t.Helper()
		var d Decoder
		var e Event
		if _, err := d.Parse([]byte(event(`"time":"` + text + `"`))); err != nil {
			t.Fatal(err)
		}
		if bad := d.Event(0, &e); bad != nil || !e.Time.Equal(want) || e.Get(Time) != text {
			t.Errorf("%s: got %v, %v; want %v", text, e.Time, bad, want)
		}
	}
	at := func(year int, month time.Month, day, hour, minute, second, nano int) time.Time {
		return time.Date(year, month, day, hour, minute, second, nano, time.UTC)
	}
	good("2026-11-02T09:00:00Z", at(2026, 11, 2, 9, 0, 0, 0))
	good("2026-11-02T09:00:00.5Z", at(2026, 11, 2, 9, 0, 0, 5e8))
	good("2026-11-02T09:00:00.123456789Z", at(2026, 11, 2, 9, 0, 0, 123456789))
	good("2026-11-02T09:00:00+09:00", at(2026, 11, 2, 0, 0, 0, 0))
	good("2026-11-02T09:00:00-00:00", at(2026, 11, 2, 9, 0, 0, 0))
	good("2026-11-02T09:00:00-23:59", at(2026, 11, 3, 8, 59, 0, 0))
	good("2024-02-29T23:59:59Z", at(2024, 2, 29, 23, 59, 59, 0))
	good("0000-01-01T00:00:00Z", at(0, 1, 1, 0, 0, 0, 0))
	good("9999-12-31T23:59:59.999Z", at(9999, 12, 31, 23, 59, 59, 999e6))

	for _, text := range []string{
		"", "now", "1730538000", "2026-11-02", "2026-11-02T09:00Z", "2026-11-02T09:00:00", "2026-11-02 09:00:00Z",
		"2026-11-02t09:00:00Z", "2026-11-02T09:00:00z", "2026-11-02T9:00:00Z", "2026-11-02T09:00:00,5Z", "2026-11-02T09:00:00.Z",
		"2026-11-02T09:00:00.1234567891Z", "2026-11-02T09:00:00+9:00", "2026-11-02T09:00:00+0900", "2026-11-02T09:00:00+24:00",
		"2026-11-02T09:00:00+09:60", "2026-11-02T09:00:00 Z", "2026-11-02T09:00:00Z ", "2026-11-02T09:00:00UTC",
		"2026-11-02T24:00:00Z", "2026-11-02T23:60:00Z", "2016-12-31T23:59:60Z", "2026-11-02T09:00:61Z",
		"2026-00-02T09:00:00Z", "2026-13-02T09:00:00Z", "2026-11-00T09:00:00Z", "2026-11-31T09:00:00Z", "2026-02-29T09:00:00Z",
		"12026-11-02T09:00:00Z", "-026-11-02T09:00:00Z", "+2026-11-02T09:00:00Z", "２026-11-02T09:00:00Z",
		"0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-W45-1T09:00:00Z",
	} {
		if bad := Check(Time, text); bad == nil || bad.Problem != "must be an RFC 3339 time with a zone, such as 2026-11-02T09:00:00Z" {
			t.Errorf("%q: got %v", text, bad)
		}
		if _, err := ParseTime(text); err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestPropertyValue(t *testing.T) {
	var d Decoder
	var e Event
	decode := func(value string) *Invalid {
		t.Helper()
		if _, err := d.Parse([]byte(event(`"properties":{"p":` + value + `}`))); err != nil {
			t.Fatalf("%.60s: %v", value, err)
		}
		return d.Event(0, &e)
	}
	good := func(value string, want Property) {
		t.Helper()
		want.Name = "p"
		if bad := decode(value); bad != nil || len(e.Properties) != 1 || e.Properties[0] != want {
			t.Errorf("%.60s: got %v, %v", value, e.Properties, bad)
		}
	}
	bad := func(value, want string) {
		t.Helper()
		if got := decode(value); got == nil || *got != (Invalid{"properties.p", want}) {
			t.Errorf("%.60s: got %v; want %s", value, got, want)
		}
	}
	good(`""`, Property{})
	good(`"a\"\u79cb"`, Property{Text: `a"秋`})
	good(`true`, Property{Kind: PropertyBool, Text: "true"})
	good(`false`, Property{Kind: PropertyBool, Text: "false"})
	for _, value := range []string{`0`, `-1.50`, `1e3`, `1.7976931348623157e308`, `12345678901234567890`} {
		good(value, Property{Kind: PropertyNumber, Text: value})
	}
	for _, value := range []string{`1e309`, `-1e309`, strings.Repeat("1", 33)} {
		bad(value, "must be a number that a float64 can hold, of at most 32 bytes")
	}
	for _, value := range []string{`null`, `[]`, `["a"]`, `{}`, `{"a":1}`} {
		bad(value, "must be a string, a number or a boolean")
	}
	good(`"`+strings.Repeat("x", MaxPropertyText)+`"`, Property{Text: strings.Repeat("x", MaxPropertyText)})
	bad(`"`+strings.Repeat("x", MaxPropertyText+1)+`"`, "must be at most 1024 bytes")
	bad(`"a\n"`, "must be UTF-8 without control characters")
	bad(`"\u0000"`, "must be UTF-8 without control characters")
}
