package schemas

import (
	"bytes"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape appends what a string stands for.
func unescape(b, raw []byte) []byte {
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(b, raw...)
		}
		b = append(b, raw[:n]...)
		length, r := escape(raw[n:])
		b = utf8.AppendRune(b, r)
		raw = raw[n+length:]
	}
}

// mend appends a string as it was written, but for halves of surrogate pairs.
func mend(b, raw []byte) []byte {
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(b, raw...)
		}
		b = append(b, raw[:n]...)
		length, r := escape(raw[n:])
		if r == unicode.ReplacementChar {
			b = append(b, `\ufffd`...)
		} else {
			b = append(b, raw[n:n+length]...)
		}
		raw = raw[n+length:]
	}
}

// escape returns the length of the escape sequence that s begins with, of both
// when it is a surrogate pair, and what it stands for; 0 when it is none. Half of
// a pair stands for U+FFFD, as with other JSON readers: a script that cuts a text
// inside an emoji sends one.
func escape(s []byte) (n int, r rune) {
	if len(s) < 2 {
		return 0, 0
	}
	switch c := s[1]; c {
	case '"', '\\', '/':
		return 2, rune(c)
	case 'b':
		return 2, '\b'
	case 'f':
		return 2, '\f'
	case 'n':
		return 2, '\n'
	case 'r':
		return 2, '\r'
	case 't':
		return 2, '\t'
	}
	r, ok := escaped(s)
	switch {
	case !ok:
		return 0, 0
	case !utf16.IsSurrogate(r):
		return 6, r
	}
	if low, ok := escaped(s[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != unicode.ReplacementChar {
			return 12, pair
		}
	}
	return 6, unicode.ReplacementChar
}

// escaped returns the UTF-16 code unit that s begins with as \uXXXX.
func escaped(s []byte) (unit rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}
