package base64url

import "encoding/binary"

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
	return table
}()

// decodeGeneric decodes whole blocks, four characters at a time.
func decodeGeneric(dst []byte, s string, blocks int) bool {
	var seen byte
	for range blocks * (block / 4) {
		a, b, c, d := sextets[s[0]], sextets[s[1]], sextets[s[2]], sextets[s[3]]
		seen |= a | b | c | d
		binary.BigEndian.PutUint32(dst, uint32(a)<<26|uint32(b)<<20|uint32(c)<<14|uint32(d)<<8)
		dst, s = dst[3:], s[4:]
	}
	return seen&bad == 0
}
