package consentmode

import (
	"encoding/json"
	"testing"
)

func TestDescribe(t *testing.T) {
	check := func(in, summary, firstMeaning string) {
		t.Helper()
		s, err := DecodeGCD(in)
		if err != nil {
			t.Fatal(err)
		}
		d := s.Describe()
		if d.Summary != summary || d.Types[AdStorage].Meaning != firstMeaning {
			t.Errorf("%s: %q, %q", in, d.Summary, d.Types[AdStorage].Meaning)
		}
	}
	unused := "consent mode is not in use, or nothing was set: neither consent nor refusal"
	check("13l3l3l3l1l1", unused, "not set")
	check("12l3l3l3l1l1", unused, "not set by the page; denied on Google's side")
	check("11p1p1p1p5", "nothing is granted", "denied by the page's default; no choice was made since")
	check("11t1t1t1t5", "what is set is granted", "granted by the page's default; no choice was made since")
	check("13r3q3q3q1l1", "partly granted, partly denied", "granted by an update, usually the user's choice")
	check("13u3q3q3q1l1", "nothing is granted", "denied by an update, usually the user's choice")
}

func TestDescribeJSON(t *testing.T) {
	s, err := DecodeGCS("G10-")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(s.Describe())
	if err != nil {
		t.Fatal(err)
	}
	none := `"default":"not set","update":"not set","implicit":"not set"`
	want := `{"in_use":true,"summary":"nothing is granted","types":[` +
		`{"type":"ad_storage","value":"denied",` + none + `,"meaning":"denied"},` +
		`{"type":"analytics_storage","value":"not set",` + none + `,"meaning":"not set"},` +
		`{"type":"ad_user_data","value":"not set",` + none + `,"meaning":"not set"},` +
		`{"type":"ad_personalization","value":"not set",` + none + `,"meaning":"not set"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUnknownNames(t *testing.T) {
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check(Value(9).String(), "unknown(9)")
	check(Type(9).String(), "unknown(9)")
	check(ErrForm.Error(), "consent mode value has an unknown form")
	check(ErrState.Error(), "consent mode value has an unknown state")
}
