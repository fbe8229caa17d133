package cmp

import (
	"encoding/json"
	"testing"
)

func TestDescribe(t *testing.T) {
	var c Choices
	if err := c.DecodeOneTrust("isGpcEnabled=1&interactionCount=1&groups=C0001:1,C0004:0,X:1", ""); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(c.Describe())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"platform":"OneTrust","summary":"the user granted a part","explicit":true,"gpc":true,"exhaustive":false,` +
		`"categories":[{"id":"C0001","usual":"strictly necessary","answer":"granted"},` +
		`{"id":"C0004","usual":"targeting","answer":"refused"},{"id":"X","answer":"granted"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDescribeSummary(t *testing.T) {
	var c Choices
	check := func(err error, summary, firstAnswer string) {
		t.Helper()
		d := c.Describe()
		if err != nil || d.Summary != summary || firstAnswer != "" && d.Categories[0].Answer != firstAnswer {
			t.Errorf("%v, %+v", err, d)
		}
	}
	byDefault := "granted by default, which counts as silence"
	check(c.DecodeCookiebot("-1"), "the platform's defaults, not the user's choice: neither consent nor refusal", byDefault)
	check(c.DecodeCookiebot("0"), "the platform's defaults, not the user's choice: what is refused is refused, the rest is silence", byDefault)
	check(c.DecodeSegment(`{}`), "the user granted nothing", "")
	check(c.DecodeSegment(`{"a":false}`), "the user granted nothing", "refused")
	check(c.DecodeSegment(`{"a":true}`), "the user granted everything that is named", "granted")
	check(c.DecodeUsercentrics(`[]`), "nothing is said of any category", "")
}

// A description outlives the Choices' next decode.
func TestDescribeCopies(t *testing.T) {
	var c Choices
	if err := c.DecodeSegment(`{"\u0061bc":true}`); err != nil {
		t.Fatal(err)
	}
	d := c.Describe()
	if err := c.DecodeSegment(`{"\u0078yz":true}`); err != nil {
		t.Fatal(err)
	}
	if d.Categories[0].ID != "abc" {
		t.Errorf("became %q", d.Categories[0].ID)
	}
}

func TestNames(t *testing.T) {
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check(Cookiebot.String(), "Cookiebot")
	check(CookieYes.String(), "CookieYes")
	check(Platform(99).String(), "unknown(99)")
	check(ErrDuplicate.Error(), "consent value says the same thing twice")
	check(Error(99).Error(), "unknown(99)")
	for e := ErrTooLong; e < numErrors; e++ {
		if e.Error() == "" {
			t.Errorf("error %d has no text", e)
		}
	}
}
