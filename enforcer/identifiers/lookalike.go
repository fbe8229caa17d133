package identifiers

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	// removed stands for a character that is not seen.
	removed = 0
	// dash stands for dashes that are no form of the hyphen. They separate the groups of
	// numbers as the hyphen does, but are no part of tokens.
	dash = 2
	// pause stands for 、 between digits. It separates groups as a slash does.
	pause = 3
)

// lookalike returns the ASCII character that the multi-byte character at the
// start of s stands for, dash, or removed when it is invisible, and its
// length; 0 when it is none of these, or incomplete.
//
// ー, ・ and 、 separate only digits, and 。 is a dot only in names, which is for the
// caller to know; see [digitMark] and [isFullStop].
func lookalike[T string | []byte](s T) (ascii byte, size int) {
	if !mayLookAlike(s[0]) || !whole(s) {
		return 0, 0
	}
	if s[0] == 0xc2 {
		switch s[1] {
		case 0xa0: // no-break space
			return ' ', 2
		case 0xad: // soft hyphen
			return removed, 2
		case 0xb2, 0xb3: // superscript 2 and 3
			return s[1] - 0xb2 + '2', 2
		case 0xb9: // superscript 1
			return '1', 2
		}
		return 0, 0
	}
	if isIgnorable(s) {
		return removed, width(s[0])
	}
	if s[0] < 0xe1 || s[0] == 0xea || s[0] >= 0xf0 {
		return decimal(s)
	}
	b, c := s[1], s[2]
	switch s[0] {
	case 0xe1:
		return decimal(s)
	case 0xe2:
		switch {
		case b == 0x80 && c <= 0x8a, b == 0x80 && c == 0xaf, b == 0x81 && c == 0x9f:
			return ' ', 3 // U+2000 to U+200A and other widths of space
		case b == 0x80 && (c <= 0x8f || c >= 0xaa && c <= 0xae), b == 0x81 && c >= 0xa0 && c <= 0xaf:
			return removed, 3 // zero width, direction
		case b == 0x80 && c == 0xa4: // one dot leader
			return '.', 3
		case b == 0x80 && c <= 0x95, b == 0x88 && c == 0x92, b == 0x81 && c == 0x83:
			return dash, 3 // typographic hyphens, dashes, minus
		}
		if b == 0x81 && (c == 0xb0 || c >= 0xb4 && c <= 0xb9) { // superscripts
			return c - 0xb0 + '0', 3
		}
	case 0xe3:
		if b == 0x80 && c == 0x80 { // ideographic space
			return ' ', 3
		}
	case 0xef:
		switch {
		case b == 0xbc && c >= 0x81: // U+FF01 to U+FF3F
			return c - 0x60, 3
		case b == 0xbd && c >= 0x80 && c <= 0x9e: // U+FF40 to U+FF5E
			return c - 0x20, 3
		case b == 0xbb && c == 0xbf, b == 0xb8 && c <= 0x8f: // byte order mark, variation selectors
			return removed, 3
		case b == 0xb9 && c == 0xab: // small commercial at
			return '@', 3
		case b == 0xb9 && c == 0xa3: // small hyphen
			return '-', 3
		}
	}
	return 0, 0
}

// isIgnorable reports whether the character that s starts with, which is whole, is one
// of those that Unicode calls default ignorable and that no other rule removes: joiners,
// fillers, tags.
func isIgnorable[T string | []byte](s T) bool {
	switch s[0] {
	case 0xcd:
		return s[1] == 0x8f // combining grapheme joiner
	case 0xd8:
		return s[1] == 0x9c // Arabic letter mark
	case 0xe1:
		return s[1] == 0x85 && (s[2] == 0x9f || s[2] == 0xa0) || // Hangul fillers
			s[1] == 0x9e && (s[2] == 0xb4 || s[2] == 0xb5) || // Khmer inherent vowels
			s[1] == 0xa0 && s[2] >= 0x8b && s[2] <= 0x8f // Mongolian selectors and vowel separator
	case 0xe3:
		return s[1] == 0x85 && s[2] == 0xa4 // Hangul filler
	case 0xef:
		return s[1] == 0xbe && s[2] == 0xa0 // half-width Hangul filler
	case 0xf3:
		return s[1] == 0xa0 && s[2] <= 0x87 // tags, more variation selectors
	}
	return false
}

// leads are the bytes with which the characters begin that may be a [lookalike] or
// a [digitMark].
const leads = "\xef\xe2\xc2\xe1\xe3\xcd\xd8\xd9\xdb\xdf\xe0\xea\xf0\xf3"

var isLead = func() (table [256]bool) {
	for i := range len(leads) {
		table[leads[i]] = true
	}
	return table
}()

// mayLookAlike reports whether a character with this lead byte may be a
// [lookalike] or a [digitMark].
func mayLookAlike(lead byte) bool { return isLead[lead] }

// width returns how many bytes the character has that begins with the lead byte.
func width(lead byte) int {
	switch {
	case lead < 0xe0:
		return 2
	case lead < 0xf0:
		return 3
	}
	return 4
}

// whole reports whether the character at the start of s, of two to four bytes by
// its lead, is complete.
func whole[T string | []byte](s T) bool {
	size := width(s[0])
	if len(s) < size {
		return false
	}
	for i := 1; i < size; i++ {
		if utf8.RuneStart(s[i]) {
			return false
		}
	}
	return true
}

// zeros are the digits 0 of all scripts: in each, the ten digits follow one
// another (The Unicode Standard, section 4.6).
var zeros = func() (list []rune) {
	for _, r := range unicode.Nd.R16 {
		for zero := rune(r.Lo); zero <= rune(r.Hi); zero += 10 {
			list = append(list, zero)
		}
	}
	for _, r := range unicode.Nd.R32 {
		for zero := rune(r.Lo); zero <= rune(r.Hi); zero += 10 {
			list = append(list, zero)
		}
	}
	return list
}()

// decimal returns the ASCII digit for the decimal digit of another script, such as
// the Arabic ones, that s, whose first character is whole, starts with.
func decimal[T string | []byte](s T) (ascii byte, size int) {
	size = width(s[0])
	r := rune(s[0]) & (0xff >> (size + 1))
	for i := 1; i < size; i++ {
		r = r<<6 | rune(s[i]&0x3f)
	}
	at, found := slices.BinarySearch(zeros, r)
	if !found {
		at--
	}
	if at < 0 || r-zeros[at] > 9 {
		return 0, 0
	}
	return '0' + byte(r-zeros[at]), size
}

// digitMark returns what the character at the start of s is between digits, and its
// length there; 0 when it is none. People write ー, ・, · and their other forms for
// the dash in numbers, and 、 between groups.
func digitMark[T string | []byte](s T) (mark byte, size int) {
	if len(s) >= 2 && s[0] == 0xc2 && s[1] == 0xb7 { // middle dot
		return dash, 2
	}
	if len(s) < 3 {
		return 0, 0
	}
	switch b, c := s[1], s[2]; s[0] {
	case 0xe2:
		if b == 0x80 && c == 0xa7 || b == 0x88 && c == 0x99 || b == 0x8b && c == 0x85 { // other middle dots
			return dash, 3
		}
	case 0xe3:
		switch {
		case b == 0x83 && (c == 0xbc || c == 0xbb):
			return dash, 3
		case b == 0x80 && c == 0x81:
			return pause, 3
		}
	case 0xef: // half-width forms
		switch {
		case b == 0xbd && (c == 0xb0 || c == 0xa5):
			return dash, 3
		case b == 0xbd && c == 0xa4:
			return pause, 3
		}
	}
	return 0, 0
}

// isFullStop reports whether s starts with 。 or its half-width form, which input
// methods write for the dot of a domain or an IP address.
func isFullStop[T string | []byte](s T) bool {
	return len(s) >= 3 && (s[0] == 0xe3 && s[1] == 0x80 && s[2] == 0x82 || s[0] == 0xef && s[1] == 0xbd && s[2] == 0xa1)
}

// takesDot reports whether the text ends as a label of a domain or a number of an
// IP address may: a full stop after a longer number ends the sentence.
func takesDot(text []byte) bool {
	n := len(text)
	for i := n - 1; i >= 0 && i >= n-4; i-- {
		if !is(text[i], digit) {
			return i < n-1 || is(text[i], letter)
		}
	}
	return n > 0 && n < 4
}
