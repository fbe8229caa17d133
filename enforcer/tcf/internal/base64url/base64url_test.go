package base64url

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// reference decodes with the standard library.
func reference(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") { // which it skips
		return nil, false
	}
	padded := strings.ReplaceAll(s, ".", "_") + strings.Repeat("A", slack*2+8)
	dst, err := base64.RawURLEncoding.DecodeString(padded[:len(padded)/4*4])
	if err != nil {
		return nil, false
	}
	return dst[:Size(len(s))], true
}

// compare compares every decoder there is on this machine with the reference.
func compare(t *testing.T, s string) {
	t.Helper()
	want, ok := reference(s)
	got := bytes.Repeat([]byte{0xA5}, Size(len(s))+1)
	dots := Dots{N: 3}
	if Decode(got, s, &dots) != ok {
		t.Fatalf("%q: accepted is %t", s, !ok)
	}
	if ok && !bytes.Equal(got[:len(want)], want) {
		t.Fatalf("%q:\ngot  %x\nwant %x", s, got, want)
	}
	if got[Size(len(s))] != 0xA5 {
		t.Fatalf("%q: written too far", s)
	}
	wantDots := dotsOf(s)
	if ok && !slices.Equal(dots.At[:dots.N], wantDots) {
		t.Fatalf("%q: dots at %v, want %v", s, dots.At[:dots.N], wantDots)
	}
	quads := len(s) / 4
	if decodeGeneric(got, s[:quads*4], &dots) != (strings.Trim(s[:quads*4], alphabet+".") == "") {
		t.Fatalf("%q: generic accepted is %t", s, !ok)
	}
	if n := quads * 3; ok && !bytes.Equal(got[:n], want[:n]) {
		t.Fatalf("%q:\ngot  %x generic\nwant %x", s, got[:n], want[:n])
	}
}

// dotsOf finds up to eight dots.
func dotsOf(s string) (at []uint16) {
	for i := range len(s) {
		if s[i] == '.' && len(at) < 8 {
			at = append(at, uint16(i))
		}
	}
	return at
}

// Each byte in each place of a block, and of what is less than a block.
func TestDecodeEachByteEverywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 4, 5, 31, 32, 33, 36, 41, 64, 71, 97} {
		s := make([]byte, n)
		for i := range s {
			s[i] = alphabet[random.IntN(64)]
		}
		for i := range s {
			kept := s[i]
			for c := range 256 {
				s[i] = byte(c)
				compare(t, string(s))
			}
			s[i] = kept
		}
	}
}

func TestDecodeLengths(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for n := range 300 {
		s := make([]byte, n)
		for i := range s {
			s[i] = alphabet[random.IntN(64)]
		}
		compare(t, string(s))
	}
}

// Dots in every number, and together.
func TestDecodeDots(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for n := range 150 {
		for range 20 {
			s := bytes.Repeat([]byte("A"), n)
			for range random.IntN(12) {
				if n > 0 {
					s[random.IntN(n)] = '.'
				}
			}
			compare(t, string(s))
		}
	}
	compare(t, strings.Repeat(".", 200))
	compare(t, strings.Repeat("A", MaxLength-1)+".")
}

func TestSize(t *testing.T) {
	check := func(n, want int) {
		t.Helper()
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %d, want %d", n, got, want)
		}
	}
	check(0, 11)
	check(1, 11)
	check(3, 11)
	check(4, 14)
	check(44, 44)
}

func FuzzDecode(f *testing.F) {
	f.Add("")
	f.Add("CQitFIAQitFIAEsACBENB5FgAAAAAAAAAAYgAAAAAAAA")
	f.Add("CQitFIAQitFIAEsACBENB5FgAAAAAAA+AAYgAAAAAAA=")
	f.Add("CQitFIAQitFIAEsACBENB5FgAAAAAAAAAAYgAAAAAAAA.IAAo")
	f.Fuzz(compare)
}

func BenchmarkDecode(b *testing.B) {
	s := strings.Repeat(alphabet, 32)
	dst := make([]byte, Size(len(s)))
	var dots Dots
	for _, n := range []int{44, 512, 2048} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if !Decode(dst, s[:n], &dots) {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkDecodeGeneric(b *testing.B) {
	s := strings.Repeat(alphabet, 32)
	dst := make([]byte, Size(len(s)))
	var dots Dots
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		decodeGeneric(dst, s, &dots)
	}
}
