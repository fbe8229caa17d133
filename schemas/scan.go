package schemas

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"
)

// Limits of a body, checked while it is scanned.
const (
	// maxDepth is how deep it may be nested: an array of events with objects
	// of objects.
	maxDepth = 8
	// maxValues is about how many values it may have: a full batch with 130 in
	// each event. One takes the tape 24 bytes and the client two.
	maxValues = 1 << 17
)

// scan fills the tape. It refuses what is not UTF-8 or not JSON to the letter
// (RFC 8259), what is nested too deeply, and what has more than about so many
// values.
func (t *tape) scan(body []byte, most int) error {
	t.body, t.scratch = body, t.scratch[:0]
	if uint64(len(body)) > math.MaxUint32 {
		return ErrTooComplex
	}
	var err error
	t.list, err = document(body, t.list[:0], most)
	if err != nil && !utf8.Valid(body) {
		return ErrNotUTF8
	}
	return err
}

// document scans one value and what may stand around it, and appends what it sees
// to the list.
func document(body []byte, list []value, most int) ([]value, error) {
	var (
		open   [maxDepth]int // objects and arrays that are not closed
		depth  int
		closer byte // closes the innermost
		values int
	)
	at := 0
	for {
		if closer == '}' {
			if at = space(body, at); at == len(body) || body[at] != '"' {
				return list, ErrNotJSON
			}
			end, k := text(body, at+1)
			list = append(list, value{uint32(at + 1), uint32(end), k})
			if at = space(body, end+1); k == 0 || at >= len(body) || body[at] != ':' {
				return list, ErrNotJSON
			}
			at++
		}
		if at = space(body, at); at == len(body) {
			return list, ErrNotJSON
		}
		start := at
		switch c := body[at]; c {
		case '"':
			end, k := text(body, at+1)
			if k == 0 {
				return list, ErrNotJSON
			}
			list = append(list, value{uint32(at + 1), uint32(end), k})
			at = end + 1
		case '{', '[':
			if depth == maxDepth {
				return list, ErrTooDeep
			}
			k := isArray
			if c == '{' {
				k = isObject
			}
			open[depth] = len(list)
			depth++
			values++
			list = append(list, value{start: uint32(at), kind: k})
			closer = c + 2 // '{' and '}', '[' and ']' are two apart
			if at = space(body, at+1); at == len(body) || body[at] != closer {
				continue
			}
		case 't', 'f', 'n':
			n, k := literal(body[at:])
			if n == 0 {
				return list, ErrNotJSON
			}
			at += n
			list = append(list, value{uint32(start), uint32(at), k})
		default:
			if at = number(body, at); at == 0 {
				return list, ErrNotJSON
			}
			list = append(list, value{uint32(start), uint32(at), isNumeric})
		}
		// From the end of a value to the beginning of the next one.
		for {
			at = space(body, at)
			if depth == 0 {
				if at < len(body) {
					return list, ErrNotJSON
				}
				return list, nil
			}
			if at == len(body) {
				return list, ErrNotJSON
			}
			c := body[at]
			at++
			if c == ',' {
				break
			}
			if c != closer {
				return list, ErrNotJSON
			}
			depth--
			list[open[depth]].end = uint32(len(list))
			if depth > 0 {
				closer = body[list[open[depth-1]].start] + 2
			}
		}
		if values++; values > most {
			return list, ErrTooComplex
		}
	}
}

// space passes over white space.
func space(body []byte, at int) int {
	for at < len(body) && body[at] <= ' ' && isSpace(body[at]) {
		at++
	}
	return at
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// Eight bytes are looked at in one.
const (
	each = 0x0101010101010101
	high = each * 0x80
)

// special finds control characters, quotation marks and backslashes: the lowest
// bit that is set belongs to the first of them; a byte after it may be found in
// error.
func special(w uint64) uint64 {
	low := w ^ each*2 // a quotation mark becomes a space, and only control characters come below
	slashes := w ^ each*'\\'
	return ((low - each*0x21) | (slashes - each)) & (high &^ w)
}

// beyond finds the bytes that are above '~' by their highest bit; one after the first
// may be found in error.
func beyond(w uint64) uint64 { return w | (w + each) }

// before has the bits below the lowest one that is set; all when none is.
func before(w uint64) uint64 { return w&-w - 1 }

// text scans a string from behind its quotation mark (section 7). It returns where
// it ends and of what kind it is, 0 when it is none: it must be closed, be UTF-8
// and have no raw control characters.
func text(body []byte, start int) (end int, k kind) {
	k = isPlain
	found := uint64(0) // beyond '~'
	for at := start; ; {
		// In steps so large that most strings take one: the processor guesses best
		// then how many it will be.
		for at+16 <= len(body) {
			step := body[at : at+16]
			a, b := binary.LittleEndian.Uint64(step), binary.LittleEndian.Uint64(step[8:])
			stopA, stopB := special(a), special(b)
			if stopA|stopB == 0 {
				found |= beyond(a) | beyond(b)
				at += 16
				continue
			}
			// Of what is behind a stop nothing counts; without a branch, which would be
			// guessed wrong half of the time.
			stopB |= (stopA | -stopA) >> 63
			found |= beyond(a)&before(stopA) | beyond(b)&before(stopB)
			at += (bits.TrailingZeros64(stopA) + bits.TrailingZeros64(stopB)) >> 3
			break
		}
		if at+16 > len(body) { // byte by byte
			for at < len(body) && body[at] >= ' ' && body[at] != '"' && body[at] != '\\' {
				found |= beyond(uint64(body[at]))
				at++
			}
			if at == len(body) {
				return at, 0
			}
		}
		switch body[at] {
		case '"':
			if found&high == 0 {
				return at, k
			}
			if !utf8.Valid(body[start:at]) {
				return at, 0
			}
			return at, max(k, isUnicode)
		case '\\':
			n, _ := escape(body[at:])
			if n == 0 {
				return at, 0
			}
			at += n
			k = isEscaped
		default:
			return at, 0
		}
	}
}

// plain returns how many bytes there are before the first control character,
// quotation mark or backslash.
func plain(b []byte) (n int) {
	for ; n+8 <= len(b); n += 8 {
		if stop := special(binary.LittleEndian.Uint64(b[n:])); stop != 0 {
			return n + bits.TrailingZeros64(stop)/8
		}
	}
	for ; n < len(b) && b[n] >= ' ' && b[n] != '"' && b[n] != '\\'; n++ {
	}
	return n
}

// number returns where the number ends that begins at start (section 6); 0 when
// none does.
func number(body []byte, start int) int {
	at := start
	if body[at] == '-' {
		at++
	}
	whole := digits(body, at)
	if whole == at || whole > at+1 && body[at] == '0' {
		return 0
	}
	if at = whole; at < len(body) && body[at] == '.' {
		fraction := at + 1
		if at = digits(body, fraction); at == fraction {
			return 0
		}
	}
	if at < len(body) && body[at]|0x20 == 'e' {
		if at++; at < len(body) && (body[at] == '+' || body[at] == '-') {
			at++
		}
		exponent := at
		if at = digits(body, exponent); at == exponent {
			return 0
		}
	}
	return at
}

// digits passes over digits.
func digits(body []byte, at int) int {
	for at < len(body) && body[at]-'0' <= 9 {
		at++
	}
	return at
}

// literal returns the length and the kind of the literal that s begins with, 0
// when it begins with none.
func literal(s []byte) (int, kind) {
	switch {
	case len(s) >= 4 && string(s[:4]) == "true":
		return 4, isTrue
	case len(s) >= 5 && string(s[:5]) == "false":
		return 5, isFalse
	case len(s) >= 4 && string(s[:4]) == "null":
		return 4, isNull
	}
	return 0, 0
}
