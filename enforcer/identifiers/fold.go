package identifiers

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// folded is a text in the form that the matchers read, and where each of its
// bytes came from.
type folded struct {
	text []byte
	// from is the place in the source of each byte of text, and of its end;
	// nil when it is the same place.
	from []int32
}

// needsFold reports whether folding s could change it.
func needsFold(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case b == '%', b == '\\', mayLookAlike(b), b >= markRest:
			return true
		case b == '&' && mayBeEntity(s, i):
			return true
		}
	}
	return false
}

// fold appends s to text, and where its bytes come from to from; both must be
// empty. What one replacement makes visible is replaced in its turn, so that
// %2540, %25%34%30 and ％４０ all end as @; each replacement shortens the text,
// so the work is linear.
func fold(text []byte, from []int32, s string) folded {
	for i := range len(s) {
		b, start := s[i], int32(i)
		for {
			if b >= markRest {
				b = 0 // never part of UTF-8, and ours to mark with
			}
			text, from = append(text, b), append(from, start)
			char, size := completed(text)
			if size == 0 {
				break
			}
			n := len(text) - size
			start = from[n]
			text, from = text[:n], from[:n]
			if char == nothing {
				break
			}
			if char&escaped != 0 {
				var encoded [utf8.UTFMax]byte
				last := utf8.EncodeRune(encoded[:], char&^escaped) - 1
				for _, lead := range encoded[:last] {
					text, from = append(text, lead), append(from, start)
				}
				char = rune(encoded[last])
			}
			b = byte(char)
		}
	}
	return folded{text, append(from, int32(len(s)))}
}

const (
	escaped = 1 << 24 // tells a character from a byte
	nothing = -1      // what is not seen
)

// completed returns what the last byte of the text completes, and its length
// there: a byte, an escaped character or nothing.
func completed(text []byte) (char rune, size int) {
	n := len(text)
	last := text[n-1]
	switch {
	case is(last, hex):
		if n >= 3 && text[n-3] == '%' && is(text[n-2], hex) {
			if char = rune(unhex(text[n-2])<<4 | unhex(last)); isUnseen(char) {
				return nothing, 3
			}
			return char, 3
		}
		if n >= 6 && (text[n-6] == '\\' || text[n-6] == '%') && text[n-5] == 'u' { // JSON, JavaScript's escape()
			for _, h := range text[n-4:] {
				if !is(h, hex) {
					return 0, 0
				}
				char = char<<4 | rune(unhex(h))
			}
			return char | escaped, 6
		}
	case last == ';':
		for _, entity := range atEntities {
			if bytes.HasSuffix(text, entity) {
				return '@', len(entity)
			}
		}
	case last >= utf8.RuneSelf:
		for size = 2; size <= utf8.UTFMax && size <= n; size++ {
			tail := text[n-size:]
			if mark, length := digitMark(tail); length == size && n > size && is(text[n-size-1], digit) {
				return rune(mark), size
			}
			if size == 3 && isFullStop(tail) && takesDot(text[:n-size]) {
				return '.', size
			}
			if ascii, length := lookalike(tail); length == size {
				if ascii == removed {
					return nothing, size
				}
				return rune(ascii), size
			}
		}
	}
	return 0, 0
}

// isUnseen reports whether it is a control character that is no space: an address has
// none, and who writes one into it hides something.
func isUnseen(char rune) bool {
	return char < ' ' && char != '\t' && char != '\n' && char != '\r' || char == 0x7f
}

// atEntities are the forms of the at sign in HTML.
var atEntities = [...][]byte{[]byte("&#64;"), []byte("&#x40;"), []byte("&#X40;"), []byte("&#064;"), []byte("&commat;")}

// mayBeEntity reports whether the & at i may begin one of them.
func mayBeEntity(s string, i int) bool {
	return i+1 < len(s) && (s[i+1] == '#' || strings.HasPrefix(s[i+1:], "commat"))
}

// source returns where the byte at i came from.
func (f *folded) source(i int) int {
	if f.from == nil {
		return i
	}
	return int(f.from[i])
}
