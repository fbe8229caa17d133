package identifiers

import "unicode/utf8"

// The counters are packed in one word: each byte says which counters live on
// and what it adds. A counter that reaches its threshold makes the string
// suspicious.
const (
	digitsAt = 8 * iota // digits, and + signs twice, with nothing but gaps between
	alnumsAt            // unbroken letters and digits
	dotsAt              // dots among digits
	colonsAt            // colons among hexadecimal digits
	mailAt              // at signs
	uppersAt            // capitals in a token
	tokenAt             // length of a token; 15 bits
	lookAt   = 63       // no counter: the byte is more than it seems
)

const (
	// No matcher finds anything below these.
	minDigits, minAlnums, minDots, minColons, minToken = 10, 20, 3, 2, 18

	// bias lifts a counter that reaches its threshold into its highest bit.
	bias = (0x80-minDigits)<<digitsAt | (0x80-minAlnums)<<alnumsAt | (0x80-minDots)<<dotsAt |
		(0x80-minColons)<<colonsAt | (0x80-1)<<mailAt | (0x80-1)<<uppersAt | (0x4000-minToken)<<tokenAt
	reached     = 0x80<<digitsAt | 0x80<<alnumsAt | 0x80<<dotsAt | 0x80<<colonsAt | 0x80<<mailAt
	dotsReached = 0x80 << dotsAt
	// A long token alone is a slug; with a capital it may be a key.
	uppersReached = 0x80 << uppersAt
	tokenShift    = tokenAt + 14 - uppersAt - 7
	// maxCounted keeps the token counter from overflowing.
	maxCounted = 16 << 10
)

// step is what a byte does to the counters.
type step struct{ keep, add uint64 }

var steps = func() (table [256]step) {
	for b := range table {
		s := &table[b]
		count := func(at int, width uint64, keeps bool, adds uint64) {
			if keeps {
				s.keep |= width << at
				s.add |= adds << at
			}
		}
		c := byte(b)
		of := func(when bool) uint64 {
			if when {
				return 1
			}
			return 0
		}
		count(digitsAt, 0xff, is(c, digit|gap), of(is(c, digit))+2*of(c == '+'))
		count(alnumsAt, 0xff, is(c, alnum), 1)
		count(dotsAt, 0xff, is(c, digit) || c == '.', of(c == '.'))
		count(colonsAt, 0xff, is(c, hex) || c == ':' || c == '.', of(c == ':'))
		count(mailAt, 0xff, true, of(c == '@'))
		count(uppersAt, 0xff, is(c, token), of(is(c, upper)))
		count(tokenAt, 0x7fff, is(c, token), 1)
		s.add |= of(c >= utf8.RuneSelf || c == '%' || c == '\\' || c == '=' || c == '&' || closes(c) != 0 || c >= 'A' && c <= 'P') << lookAt
	}
	return table
}()

// count runs the counters over s and tells what those that reach their threshold
// stand for.
func count(s string) suspicion {
	if len(s) > maxCounted {
		return anything
	}
	var counters uint64
	dots := false    // reached their threshold
	written := false // some characters stand for others
	spelled := false // escapes spell letters of the parameter's name
	var last byte    // before the current one, once folded
	for i, size := 0, 0; i < len(s); i += size {
		b := s[i]
		step := &steps[b]
		size = 1
		if step.add>>lookAt != 0 {
			var unsure bool
			written = written || b != '=' && b != '&' && closes(b) == 0 && !is(b, upper)
			switch {
			case is(b, upper), closes(b) != 0:
			case b == '&':
				spelled = false
				unsure = mayBeEntity(s, i)
			case b == '%':
				b, size, unsure = decodePercent(s[i:])
				spelled = spelled || is(b, token) || b == removed
			case b == '\\':
				unsure = true
			case b != '=':
				b, size, unsure = decodeWide(s[i:])
				spelled = spelled || is(b, token) || b == removed
			}
			if unsure || b == '=' && (spelled || namesSecret(s[:i])) {
				return anything
			}
			if closes(b) != 0 && maySpellAt(s[i+size:]) || b-'A' <= 'P'-'A' && encodesAt(last, b) >= 0 && (size > 1 || mayEncodeEmail(s, i)) {
				return anything
			}
			if b == removed && size > 1 {
				continue
			}
			step = &steps[b]
		}
		last = b
		counters = counters&step.keep + step.add&(1<<lookAt-1)
		t := counters + bias
		switch t&reached | t&(t>>tokenShift)&uppersReached {
		case 0:
		case dotsReached:
			dots = true
			counters &^= 0xff << dotsAt
		default:
			return anything
		}
	}
	switch {
	case dots && written:
		return anything
	case dots:
		return onlyAddress4
	}
	return nothingFound
}

// other is a byte that ends every run.
const other = 0x80

// decodeWide returns what the multi-byte character at the start of s counts
// as, and its length; unsure when only folding can tell.
func decodeWide(s string) (ascii byte, size int, unsure bool) {
	lead := s[0]
	if !mayLookAlike(lead) {
		if lead >= 0xe4 && lead < 0xf0 && whole(s) {
			return other, 3, false
		}
		return other, 1, false
	}
	ascii, size = lookalike(s)
	switch {
	case size > 0 && (ascii == '%' || ascii == '\\'):
		// 70％OFF is no escape.
		return ascii, size, len(s) > size && (is(s[size], hex) || s[size] == 'u' || continues(s[size]))
	case size > 0:
		return ascii, size, false
	case isFullStop(s):
		return '.', 3, false
	}
	if ascii, size = digitMark(s); size > 0 {
		return ascii, size, false
	}
	if whole(s) {
		return other, width(lead), false
	}
	return 0, 0, true // not UTF-8, or a character in pieces
}

// decodePercent is decodeWide for a percent sign.
func decodePercent(s string) (ascii byte, size int, unsure bool) {
	switch {
	case len(s) < 3:
		return '%', 1, len(s) == 2 && continues(s[1])
	case !is(s[1], hex):
		return '%', 1, continues(s[1]) || s[1] == 'u'
	case !is(s[2], hex):
		return '%', 1, continues(s[2])
	}
	switch b := unhex(s[1])<<4 | unhex(s[2]); {
	case b == '%' || b == '\\' || b == '&':
		return 0, 0, true
	case b == 0xe3: // most of Japanese
		if !wholeEscaped(s) {
			return 0, 0, true
		}
		switch pair := s[4:6]; {
		case pair == "83" && (s[7] == 'B' || s[7] == 'b') && (s[8]|0x20 == 'c' || s[8]|0x20 == 'b'):
			return dash, 9, false
		case pair == "80" && s[7:9] == "80":
			return ' ', 9, false
		case pair == "80" && s[7:9] == "82":
			return '.', 9, false
		case pair == "80" && s[7:9] == "81":
			return pause, 9, false
		case pair == "85" && (s[7] == 'A' || s[7] == 'a') && s[8] == '4':
			return removed, 9, false
		}
		return other, 9, false
	case b == 0xea && wholeEscaped(s) && s[4]|0x20 == 'b': // most of Korean
		return other, 9, false
	case mayLookAlike(b):
		return 0, 0, true
	case b >= 0xe4 && b < 0xf0 && wholeEscaped(s):
		return other, 9, false
	case b >= utf8.RuneSelf:
		return other, 3, false
	case isUnseen(rune(b)):
		return removed, 3, false
	default:
		return b, 3, false
	}
}

// wholeEscaped reports whether the percent-encoded lead byte at the start of s
// is followed by two continuation bytes.
func wholeEscaped(s string) bool {
	continuation := func(h byte) bool { return h >= '8' && h <= '9' || h|0x20 >= 'a' && h|0x20 <= 'b' }
	return len(s) >= 9 && s[3] == '%' && continuation(s[4]) && is(s[5], hex) &&
		s[6] == '%' && continuation(s[7]) && is(s[8], hex)
}

// continues reports whether the byte may become, once folded, the next byte
// of an escape.
func continues(b byte) bool {
	return b == '%' || b == '\\' || mayLookAlike(b) && b != 0xe3
}
