package schemas

import (
	"encoding/binary"
	"math/bits"
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

// scan refuses what is not JSON to the letter (RFC 8259), since the parser is
// lenient, and what is nested too deeply or has too many values. It returns the
// body, or a copy in which escaped halves of surrogate pairs are mended: a
// script that cuts a text inside an emoji sends such a half; it is read as
// U+FFFD, as other JSON readers do.
func (d *Decoder) scan(body []byte) ([]byte, error) {
	s := scanner{body: body, decoder: d}
	if err := s.document(); err != nil {
		return nil, err
	}
	if s.repaired {
		return d.repaired, nil
	}
	return body, nil
}

// scanner goes once over a body.
type scanner struct {
	body     []byte
	at       int
	depth    int
	objects  uint // a bit a level, the innermost last: whether it is an object
	values   int
	repaired bool
	decoder  *Decoder
}

// document scans one value and what may stand around it.
func (s *scanner) document() error {
	for {
		if err := s.value(); err != nil {
			return err
		}
		if more, err := s.next(); !more || err != nil {
			return err
		}
	}
}

// value scans a value, of an array or object only the beginning, down to the
// first value that is none of both, or to an empty one.
func (s *scanner) value() error {
	for {
		switch c := s.peek(); c {
		case '{', '[':
			s.values++
			if s.depth++; s.depth > maxDepth {
				return ErrTooDeep
			}
			s.at++
			s.objects <<= 1
			if c == '{' {
				s.objects |= 1
			}
			if s.peek() == c+2 { // '{' and '}', '[' and ']' are two apart
				return nil
			}
			if c == '{' && !s.key() {
				return ErrNotJSON
			}
			continue
		case '"':
			if s.text() {
				return nil
			}
		case 't', 'f', 'n':
			n := literal(s.body[s.at:])
			s.at += n
			if n > 0 {
				return nil
			}
		default:
			if s.number() {
				return nil
			}
		}
		return ErrNotJSON
	}
}

// next scans from the end of a value to the beginning of the next one, if there
// is more.
func (s *scanner) next() (more bool, err error) {
	for s.depth > 0 {
		inObject := s.objects&1 != 0
		switch c := s.peek(); {
		case c == ',':
			if s.values++; s.values > maxValues {
				return false, ErrTooComplex
			}
			s.at++
			if inObject && !s.key() {
				return false, ErrNotJSON
			}
			return true, nil
		case c == '}' && inObject, c == ']' && !inObject:
			s.at++
			s.depth--
			s.objects >>= 1
		default:
			return false, ErrNotJSON
		}
	}
	if s.peek(); s.at < len(s.body) {
		return false, ErrNotJSON
	}
	return false, nil
}

// peek passes over white space and returns the byte after it, 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.body) {
		switch c := s.body[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// key scans a member's name and the colon.
func (s *scanner) key() bool {
	if s.peek() != '"' || !s.text() || s.peek() != ':' {
		return false
	}
	s.at++
	return true
}

// text scans a string, which must be closed and have no raw control characters
// (section 7).
func (s *scanner) text() bool {
	for i := s.at + 1; ; {
		i += plain(s.body[i:])
		switch {
		case i >= len(s.body) || s.body[i] < 0x20:
			return false
		case s.body[i] == '"':
			s.at = i + 1
			return true
		}
		n, half := escape(s.body[i:])
		if half {
			s.mend(i)
		}
		if n == 0 {
			return false
		}
		i += n
	}
}

// mend replaces half of a surrogate pair in a copy of the body.
func (s *scanner) mend(at int) {
	d := s.decoder
	if !s.repaired {
		d.repaired, s.repaired = append(d.repaired[:0], s.body...), true
	}
	copy(d.repaired[at:], `\ufffd`)
}

// plain returns how many bytes there are before the first control character,
// quotation mark or backslash, looking at eight at a time.
func plain(b []byte) (n int) {
	const each = 0x0101010101010101
	for ; n+8 <= len(b); n += 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		quotes, slashes := w^(each*'"'), w^(each*'\\')
		// The lowest bit that is set belongs to the first such byte; a byte
		// after it may be found in error.
		found := ((w - each*0x20) &^ w) | ((quotes - each) &^ quotes) | ((slashes - each) &^ slashes)
		if found &= each * 0x80; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for ; n < len(b) && b[n] >= 0x20 && b[n] != '"' && b[n] != '\\'; n++ {
	}
	return n
}

// number scans a number (section 6).
func (s *scanner) number() bool {
	if s.byte('-'); s.byte('0') {
		// No digit may follow, and none does in what comes after a value.
	} else if !s.digits() {
		return false
	}
	if s.byte('.') && !s.digits() {
		return false
	}
	if s.byte('e') || s.byte('E') {
		if !s.byte('+') {
			s.byte('-')
		}
		return s.digits()
	}
	return true
}

// byte passes over the byte if it is next.
func (s *scanner) byte(c byte) bool {
	if s.at < len(s.body) && s.body[s.at] == c {
		s.at++
		return true
	}
	return false
}

// digits passes over digits and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.body) && s.body[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at > start
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
// when it is a surrogate pair, and whether it is half of one; 0 when it is no
// escape sequence.
func escape(s []byte) (n int, half bool) {
	if len(s) < 2 {
		return 0, false
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, false
	}
	r, ok := escaped(s)
	switch {
	case !ok:
		return 0, false
	case !utf16.IsSurrogate(r):
		return 6, false
	}
	if low, ok := escaped(s[6:]); ok && utf16.DecodeRune(r, low) != unicode.ReplacementChar {
		return 12, false
	}
	return 6, true
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
