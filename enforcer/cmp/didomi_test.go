package cmp

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const (
	didomiHead   = `{"user_id":"179f0a80-13b6-6f43-bdc8-01466f303eec","created":"2026-06-09T12:07:41.710Z","updated":"2026-06-09T12:08:00.000Z","version":2,`
	didomiSample = didomiHead + `"purposes":{"enabled":["cookies","measure_audience"],"disabled":["marketing-JLRqbtG8","geolocation_data"]},` +
		`"vendors":{"enabled":["google","c:mixpanel"],"disabled":["facebook"]},"vendors_li":{"enabled":["google"]},"ac":"AAAA"}`
)

func decodeDidomi(c *Choices, value string) error { return c.DecodeDidomi(value) }

// decodeDidomiJSON decodes the JSON of a token.
func decodeDidomiJSON(c *Choices, text string) error {
	return c.DecodeDidomi(base64.StdEncoding.EncodeToString([]byte(text)))
}

func TestDidomi(t *testing.T) {
	check := checkSaid(t, decodeDidomiJSON)
	check(didomiSample, "explicit +cookies +measure_audience -marketing-JLRqbtG8 -geolocation_data")
	check(didomiHead+`"purposes":{"disabled":["a","b"]}}`, "explicit -a -b")
	check(didomiHead+`"purposes":{"enabled":["a"]}}`, "explicit +a")
	check(didomiHead+`"purposes":{}}`, "explicit")
	check(didomiHead+`"version":2}`, "")
	check(`{}`, "")
	// Consent to purposes, but to nobody.
	check(didomiHead+`"purposes":{"enabled":["a"]},"vendors":{"enabled":[],"disabled":["google"]}}`, "explicit -a")
	check(didomiHead+`"vendors":{"disabled":["google"]},"purposes":{"enabled":["a"]}}`, "explicit -a")
	check(didomiHead+`"vendors":{"enabled":[]},"purposes":{"enabled":["a"]}}`, "explicit +a")
	// Legitimate interest is no consent.
	check(didomiHead+`"purposes_li":{"enabled":["a"]}}`, "")
}

func TestDidomiEncodings(t *testing.T) {
	check := checkSaid(t, decodeDidomi)
	text := `{"purposes":{"enabled":["a>?~é"]}}`
	want := "explicit +a>?~é"
	check(base64.StdEncoding.EncodeToString([]byte(text)), want)
	check(base64.RawStdEncoding.EncodeToString([]byte(text)), want)
	check(base64.URLEncoding.EncodeToString([]byte(text)), want)
	check(base64.RawURLEncoding.EncodeToString([]byte(text)), want)
	check(strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(text+" ")), "=", "%3D"), want)
	check(strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(text+"  ")), "=", "%3d"), want)
}

func TestDidomiRefuses(t *testing.T) {
	check := checkRefused(t, decodeDidomiJSON)
	check(``, ErrSyntax)
	check(`[]`, ErrSyntax)
	check(`{"purposes":{"enabled":["a"]}`, ErrSyntax)
	check(`{"purposes":{"enabled":["a"]}} {}`, ErrSyntax)
	check(`{"purposes":[]}`, ErrSyntax)
	check(`{"purposes":null}`, ErrSyntax)
	check(`{"purposes":{"enabled":"a"}}`, ErrSyntax)
	check(`{"purposes":{"enabled":null}}`, ErrSyntax)
	check(`{"purposes":{"enabled":[1]}}`, ErrSyntax)
	check(`{"purposes":{"enabled":[""]}}`, ErrSyntax)
	check(`{"purposes":{"enabled":["a"]},"vendors":{"enabled":[1]}}`, ErrSyntax)
	check(`{"purposes":{"enabled":["a"],"disabled":["a"]}}`, ErrDuplicate)
	check(`{"purposes":{"enabled":["a","a"]}}`, ErrDuplicate)
	check(`{"purposes":{"enabled":["a"],"enabled":["b"]}}`, ErrDuplicate)
	check(`{"purposes":{"enabled":["a"]},"purposes":{}}`, ErrDuplicate)
	check(`{"vendors":{},"purposes":{"enabled":["a"]},"vendors":{}}`, ErrDuplicate)
	check("{\"purposes\":{\"enabled\":[\"\xff\"]}}", ErrEncoding)
	check(`{"x":`+strings.Repeat("[", 1000)+`}`, ErrSyntax)
}

func TestDidomiRefusesEncodings(t *testing.T) {
	check := checkRefused(t, decodeDidomi)
	token := base64.StdEncoding.EncodeToString([]byte(`{"purposes":{"enabled":["a"]}}`))
	check("", ErrSyntax)
	check("1", ErrEncoding)
	check("=", ErrEncoding)
	check(token+"=", ErrEncoding)
	check(token[:len(token)-1], ErrEncoding)
	check(token[:len(token)-4], ErrSyntax)
	check(token[:len(token)-3], ErrEncoding)
	check(token[:20]+"\n"+token[20:], ErrEncoding)
	check(token[:20]+"\n\n\n\n"+token[20:], ErrEncoding)
	check(token[:20]+" "+token[20:], ErrEncoding)
	check(token+"====", ErrEncoding)
	check(token[:20]+"-_+/", ErrEncoding)
	check(token+"%3", ErrEncoding)
	check("e30x", ErrSyntax) // {}1
	check("eyB9fR==", ErrEncoding)
	check(strings.Repeat("e", MaxValue+1), ErrTooLong)
	// The compact form.
	check("CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ErrUnsupported)
	check("CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAA.BBBB~CCCC", ErrUnsupported)
	check("CQAA", ErrSyntax) // too short to tell
}

func TestDidomiMutations(t *testing.T) {
	type lists struct{ Enabled, Disabled []string }
	entitled := func(mutated, category string) bool {
		text, err := base64.StdEncoding.DecodeString(mutated)
		if err != nil {
			text, err = base64.URLEncoding.DecodeString(mutated)
		}
		var token struct{ Purposes, Vendors lists }
		if err != nil || json.Unmarshal(text, &token) != nil {
			return false
		}
		return slices.Contains(token.Purposes.Enabled, category)
	}
	for _, text := range []string{
		`{"purposes":{"enabled":["a"],"disabled":["b","c"]},"vendors":{"enabled":["g"],"disabled":["f"]}}`,
		`{"purposes":{"enabled":["a","b"]},"vendors":{"disabled":["f"],"enabled":[]}}`,
	} {
		checkMutations(t, decodeDidomi, base64.StdEncoding.EncodeToString([]byte(text)), entitled)
	}
}

func TestDidomiAllocatesNothing(t *testing.T) {
	token := base64.StdEncoding.EncodeToString([]byte(didomiSample))
	checkAllocations(t, decodeDidomi, token, strings.ReplaceAll(token, "=", "%3D"), token[:40], "!", "CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
}

func FuzzDidomi(f *testing.F) {
	f.Add(didomiSample)
	f.Fuzz(func(t *testing.T, text string) {
		fuzz(t, decodeDidomi, text)
		fuzz(t, decodeDidomiJSON, text)
	})
}

func BenchmarkDidomi(b *testing.B) {
	benchmark(b, decodeDidomi, base64.StdEncoding.EncodeToString([]byte(didomiSample)))
}
