package cmp

import (
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep JSON may be nested.
const maxDepth = 16

// reader reads JSON (RFC 8259), and nothing that only resembles it: a lenient
// parser would turn a refusal it misread into silence. Its first failure sticks
// and ends every loop; [reader.end] tells of it.
//
//	r.begin('{')
//	for r.more('}') {
//		switch r.key() {
//		case "id":
//			id = r.text()
//		default:
//			r.skip()
//		}
//	}
type reader struct {
	c      *Choices // its scratch takes texts with escapes
	s      string
	i      int
	depth  int
	fresh  bool // nothing was read yet of the innermost object or array
	failed Error
}

// read begins to read JSON.
func (c *Choices) read(s string) reader {
	r := reader{c: c, s: s}
	switch {
	case len(s) > MaxValue:
		r.fail(ErrTooLong)
	case !utf8.ValidString(s):
		r.fail(ErrEncoding)
	}
	return r
}

// fail ends reading. An e of zero is no failure.
func (r *reader) fail(e Error) {
	if e != 0 && r.failed == 0 {
		r.failed, r.i = e, len(r.s)
	}
}

// end expects nothing more.
func (r *reader) end() Error {
	if r.peek(); r.i != len(r.s) {
		r.fail(ErrSyntax)
	}
	return r.failed
}

// peek returns the next byte that is not white space, 0 at the end.
func (r *reader) peek() byte {
	for ; r.i < len(r.s); r.i++ {
		switch b := r.s[r.i]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

func (r *reader) take(b byte) bool {
	if r.peek() != b || r.i == len(r.s) {
		r.fail(ErrSyntax)
		return false
	}
	r.i++
	return true
}

// begin enters an object or an array.
func (r *reader) begin(open byte) {
	r.take(open)
	if r.depth++; r.depth > maxDepth {
		r.fail(ErrSyntax)
	}
	r.fresh = true
}

// more reports whether the object or array has another member, and leaves it
// when not. The caller reads the member, or skips it.
func (r *reader) more(end byte) bool {
	if r.failed != 0 {
		return false
	}
	if r.peek() == end {
		r.i++
		r.depth--
		r.fresh = false
		return false
	}
	if !r.fresh && !r.take(',') {
		return false
	}
	r.fresh = false
	return true
}

func (r *reader) key() string {
	key := r.text()
	r.take(':')
	return key
}

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

// boolean reads true or false.
func (r *reader) boolean() bool {
	if r.peek() == 't' {
		r.literal("true")
		return r.failed == 0
	}
	r.literal("false")
	return false
}

func (r *reader) literal(word string) {
	if len(r.s)-r.i < len(word) || r.s[r.i:r.i+len(word)] != word {
		r.fail(ErrSyntax)
		return
	}
	r.i += len(word)
}

// skip reads a value of any kind.
func (r *reader) skip() {
	switch r.peek() {
	case '{':
		r.begin('{')
		for r.more('}') {
			r.key()
			r.skip()
		}
	case '[':
		r.begin('[')
		for r.more(']') {
			r.skip()
		}
	case '"':
		r.text()
	case 't', 'f':
		r.boolean()
	case 'n':
		r.literal("null")
	default:
		r.number()
	}
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (r *reader) number() {
	r.accept("-")
	if !r.accept("0") {
		r.digits()
	}
	if r.accept(".") {
		r.digits()
	}
	if r.accept("eE") {
		r.accept("+-")
		r.digits()
	}
}

func (r *reader) digits() {
	if !r.accept("0123456789") {
		r.fail(ErrSyntax)
	}
	for r.accept("0123456789") {
	}
}

// accept takes the next byte if it is one of those.
func (r *reader) accept(bytes string) bool {
	if r.i < len(r.s) {
		for i := range len(bytes) {
			if r.s[r.i] == bytes[i] {
				r.i++
				return true
			}
		}
	}
	return false
}
