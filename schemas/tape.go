package schemas

import (
	"strconv"
	"unsafe"
)

// tape is a JSON text as [tape.scan] saw it: its values, and the names of its
// members, in the order in which they begin. A place in the list stands for the
// value; the document is at 0. It is reused, and does not allocate once it has
// grown.
type tape struct {
	body    []byte
	list    []value
	scratch []byte // texts that were written with escapes; grows behind those that were handed out
}

// value is one of a tape.
type value struct {
	start uint32 // of its text; of a string, behind the quotation mark
	end   uint32 // of its text; of an object or array, the place after all that is in it
	kind  kind
}

// kind is what a value is, and what is known of a string's characters.
type kind uint8

const (
	isNull kind = 1 + iota
	isTrue
	isFalse
	isNumeric
	isObject
	isArray
	isPlain   // a string of nothing but ASCII from space to tilde, without escapes
	isUnicode // one of anything but control characters of ASCII, without escapes
	isEscaped // one with escapes
)

func (t *tape) kind(at int) kind { return t.list[at].kind }

// known is what the kind says of the value's characters.
func (t *tape) known(at int) knowledge {
	if k := t.list[at].kind; k == isUnicode || k == isEscaped {
		return inUTF8
	}
	return isPrintable
}

// text returns the text of a string; ok is false when it is none.
func (t *tape) text(at int) (text string, ok bool) {
	switch v := &t.list[at]; v.kind {
	case isPlain, isUnicode:
		return share(t.body[v.start:v.end]), true
	case isEscaped:
		return t.unescaped(v), true
	}
	return "", false
}

// name returns the name of a member.
func (t *tape) name(at int) string {
	v := &t.list[at]
	if v.kind == isEscaped {
		return t.unescaped(v)
	}
	return share(t.body[v.start:v.end])
}

func (t *tape) unescaped(v *value) string {
	start, raw := len(t.scratch), t.body[v.start:v.end]
	if cap(t.scratch)-start < len(raw) {
		// All that there may be of this body: each text that was handed out holds on to
		// the scratch that it is in, so it must not grow bit by bit.
		t.scratch, start = make([]byte, 0, len(t.body)), 0
	}
	t.scratch = unescape(t.scratch, raw)
	return share(t.scratch[start:])
}

// number returns a number as it was written.
func (t *tape) number(at int) string {
	v := &t.list[at]
	return share(t.body[v.start:v.end])
}

// count returns a whole number that is not negative and is written as one.
func (t *tape) count(at int) (n uint64, ok bool) {
	if t.list[at].kind != isNumeric {
		return 0, false
	}
	text := t.number(at)
	if len(text) == 1 && text[0] != '-' { // as most are
		return uint64(text[0] - '0'), true
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil
}

// after returns the place after a value and all that is in it.
func (t *tape) after(at int) int {
	if v := &t.list[at]; v.kind == isObject || v.kind == isArray {
		return int(v.end)
	}
	return at + 1
}

// inside returns the place of the first item of an array, or of the name of the
// first member of an object, whose value comes next; and the place after the
// last. Both are the same when there is none.
func (t *tape) inside(at int) (from, to int) { return at + 1, int(t.list[at].end) }

// hasMore reports whether an object has more than n members.
func (t *tape) hasMore(at, n int) bool {
	from, to := t.inside(at)
	if to-from <= 2*n {
		return false
	}
	for ; from < to; from = t.after(from + 1) {
		if n--; n < 0 {
			return true
		}
	}
	return false
}

// appendCompact appends a value without white space, and with halves of surrogate
// pairs mended.
func (t *tape) appendCompact(b []byte, at int) []byte {
	switch v := &t.list[at]; v.kind {
	case isObject:
		b = append(b, '{')
		for from, to := t.inside(at); from < to; from = t.after(from + 1) {
			b = append(t.appendCompact(b, from), ':')
			b = append(t.appendCompact(b, from+1), ',')
		}
		return closeList(b, '}')
	case isArray:
		b = append(b, '[')
		for from, to := t.inside(at); from < to; from = t.after(from) {
			b = append(t.appendCompact(b, from), ',')
		}
		return closeList(b, ']')
	case isPlain, isUnicode, isEscaped:
		return append(mend(append(b, '"'), t.body[v.start:v.end]), '"')
	default:
		return append(b, t.body[v.start:v.end]...)
	}
}

// closeList closes an object or array behind what may be a comma.
func closeList(b []byte, closer byte) []byte {
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, closer)
}

// share views the bytes as a string, without a copy.
func share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
