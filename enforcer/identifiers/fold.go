package identifiers

import (
	"bytes"
	"strconv"
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
		if n >= 4 && text[n-4] == '\\' && text[n-3] == 'x' && is(text[n-2], hex) { // JavaScript, and others
			return rune(unhex(text[n-2])<<4|unhex(last)) | escaped, 4
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
		return entity(text)
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

// entity returns the ASCII character of the HTML entity that ends the text, and its
// length; of those with names it knows the at sign and the dot.
func entity(text []byte) (char rune, size int) {
	const longest = len("&#0000064;")
	n := len(text)
	start := bytes.LastIndexByte(text[max(0, n-longest):], '&')
	if start < 0 {
		return 0, 0
	}
	name := text[max(0, n-longest)+start+1 : n-1]
	size = len(name) + len("&;")
	switch string(name) {
	case "commat":
		return '@', size
	case "period":
		return '.', size
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, 0
	}
	base, digits := 10, name[1:]
	if digits[0]|0x20 == 'x' {
		base, digits = 16, digits[1:]
	}
	code, err := strconv.ParseUint(string(digits), base, 7)
	if err != nil {
		return 0, 0
	}
	return rune(code), size
}

// mayBeEntity reports whether the & at i may begin one of them.
func mayBeEntity(s string, i int) bool {
	s = s[i+1:]
	return mayBegin(s, "#") || mayBegin(s, "commat") || mayBegin(s, "period")
}

// mayBegin reports whether s may, once it is folded, begin with the word.
func mayBegin(s, word string) bool {
	for i := range len(word) {
		switch {
		case i >= len(s):
			return false
		case mayFold(s[i]):
			return true
		case s[i] != word[i]:
			return false
		}
	}
	return true
}

// source returns where the byte at i came from.
func (f *folded) source(i int) int {
	if f.from == nil {
		return i
	}
	return int(f.from[i])
}
