package tcf

import "encoding/binary"

// bitString is decoded text. At least eight bytes of zeros follow its last bit.
type bitString []byte

// peek returns the bits at a place, the first one highest. The first 57 are good.
// There are none beyond the zeros. (Written so that it has one check of bounds.)
func (b bitString) peek(pos uint) uint64 {
	at := int(pos >> 3)
	if at+8 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint64(b[at:at+8]) << (pos & 7)
}

// blank reports whether there are only zero bits from pos to end.
func (b bitString) blank(pos, end uint) bool {
	for ; pos+56 <= end; pos += 56 {
		if b.peek(pos)>>8 != 0 {
			return false
		}
	}
	return b.peek(pos)>>(64-(end-pos)) == 0
}

// header are the fields of the core segment that have fixed places.
type header [headBytes]byte

// field returns a field of at most 57 bits.
func (h *header) field(offset, width uint) uint64 {
	return binary.BigEndian.Uint64(h[offset>>3:]) << (offset & 7) >> (64 - width)
}
