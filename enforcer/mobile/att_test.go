package mobile

import (
	"errors"
	"strings"
	"testing"

	"sekisho/schemas"
)

func TestDecodeATT(t *testing.T) {
	check := func(in string, want ATT, answer schemas.Answer) {
		t.Helper()
		got, err := DecodeATT(in)
		if err != nil || got != want || got.Answer() != answer {
			t.Errorf("DecodeATT(%q) = %v, %v; answer %v", in, got, err, got.Answer())
		}
	}
	check("0", NotDetermined, schemas.Refused)
	check("1", Restricted, schemas.Refused)
	check("2", Denied, schemas.Refused)
	check("3", Authorized, schemas.Granted)
	check("notDetermined", NotDetermined, schemas.Refused)
	check("restricted", Restricted, schemas.Refused)
	check("denied", Denied, schemas.Refused)
	check("authorized", Authorized, schemas.Granted)
}

func TestDecodeATTRefuses(t *testing.T) {
	for _, in := range []string{"", "4", "-1", "03", "3 ", " 3", "Authorized", "AUTHORIZED", "authorised", "true", "\x03", "3\x00"} {
		got, err := DecodeATT(in)
		if !errors.Is(err, ErrATT) || got.Answer() != schemas.Refused {
			t.Errorf("DecodeATT(%q) = %v, %v", in, got, err)
		}
	}
	if ATT(7).Answer() != schemas.Refused {
		t.Error("a number that is no status grants")
	}
}

func TestDecodeLimitAdTracking(t *testing.T) {
	check := func(in string, want schemas.Answer, wantErr bool) {
		t.Helper()
		got, err := DecodeLimitAdTracking(in)
		if got.Answer() != want || errors.Is(err, ErrLimitAdTracking) != wantErr {
			t.Errorf("DecodeLimitAdTracking(%q) = %v, %v", in, got, err)
		}
	}
	check("1", schemas.Refused, false)
	check("true", schemas.Refused, false)
	check("0", schemas.Silent, false)
	check("false", schemas.Silent, false)
	check("", schemas.Refused, true)
	check("2", schemas.Refused, true)
	check("00", schemas.Refused, true)
	check("False", schemas.Refused, true)
	check("null", schemas.Refused, true)
}

// One changed byte makes no grant, except that it may make the digit 3.
func TestMutatedATTGrantsNothingByAccident(t *testing.T) {
	for _, in := range []string{"0", "1", "2", "notDetermined", "restricted", "denied"} {
		for i := range len(in) {
			for c := range 256 {
				mutated := in[:i] + string([]byte{byte(c)}) + in[i+1:]
				if a, err := DecodeATT(mutated); err == nil && a.Answer() == schemas.Granted && mutated != "3" {
					t.Errorf("%q from %q grants", mutated, in)
				}
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	check := func(d Description, want string) {
		t.Helper()
		if !strings.Contains(d.Meaning, want) || d.Signal == "" || d.Value == "" {
			t.Errorf("%+v does not say %q", d, want)
		}
	}
	check(NotDetermined.Describe(), "refused until they agree")
	check(Restricted.Describe(), "advertising is refused")
	check(Denied.Describe(), "the user refused")
	check(Authorized.Describe(), "the user agreed")
	check(ATT(9).Describe(), "not a status")
	check(LimitAdTracking(true).Describe(), "advertising is refused")
	check(LimitAdTracking(false).Describe(), "this is no consent")
	check(AdvertisingID{}.Describe(), "identifies nobody")
	check(AdvertisingID{bytes: [16]byte{1}}.Describe(), "identifies the device")
}

func FuzzDecodeATT(f *testing.F) {
	f.Add("3")
	f.Fuzz(func(t *testing.T, in string) {
		a, err := DecodeATT(in)
		if a.Answer() == schemas.Granted && (err != nil || in != "3" && in != "authorized") {
			t.Errorf("%q grants", in)
		}
		if err == nil && in != a.String() && in != string([]byte{'0' + byte(a)}) {
			t.Errorf("%q is taken for %s", in, a)
		}
	})
}

func BenchmarkDecodeATT(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeATT("authorized"); err != nil {
			b.Fatal(err)
		}
	}
}
