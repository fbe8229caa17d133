package cmp

import "unicode/utf8"

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
