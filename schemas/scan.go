package schemas

import (
	"unicode"
	"unicode/utf16"
)

// Limits of a body, checked before it is parsed.
const (
	// maxDepth is how deep it may be nested: an array of events with objects
	// of objects.
	maxDepth = 8
	// maxValues is about how many values it may have: a full batch with 130 in
	// each event. One takes the parser 100 bytes and the client two.
	maxValues = 1 << 17
)

// scan looks for what the parser lets pass: too deep a nesting, too many values,
// raw control characters in strings (RFC 8259, section 7), and escaped halves of
// surrogate pairs. A script that cuts a text inside an emoji sends such a half;
// it is read as U+FFFD, as other JSON readers do, so scan returns a copy with
// that in its place, and otherwise the body itself.
//
// It also refuses misspelt literals, of which the parser would make an error
// many times as large as the body.
func (d *Decoder) scan(body []byte) ([]byte, error) {
	depth, values, repaired := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			values++
			if depth++; depth > maxDepth {
				return nil, ErrTooDeep
			}
		case '}', ']':
			depth--
		case ',':
			if values++; values > maxValues {
				return nil, ErrTooComplex
			}
		case 't', 'f', 'n':
			n := literal(body[i:])
			if n == 0 {
				return nil, ErrNotJSON
			}
			i += n - 1
		case '"':
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] < 0x20 {
					return nil, ErrNotJSON
				}
				if body[i] != '\\' {
					continue
				}
				n, half := escape(body[i:])
				if half {
					if !repaired {
						d.repaired, repaired = append(d.repaired[:0], body...), true
					}
					copy(d.repaired[i:], `\ufffd`)
				}
				i += n - 1
			}
		}
	}
	if repaired {
		return d.repaired, nil
	}
	return body, nil
}

// literal returns the length of the literal that s begins with, or 0.
func literal(s []byte) int {
	for _, word := range [...]string{"true", "false", "null"} {
		if len(s) >= len(word) && string(s[:len(word)]) == word {
			return len(word)
		}
	}
	return 0
}

// escape returns the length of the escape sequence that s begins with, of both
// when it is a surrogate pair, and whether it is half of one. What is no
// escape sequence is the parser's to refuse.
func escape(s []byte) (n int, half bool) {
	r := escaped(s)
	if !utf16.IsSurrogate(r) {
		return 2, false
	}
	if utf16.DecodeRune(r, escaped(s[6:])) != unicode.ReplacementChar {
		return 12, false
	}
	return 6, true
}

// escaped returns the UTF-16 code unit that s begins with as \uXXXX, or 0.
func escaped(s []byte) (unit rune) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0
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
			return 0
		}
		unit = unit<<4 | rune(c)
	}
	return unit
}
