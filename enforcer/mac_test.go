package enforcer

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"
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
