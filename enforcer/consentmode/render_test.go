package consentmode

import "testing"

// renderGCS and renderGCD write a State as Google does, for comparing.
func renderGCS(s State) string {
	const digits = "-01"
	return "G1" + string(digits[s[AdStorage].Value]) + string(digits[s[AnalyticsStorage].Value])
}

func renderGCD(s State) string {
	const letters = "lmn?pqr?tuv"
	b := []byte{'1'}
	for _, setting := range s {
		b = append(b, '1'+byte(setting.Implicit), letters[4*setting.Default+setting.Update])
	}
	return string(b)
}

// newGrants reports whether now grants what before did not.
func newGrants(before, now State) bool {
	for t := range now {
		if now[t].Value == Granted && before[t].Value != Granted {
			return true
		}
	}
	return false
}

// mutate calls try with every string that differs from s in one byte, is one
// byte shorter, or is one byte longer.
func mutate(s string, try func(string)) {
	for i := range len(s) {
		try(s[:i] + s[i+1:])
		for c := range 256 {
			if byte(c) != s[i] {
				try(s[:i] + string([]byte{byte(c)}) + s[i+1:])
			}
		}
	}
	for i := range len(s) + 1 {
		for c := range 256 {
			try(s[:i] + string([]byte{byte(c)}) + s[i:])
		}
	}
}

// allocationFree fails the test if f allocates.
func allocationFree(t *testing.T, what string, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(100, f); n != 0 {
		t.Errorf("%s allocates %v times", what, n)
	}
}
