package base64url

import "strings"

// bad marks what is not a character of the alphabet.
const bad = 0x80

// sextets has the value of each character, or bad.
var sextets = func() (table [256]byte) {
	for i := range table {
		table[i] = bad
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(alphabet) {
		table[alphabet[i]] = byte(i)
	}
	table['.'] = 63
	return table
}()

// decodeGeneric decodes a multiple of four characters.
func decodeGeneric(dst []byte, s string, dots *Dots) bool {
	dots.find(s)
	var seen byte
	for len(s) >= 4 && len(dst) >= 3 {
		a, b, c, d := sextets[s[0]], sextets[s[1]], sextets[s[2]], sextets[s[3]]
		seen |= a | b | c | d
		dst[0], dst[1], dst[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		dst, s = dst[3:], s[4:]
	}
	return seen&bad == 0
}

// find is all dots of a text, or the first of many.
func (d *Dots) find(s string) {
	d.N = 0
	for from := 0; d.N < len(d.At); d.N++ {
		i := strings.IndexByte(s[from:], '.')
		if i < 0 {
			return
		}
		d.At[d.N] = uint16(from + i)
		from += i + 1
	}
}
