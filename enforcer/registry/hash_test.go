package registry

import (
	"bytes"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
)

func testHasher(t testing.TB) *Hasher {
	t.Helper()
	h, err := NewHasher([]byte("a registry secret of 32 bytes..."))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The AES-256 examples of NIST SP 800-38B, appendix D.3.
func TestCMAC(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	message := unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	h, err := newHasher(unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"), "")
	if err != nil {
		t.Fatal(err)
	}
	check := func(length int, want string) {
		t.Helper()
		s := &scratch{message: message[:length]}
		h.cmac(s)
		if got := hex.EncodeToString(s.state[:]); got != want {
			t.Errorf("CMAC of %d bytes is %s, want %s", length, got, want)
		}
	}
	check(0, "028962f61b7bf89efc6b551f4667d983")
	check(16, "28a7023f452e8f82bd4bf28d8c37c35c")
	check(40, "aaf3d8f1de5640c232f5b169b9c911e6")
	check(64, "e1992190549f6ed5696a2c056c315410")
}

// Hashes outlive the process, in Kafka and in snapshots: they must not change.
func TestSumStays(t *testing.T) {
	h := testHasher(t)
	check := func(kind, id, want string) {
		t.Helper()
		b := h.Sum(kind, id).Bytes()
		if got := hex.EncodeToString(b[:]); got != want {
			t.Errorf("Sum(%q, %q) is %s, want %s", kind, id, got, want)
		}
		if HashFrom(b) != h.Sum(kind, id) {
			t.Errorf("Sum(%q, %q) is not the same from its bytes", kind, id)
		}
	}
	check("visitor_id", "123e4567-e89b-12d3-a456-426614174000", "19acc8e9fd4ac118c0940abc64ec4da3")
	check("ga", "1234567890.1600000000", "50a7a1b5e4fe369cdd1c7af5cc432f50")
	check("", "", "1ca3e66a7dfb7c6c3bfdbce59793dd11")
	if got, want := h.KeyID(), "f0397f3c4c9a7e79"; got != want {
		t.Errorf("KeyID is %s, want %s", got, want)
	}
}

func TestSumTellsApart(t *testing.T) {
	h := testHasher(t)
	other, err := NewHasher([]byte("another registry secret, 32 long"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(kind1, id1, kind2, id2 string) {
		t.Helper()
		if h.Sum(kind1, id1) == h.Sum(kind2, id2) {
			t.Errorf("(%q, %q) and (%q, %q) have the same hash", kind1, id1, kind2, id2)
		}
	}
	long := strings.Repeat("k", 300)
	check("idfa", "x", "gaid", "x")
	check("idfa", "x", "idfa", "y")
	check("idfa", "x", "idf", "ax")
	check("idfa", "x", "", "\x04idfax")
	check("idfa", "", "", "idfa")
	check("idfa", "x", "idfa", "x\x80")
	check("idfa", "x", "idfa", "x\x00")
	check(long, "x", long+"x", "")
	if h.Sum("idfa", "x") == other.Sum("idfa", "x") || h.KeyID() == other.KeyID() {
		t.Error("two secrets make the same hashes")
	}
}

func TestSecretTooShort(t *testing.T) {
	secret := bytes.Repeat([]byte("s"), MinSecret-1)
	if _, err := NewHasher(secret); err == nil || strings.Contains(err.Error(), string(secret)) {
		t.Errorf("a secret of %d bytes gives %v, want an error without the secret", len(secret), err)
	}
}

func TestSumIsSafeForConcurrentUse(t *testing.T) {
	h := testHasher(t)
	want := h.Sum("idfa", "x")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				h.Sum("visitor_id", "something else")
				if h.Sum("idfa", "x") != want {
					t.Error("another hash than before")
					return
				}
			}
		})
	}
	all.Wait()
}

func TestSumDoesNotAllocate(t *testing.T) {
	h := testHasher(t)
	id := strings.Repeat("i", 100)
	if n := testing.AllocsPerRun(1000, func() { h.Sum("visitor_id", id) }); n != 0 {
		t.Errorf("Sum allocates %v times", n)
	}
}
