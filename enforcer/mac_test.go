package enforcer

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"

	"sekisho/schemas"
)

// TestMAC: it is HMAC-SHA-256, whatever the length.
func TestMAC(t *testing.T) {
	secret := []byte(strings.Repeat("s", MinSecret))
	key := hmac.New(sha256.New, secret)
	key.Write([]byte("use"))
	want := hmac.New(sha256.New, key.Sum(nil))
	m := newMAC(secret, "use")
	for n := range 400 {
		text := strings.Repeat("t", n)
		want.Reset()
		want.Write([]byte("\x07" + text))
		if got := m.sum(7, text); string(got[:]) != string(want.Sum(nil)) {
			t.Fatalf("of %d bytes: %x", n, got)
		}
	}
}

func BenchmarkPseudonym(b *testing.B) {
	keys, b0 := newKeys(b), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		keys.AppendPseudonym(b0, schemas.VisitorID, "aW52ZW50ZWQtaWQtZm9yLWE")
	}
}
