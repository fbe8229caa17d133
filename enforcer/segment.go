package enforcer

import (
	"unicode"
	"unicode/utf8"
)

// segment measures a segment of a path, character by character.
type segment struct {
	number [8]byte // digits of the current one
	digits int     // how many it has; those beyond the room are not kept
	kanji  bool    // it has some, which words have too

	counted int // digits of numbers that are no year nor date

	letters, length int // of the current piece: ASCII letters and digits
	pieces, mixed   int // pieces, and those that have letters and digits
	same            int // length of all pieces; -1 when they differ
}

// plainSegment reports whether the segment, percent-encoded or not, is made of words
// and of such numbers as pages have: one or two short ones, years and dates.
func plainSegment(text string) bool {
	if text == idSegment {
		return true
	}
	var s segment
	length := 0
	for i := 0; i < len(text); {
		r, size, bytes := decodeRune(text[i:])
		i += size
		if length += bytes; length > maxSegment || !s.add(r, size > bytes) {
			return false
		}
	}
	return s.endPiece() && s.counted < 6 &&
		s.mixed < 3 && (s.mixed < 2 || s.same < 4) // ab12-cd34
}

// decodeRune returns the first character of a percent-encoded text, how long it is
// there and how many bytes it is of; utf8.RuneError when it is none.
func decodeRune(text string) (r rune, size, bytes int) {
	var room [utf8.UTFMax]byte
	for bytes < len(room) && size < len(text) {
		b, n := text[size], 1
		if b == '%' && len(text)-size >= 3 {
			b, n = unhex(text[size+1])<<4|unhex(text[size+2]), 3
		}
		room[bytes] = b
		bytes, size = bytes+1, size+n
		if utf8.FullRune(room[:bytes]) {
			break
		}
	}
	r, _ = utf8.DecodeRune(room[:bytes])
	return r, size, bytes
}

// unhex returns the value of a hexadecimal digit.
func unhex(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b&^0x20 - 'A' + 10
}

// add takes the next character; false when it has no place in the name of a page, or
// ends a number that has none.
func (s *segment) add(r rune, escaped bool) bool {
	switch {
	case r >= '0' && r <= '9':
		s.length++
		return s.digit(byte(r), false)
	case r < utf8.RuneSelf && isLetter(byte(r)):
		s.length++
		s.letters++
		return s.endNumber()
	case r < utf8.RuneSelf:
		return isMark(byte(r), escaped) && s.endPiece()
	}
	if kind := characterOf(r); kind == noWord {
		return false
	} else if kind >= aDigit {
		return s.digit('0'+byte(kind-aDigit), r >= 0x3007 && r < 0xa000)
	}
	return s.endPiece()
}

// isMark reports whether the punctuation is such as the names of pages have.
func isMark(b byte, escaped bool) bool {
	switch b {
	case '-', '_', '.', '~', '!', '\'', '(', ')', '+', ',', ':', '@', '&':
		return true
	}
	return b == ' ' && escaped
}

func (s *segment) digit(d byte, kanji bool) bool {
	if s.digits < len(s.number) {
		s.number[s.digits] = d
	}
	s.digits++
	s.kanji = s.kanji || kanji
	return s.digits <= len(s.number)
}

// endNumber ends a number; false when it is one of three digits or more that is
// neither a year nor a date.
func (s *segment) endNumber() bool {
	n := view(s.number[:s.digits])
	kanji := s.kanji
	s.digits, s.kanji = 0, false
	switch {
	case n == "" || isYear(n) || isCompactDate(n):
		return true
	case len(n) >= 3:
		return false
	case !kanji:
		s.counted += len(n)
	}
	return true
}

// endPiece ends a run of letters and digits.
func (s *segment) endPiece() bool {
	if s.length > 0 {
		if s.letters > 0 && s.letters < s.length {
			s.mixed++
		}
		if s.pieces++; s.pieces == 1 {
			s.same = s.length
		} else if s.same != s.length {
			s.same = -1
		}
	}
	s.letters, s.length = 0, 0
	return s.endNumber()
}

// What a character beyond ASCII may be.
const (
	noWord = iota
	aWord  // a letter, or punctuation
	aDigit // and above, by its value
)

// characterOf tells what the character is. Signs and pictures, and what is not seen, have
// no place in the name of a page: they are too many.
func characterOf(r rune) int {
	switch r {
	case '〇':
		return aDigit
	case '一', '二', '三', '四', '五', '六', '七', '八', '九':
		for i, digit := range [...]rune{'一', '二', '三', '四', '五', '六', '七', '八', '九'} {
			if r == digit {
				return aDigit + 1 + i
			}
		}
	case '　', '～':
		return aWord
	}
	switch {
	case r >= 0x3041 && r <= 0x3096, r >= 0x30a1 && r <= 0x30fe, r >= 0x4e00 && r <= 0x9fff: // most of Japanese
		return aWord
	case unicode.Is(unicode.Nd, r):
		return aDigit + decimal(r)
	case r == utf8.RuneError, unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return noWord
	case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsPunct(r):
		return aWord
	}
	return noWord
}

// decimal returns the value of a decimal digit: those of a script follow one another,
// from 0 to 9.
func decimal(r rune) int {
	value := 0
	for value < 9 && unicode.Is(unicode.Nd, r-1) {
		value, r = value+1, r-1
	}
	return value
}

// isCompactDate accepts yyyymm and yyyymmdd.
func isCompactDate(s string) bool {
	if len(s) != 6 && len(s) != 8 || !isYear(s[:4]) || s[4:6] < "01" || s[4:6] > "12" {
		return false
	}
	return len(s) == 6 || s[6:] >= "01" && s[6:] <= "31"
}
