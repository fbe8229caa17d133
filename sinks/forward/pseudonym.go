package forward

import (
	"encoding/binary"
	"encoding/hex"
)

// Pseudonym stands for one identifier with one recipient, and leads back to it
// for nobody but who has the deployment's secret. Vendors want identifiers of
// different shapes; whichever is made of it, it is always the same for the same
// identifier.
type Pseudonym [32]byte

// Hex returns 32 hexadecimal digits, lower case.
func (p Pseudonym) Hex() string { return hex.EncodeToString(p[:16]) }

// UUID returns a UUID of version 8 (RFC 9562, section 5.8).
func (p Pseudonym) UUID() string {
	u := [16]byte(p[:16])
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	b := make([]byte, 0, 36)
	for i, part := range [...][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, u[part[0]:part[1]])
	}
	return string(b)
}

// Numbers returns two numbers of 31 bits, neither zero in practice, as vendors
// make client ids of.
func (p Pseudonym) Numbers() (a, b uint32) {
	return binary.BigEndian.Uint32(p[:4]) >> 1, binary.BigEndian.Uint32(p[4:8]) >> 1
}
