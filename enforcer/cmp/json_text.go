package cmp

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string.
func (r *reader) text() string {
	if !r.take('"') {
		return ""
	}
	for start := r.i; r.i < len(r.s); r.i++ {
		switch b := r.s[r.i]; {
		case b == '"':
			r.i++
			return r.s[start : r.i-1]
		case b == '\\':
			return r.escaped(start)
		case b < 0x20:
			r.fail(ErrSyntax)
			return ""
		}
	}
	r.fail(ErrSyntax)
	return ""
}

// escaped reads the rest of a string that has escapes into the scratch.
func (r *reader) escaped(start int) string {
	from := len(r.c.scratch)
	b := append(r.c.scratch, r.s[start:r.i]...)
	for r.i < len(r.s) {
		c := r.s[r.i]
		r.i++
		switch {
		case c == '"':
			r.c.scratch = b
			return share(b[from:])
		case c == '\\':
			b = r.escape(b)
		case c < 0x20:
			r.fail(ErrSyntax)
		default:
			b = append(b, c)
		}
	}
	r.fail(ErrSyntax)
	return ""
}

func (r *reader) escape(b []byte) []byte {
	if r.i == len(r.s) {
		return b
	}
	c := r.s[r.i]
	r.i++
	switch c {
	case '"', '\\', '/':
		return append(b, c)
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'u':
		return utf8.AppendRune(b, r.codePoint())
	}
	r.fail(ErrSyntax)
	return b
}

// codePoint reads the digits of a \u escape, and a second one where the first
// is half of a pair. Half a pair alone is no text.
func (r *reader) codePoint() rune {
	c := r.hex()
	if utf16.IsSurrogate(c) {
		if r.i+1 >= len(r.s) || r.s[r.i] != '\\' || r.s[r.i+1] != 'u' {
			r.fail(ErrEncoding)
			return 0
		}
		r.i += 2
		if c = utf16.DecodeRune(c, r.hex()); c == utf8.RuneError {
			r.fail(ErrEncoding)
		}
	}
	return c
}

func (r *reader) hex() (c rune) {
	if r.i+4 > len(r.s) {
		r.fail(ErrSyntax)
		return 0
	}
	for _, digit := range []byte(r.s[r.i : r.i+4]) {
		n := nibble(digit)
		if n > 15 {
			r.fail(ErrSyntax)
			return 0
		}
		c = c<<4 | rune(n)
	}
	r.i += 4
	return c
}
