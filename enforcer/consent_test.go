package enforcer

import (
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
)

// FuzzConsentCookie: what is granted stands in the cookie by name, under a policy
// of a day that has come.
func FuzzConsentCookie(f *testing.F) {
	for _, seed := range []string{"", "1.2026-10-01.none", "1.2026-10-01.analytics+advertising+social", "1.2026-02-30.analytics", "1.9999-12-31.social", "1.2026-10-01.none+social", "2.2026-10-01.all"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		version, granted, ok := parseConsentCookie(value, now)
		if !ok {
			if granted != 0 {
				t.Errorf("%q is malformed and grants %v", value, granted.Names())
			}
			return
		}
		day, err := time.Parse(time.DateOnly, version)
		if err != nil || day.After(now.Add(24*time.Hour)) {
			t.Errorf("%q is of %q", value, version)
		}
		names := strings.Split(strings.TrimPrefix(value, "1."+version+"."), "+")
		if granted == 0 {
			names = names[1:]
		}
		if len(names) != len(granted.Names()) || granted&^schemas.OptionalPurposes != 0 {
			t.Errorf("%q grants %v", value, granted.Names())
		}
		for _, name := range names {
			var p schemas.Purpose
			if p.UnmarshalText([]byte(name)) != nil || !granted.Has(p) {
				t.Errorf("%q does not grant %s", value, name)
			}
		}
	})
}
