// Package base64url turns base64url text into bits, many characters at a time.
//
// It differs from the standard library where consent strings do: any number of
// characters is text, since what they carry is bits and not bytes, and what is
// beyond the last character reads as zero bits.
package base64url

import "unsafe"

const (
	// block is how many characters are decoded at a time, 32 of them to 24 bytes.
	block      = 32
	blockBytes = block / 4 * 3

	// The fast decoder stores 16 bytes where 12 are meant.
	slack = 8
)

// Size returns how many bytes [Decode] needs, and fills, for n characters:
// six bits each, zeros to the end of the block, and at least eight bytes of
// zeros, so that eight bytes may be read wherever a decoded bit is.
func Size(n int) int { return (n+block-1)/block*blockBytes + slack }

// Decode writes the bits of s, the first being the highest of dst[0], and
// reports whether all of s is in the alphabet A-Z a-z 0-9 - _. Otherwise dst
// holds nothing of use. dst must have [Size](len(s)) bytes.
func Decode(dst []byte, s string) bool {
	dst = dst[:Size(len(s))]
	ok := true
	if blocks := len(s) / block; blocks > 0 {
		ok = decodeBlocks(dst, s, blocks)
		dst, s = dst[blocks*blockBytes:], s[blocks*block:]
	}
	if s != "" {
		last := [block]byte([]byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
		copy(last[:], s)
		ok = decodeBlocks(dst, unsafe.String(&last[0], block), 1) && ok
		dst = dst[blockBytes:]
	}
	clear(dst)
	return ok
}
