package identifiers

import "unicode/utf8"

const (
	// removed stands for a character that is not seen.
	removed = 0
	// dash stands for dashes that are no form of the hyphen. They separate the groups of
	// numbers as the hyphen does, but are no part of tokens.
	dash = 2
)

// lookalike returns the ASCII character that the multi-byte character at the
// start of s stands for, dash, or removed when it is invisible, and its
// length; 0 when it is none of these, or incomplete.
//
// ー and ・ are a dash only between digits, and 。 is a dot only in names, which is
// for the caller to know; see [isLongVowel] and [isFullStop].
func lookalike[T string | []byte](s T) (ascii byte, size int) {
	if !whole(s) {
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
	b, c := s[1], s[2]
	switch s[0] {
	case 0xe1:
		if b == 0xa0 && c == 0x8e { // Mongolian vowel separator
			return removed, 3
		}
	case 0xe2:
		switch {
		case b == 0x80 && c <= 0x8a, b == 0x80 && c == 0xaf, b == 0x81 && c == 0x9f:
			return ' ', 3 // U+2000 to U+200A and other widths of space
		case b == 0x80 && (c <= 0x8f || c >= 0xaa && c <= 0xae), b == 0x81 && c >= 0xa0 && c <= 0xaf:
			return removed, 3 // zero width, direction
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

// mayLookAlike reports whether a character with this lead byte may be a
// [lookalike] or ー.
func mayLookAlike(lead byte) bool {
	return lead == 0xe3 || lead == 0xef || lead == 0xe2 || lead == 0xc2 || lead == 0xe1
}

// whole reports whether the character at the start of s, of three bytes or,
// after the lead byte C2, of two, is complete.
func whole[T string | []byte](s T) bool {
	size := 3
	if s[0] == 0xc2 {
		size = 2
	}
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

// isLongVowel reports whether s starts with ー or ・, or their half-width forms,
// which people write for the dash in numbers.
func isLongVowel[T string | []byte](s T) bool {
	return len(s) >= 3 && (s[0] == 0xe3 && s[1] == 0x83 && (s[2] == 0xbc || s[2] == 0xbb) ||
		s[0] == 0xef && s[1] == 0xbd && (s[2] == 0xb0 || s[2] == 0xa5))
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
