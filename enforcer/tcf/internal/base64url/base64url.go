// Package base64url turns base64url text into bits, many characters at a time.
//
// It differs from the standard library where consent strings do: any number of
// characters is text, since what they carry is bits and not bytes; what is
// beyond the last character reads as zero bits; and dots, which part segments,
// are let through with six bits of their own, so that one pass does for all
// segments and bit b of character i is always bit 6i+b.
package base64url

const (
	// block is how many characters are decoded at a time, 32 of them to 24 bytes.
	block      = 32
	blockBytes = block / 4 * 3

	// slack is how many bytes of zeros follow.
	slack = 8
)

// Size returns how many bytes [Decode] needs, and fills, for n characters: six
// bits each, and then at least eight bytes of zeros, so that eight bytes may be
// read wherever a bit is.
func Size(n int) int { return n/4*3 + 3 + slack }

// Decode writes the bits of s, the first being the highest of dst[0], and
// reports whether all of s is in the alphabet A-Z a-z 0-9 - _ or a dot.
// Otherwise dst holds nothing of use. dst must have [Size](len(s)) bytes.
func Decode(dst []byte, s string) bool {
	dst = dst[:Size(len(s))]
	quads := len(s) &^ 3
	ok := decodeQuads(dst, s[:quads])
	dst = dst[quads/4*3:]

	// Up to three characters are left, then zeros.
	var last uint32
	for i := quads; i < len(s); i++ {
		v := sextets[s[i]]
		ok = ok && v != bad
		last |= uint32(v) << (26 - 6*(i-quads))
	}
	dst[0], dst[1], dst[2] = byte(last>>24), byte(last>>16), byte(last>>8)
	*(*[slack]byte)(dst[3:]) = [slack]byte{}
	return ok
}
