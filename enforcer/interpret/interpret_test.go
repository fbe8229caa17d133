package interpret

import (
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestKindOf(t *testing.T) {
	check := func(text string, want Kind) {
		t.Helper()
		if got, ok := KindOf(text); !ok || got != want {
			t.Errorf("%q: %v, %t, want %v", text, got, ok, want)
		}
	}
	check("CQitFIAQitFIAEsACBENB5FgAMAAAAAAAAYgF5wAQF5gAAAA", TCF)
	check("BOEFEAyOEFEAyAHABDENAIgAAAB9vABAASA", TCF) // version 1
	check("DBABLA~CVVqAAAAAACA.YA", GPP)
	check("1YNN", USPrivacy)
	check("1---", USPrivacy)
	check("G1--", GCS)
	check("13l3l3l3l1l1", GCD)
	check("1~", AdditionalConsent)
	check("2~1.2~dv.3", AdditionalConsent)
	check("isGpcEnabled=0&groups=C0001:1,C0002:0", OneTrust)
	check("{stamp:'a',necessary:true}", Cookiebot)
	check("%7Bstamp:%27a%27%2Cnecessary:true}", Cookiebot)
	check("eyJwdXJwb3NlcyI6e319", Didomi)
	check("consentid:abc,consent:yes,action:yes", CookieYes)
	check(`{"C0002":true}`, Segment)
	check(`{"services":[{"id":"a"}]}`, Usercentrics)
	check(`[{"templateId":"a"}]`, Usercentrics)
	for _, text := range []string{"", " ", "yes", "IAEMEAAA", "12"} {
		if kind, ok := KindOf(text); ok {
			t.Errorf("%q is taken for %v", text, kind)
		}
	}
}

func TestKindNames(t *testing.T) {
	for k := Kind(0); k < NumKinds; k++ {
		var back Kind
		if err := back.UnmarshalText([]byte(k.String())); err != nil || back != k || k.Title() == "" {
			t.Errorf("%d: %q, %q, %v, %v", k, k.String(), k.Title(), back, err)
		}
	}
	if new(Kind).UnmarshalText([]byte("cookie")) == nil {
		t.Error("an unknown kind is taken")
	}
}

// TestLines: every kind is told in words, and what refuses says so.
func TestLines(t *testing.T) {
	check := func(kind Kind, text string, want ...string) {
		t.Helper()
		m, err := Of(kind, text, now)
		if err != nil {
			t.Errorf("%v %q: %v", kind, text, err)
			return
		}
		got := strings.Join(m.Lines(), "\n")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%v %q lacks %q:\n%s", kind, text, w, got)
			}
		}
	}
	check(TCF, "CQitFIAQitFIAEsACBENB5FgAMAAAAAAAAYgF5wAQF5gAAAA", "consent: 1 store and read on the device, 2 select ads", "interest, not objected to: none", "not to be relied on")
	check(GPP, "DBABLA~CVVaAAAAAACA", "section 7, usnat", "SaleOptOut: opted out", "the user opted out")
	check(GPP, "DBABTA~1XXX", "malformed, which is a refusal: section 6 (uspv1)", "the user opted out")
	check(GPP, "DBAA", "no sections")
	check(GPP, "DBABMA~CQitFIAQitFIAEsACBENB5FgAMAAAAAAAAYgF5wAQF5gAAAA", "section 2, tcfeuv2", "consent: 1 store", "not to be relied on")
	check(USPrivacy, "1YYN", "opted out of the sale of personal information: yes")
	check(AdditionalConsent, "2~89~dv.5", "with consent: 89", "without consent: 5")
	check(GCS, "G101", "ad_storage: denied", "analytics_storage: granted")
	check(GCD, "11p1p1p1p5", "nothing is granted")
	check(OneTrust, "groups=C0002:1", "platform's defaults", "C0002 (usually performance)")
	check(Cookiebot, "-1", "Cookiebot: ")
	check(Didomi, "eyJwdXJwb3NlcyI6eyJlbmFibGVkIjpbImEiXSwiZGlzYWJsZWQiOlsiYiJdfX0", "a: granted", "b: refused")
	check(Usercentrics, `[{"templateId":"a","status":true,"type":"explicit"}]`, "a: granted")
	check(Segment, `{"C0002":false}`, "C0002 (usually performance): refused", "not named is refused")
	check(CookieYes, "consentid:abc,consent:no,action:yes,necessary:yes,analytics:no", "analytics: refused")
	check(ATT, "denied", "refused tracking")
	check(LimitAdTracking, "1", "limits ad tracking")
}

// TestRefused: no kind takes nonsense, and no error repeats it.
func TestRefused(t *testing.T) {
	const nonsense = "\x01nonsense~{"
	for k := Kind(0); k < NumKinds; k++ {
		if m, err := Of(k, nonsense, now); err == nil || m.Said != nil || strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%v: %v, %v", k, m.Said, err)
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, seed := range []string{"CQitFIAQitFIAEsACBENB5FgAMAAAAAAAAYgF5wAQF5gAAAA", "DBABMA~CQitFIAQitFIAEsACBENB5FgAMAAAAAAAAYgF5wAQF5gAAAA", "1YNN", "G111", "11t1t1t1t5", "2~1~dv.", `{"a":true}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for k := Kind(0); k < NumKinds; k++ {
			m, err := Of(k, text, now)
			if err == nil && (m.Said == nil || len(m.Lines()) == 0) {
				t.Errorf("%v %q says nothing", k, text)
			}
		}
		KindOf(text)
	})
}
