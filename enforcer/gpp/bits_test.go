package gpp

import (
	"strings"
	"testing"
)

// encodeBits writes zeros and ones as base64, padded to whole characters.
func encodeBits(bits string) string {
	bits = strings.ReplaceAll(bits, " ", "")
	var b strings.Builder
	for len(bits) > 0 {
		var v int
		for i := range 6 {
			v <<= 1
			if i < len(bits) && bits[i] == '1' {
				v++
			}
		}
		b.WriteByte(alphabet[v])
		bits = bits[min(6, len(bits)):]
	}
	return b.String()
}

func TestReader(t *testing.T) {
	r, err := newReader(encodeBits("101 0000000000000000000000000000000000000000000000000000011 1"))
	if err != 0 {
		t.Fatal(err)
	}
	check := func(width int, want uint64) {
		t.Helper()
		if peeked, got := r.peek(width), r.take(width); got != want || peeked != want {
			t.Errorf("got %b, peeked %b, want %b", got, peeked, want)
		}
	}
	check(3, 0b101)
	check(55, 0b11)
	check(1, 1)
	if r.short || r.left() != 1 {
		t.Errorf("short %v, left %d", r.short, r.left())
	}
	check(2, 0)
	if !r.short || r.left() != 0 {
		t.Errorf("short %v, left %d", r.short, r.left())
	}
	check(56, 0)
}

func TestReaderRefusesCharacters(t *testing.T) {
	for c := range 256 {
		_, err := newReader("A" + string([]byte{byte(c)}))
		if good := strings.IndexByte(alphabet, byte(c)) >= 0; good != (err == 0) {
			t.Errorf("%q: %v", rune(c), err)
		}
	}
}

func TestFibonacciCode(t *testing.T) {
	check := func(bits string, want uint32, left string) {
		t.Helper()
		r, _ := newReader(encodeBits(bits))
		got := r.code()
		if rest := len(strings.ReplaceAll(bits, " ", "")) - r.pos; got != want || want != 0 && rest != len(left) {
			t.Errorf("%s: got %d with %d left, want %d with %d", bits, got, rest, want, len(left))
		}
	}
	check("11", 1, "")
	check("011", 2, "")
	check("0011", 3, "")
	check("1011", 4, "")
	check("00011", 5, "")
	check("10011", 6, "")
	check("01011", 7, "")
	check("000011", 8, "")
	check("100011", 9, "")
	check("010011", 10, "")
	check("001011", 11, "")
	check("101011", 12, "")
	check("00000011", 21, "")
	check("11 11 011", 1, "11011")
	check("111", 1, "1")
	check("0000000000000000000000 11", 46368, "")
	check("1010101010101010101010 11", 75024, "") // the largest that is accepted
	check("00000000000000000000000 11", 0, "")
	check("", 0, "")
	check("1", 0, "")
	check("10101", 0, "")
	check("0000000000000000000000000000000000000", 0, "")
}

func TestEnd(t *testing.T) {
	check := func(bits string, want Error) {
		t.Helper()
		r, _ := newReader(encodeBits(bits))
		r.skip(3)
		if got := r.end(); got != want {
			t.Errorf("%q: got %v, want %v", bits, got, want)
		}
	}
	check("", ErrTruncated)
	check("111", 0)
	check("111 100", ErrPadding)
	check("111 000 000000 000000 000000", 0)
	check("111 000 000000 000000 000001", ErrPadding)
	check("111 000 000000 000000 000000 000000", ErrPadding)
}

func TestFlags(t *testing.T) {
	check := func(bits string, numbers ...uint8) {
		t.Helper()
		r, _ := newReader(encodeBits(bits))
		got, want := r.flags(len(bits)), Flags(0)
		for _, n := range numbers {
			want |= 1 << (n - 1)
		}
		if got != want {
			t.Errorf("%s: got %b, want %b", bits, got, want)
		}
	}
	check("")
	check("1", 1)
	check("0100001", 2, 7)
	check("100000000000000000000000000000011000000000000000000000000000001", 1, 32, 33, 63)
	if f := Flags(1<<64 - 1); f.Has(0) || !f.Has(1) || !f.Has(64) || f.Has(65) {
		t.Error("flags are numbered from 1")
	}
}
