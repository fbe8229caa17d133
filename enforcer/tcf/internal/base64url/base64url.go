// Package base64url turns base64url text into bits, many characters at a time.
//
// It differs from the standard library where consent strings do: any number of
// characters is text, since what they carry is bits and not bytes; what is
// beyond the last character reads as zero bits; and dots, which part segments,
// are let through with six bits of their own, so that one pass does for all
// segments and bit b of character i is always bit 6i+b. The pass notes where they are.
package base64url

import (
	"encoding/binary"
	"unsafe"
)

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

// MaxLength is the longest text that [Decode] takes, in characters.
const MaxLength = 1 << 16

// Dots are where the dots of a text are: the first eight, if there are more.
type Dots struct {
	N  int
	At [8]uint16
}

// Decode writes the bits of s, the first being the highest of dst[0], notes its
// dots, and reports whether all of s is in the alphabet A-Z a-z 0-9 - _ or a dot.
// Otherwise dst holds nothing of use. dst must have [Size](len(s)) bytes.
func Decode(dst []byte, s string, dots *Dots) bool {
	dst = dst[:Size(len(s))]
	quads := len(s) &^ 3
	var ok bool
	if hasAVX2 && quads >= block {
		ok = decodeAVX2(unsafe.SliceData(dst), unsafe.StringData(s), quads, dots)
	} else {
		ok = decodeGeneric(dst, s[:quads], dots)
	}

	// Up to three characters are left, then zeros.
	var last uint64
	for i := quads; i < len(s); i++ {
		v := sextets[s[i]]
		ok = ok && v != bad
		last |= uint64(v) << 58 >> (6 * uint(i&3))
		if s[i] == '.' {
			dots.add(i)
		}
	}
	end := (*[3 + slack]byte)(dst[quads/4*3:])
	binary.BigEndian.PutUint64(end[:8], last)
	binary.BigEndian.PutUint32(end[7:], 0)
	return ok
}

func (d *Dots) add(at int) {
	if d.N < len(d.At) {
		d.At[d.N] = uint16(at)
		d.N++
	}
}
