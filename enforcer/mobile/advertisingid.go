package mobile

import (
	"fmt"
	"io"
)

// AdvertisingID is an advertising identifier: Apple's IDFA or Google's GAID
// (AAID). It does not print, whatever prints it; only the Append methods
// write it.
type AdvertisingID struct{ bytes [16]byte }

// advertisingIDLen is the length of 8-4-4-4-12 hexadecimal digits.
const advertisingIDLen = 36

// ParseAdvertisingID reads an identifier: a UUID with its hyphens, in either
// case, of any version, since the vendors promise none. The all-zero
// identifier parses, see [AdvertisingID.IsZero]; on error the result is zero.
func ParseAdvertisingID(s string) (AdvertisingID, error) {
	if len(s) != advertisingIDLen {
		return AdvertisingID{}, ErrAdvertisingID
	}
	var id AdvertisingID
	at := 0
	for i := range id.bytes {
		if isHyphenated(i) {
			if s[at] != '-' {
				return AdvertisingID{}, ErrAdvertisingID
			}
			at++
		}
		high, low := nibble(s[at]), nibble(s[at+1])
		if high > 15 || low > 15 {
			return AdvertisingID{}, ErrAdvertisingID
		}
		id.bytes[i] = high<<4 | low
		at += 2
	}
	return id, nil
}

// IsZero reports whether the identifier is all zeros, which phones give out
// instead of one that the user refused or deleted. It is no identifier: it
// must never be kept or joined on, and it is a refusal of advertising.
func (id AdvertisingID) IsZero() bool { return id == AdvertisingID{} }

// AppendIDFA appends the identifier as iOS writes it, in upper case.
func (id AdvertisingID) AppendIDFA(b []byte) []byte { return id.append(b, "0123456789ABCDEF") }

// AppendGAID appends the identifier as Android writes it, in lower case.
func (id AdvertisingID) AppendGAID(b []byte) []byte { return id.append(b, "0123456789abcdef") }

func (id AdvertisingID) append(b []byte, digits string) []byte {
	var text [advertisingIDLen]byte
	at := 0
	for i, c := range id.bytes {
		if isHyphenated(i) {
			text[at] = '-'
			at++
		}
		text[at], text[at+1] = digits[c>>4], digits[c&15]
		at += 2
	}
	return append(b, text[:]...)
}

// isHyphenated reports whether a hyphen stands before the i-th byte.
func isHyphenated(i int) bool { return i == 4 || i == 6 || i == 8 || i == 10 }

// nibble returns the value of a hexadecimal digit, more than 15 if it is none.
func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

const elided = "[advertising identifier]"

// Format, String, GoString, MarshalText and LogValue elide the identifier.
func (AdvertisingID) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, elided) }
func (AdvertisingID) String() string               { return elided }
func (AdvertisingID) GoString() string             { return elided }
func (AdvertisingID) MarshalText() ([]byte, error) { return []byte(elided), nil }
