package identifiers

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

// suspicion is what a text may hold.
type suspicion uint8

const (
	nothingFound suspicion = iota
	// onlyAddress4: nothing but an IPv4 address, in ASCII without escapes. A
	// browser's version looks so, and each request names one.
	onlyAddress4
	anything
)

// suspect tells what s may hold. It never misses what the matchers would find,
// and allocates nothing. Most strings are settled by the survey, most others by
// the counters.
func suspect(s string) suspicion {
	suspected := survey(s)
	if suspected == anything {
		return count(s)
	}
	return suspected
}

// A survey adds up, eight bytes at a time, what every byte weighs: eight bits
// for each of these counts.
const (
	digitWeight  = 8 * iota // digits; a + is as good as two
	endsNumber              // neither digits nor what may be between them
	endsToken               // not part of a token
	dotWeight               // dots
	colonWeight             // colons
	escapeWeight            // at signs, percent signs, backslashes; the ends of HTML entities
	openWeight              // equals signs, brackets that open: what is behind them tells
	wideWeight              // lead bytes of what may look like ASCII

	block  = 8
	stride = 16 * block // before a count could overflow
)

// weight returns one of the counts.
func weight(sum uint64, of int) uint64 { return sum >> of & 0xff }

var weights = func() (table [256]uint64) {
	for b := range table {
		c := byte(b)
		add := func(of int, n uint64, when bool) {
			if when {
				table[b] += n << of
			}
		}
		add(digitWeight, 1, is(c, digit))
		add(digitWeight, 2, c == '+')
		add(endsNumber, 1, !is(c, digit|gap) && c < 0x80)
		add(endsToken, 1, !is(c, token))
		add(dotWeight, 1, c == '.')
		add(colonWeight, 1, c == ':')
		add(escapeWeight, 1, c == '@' || c == '%' || c == '\\' || c == ';')
		add(openWeight, 1, c == '=' || c == '(' || c == '[')
		add(wideWeight, 1, mayLookAlike(c) && c != 0xe3)
	}
	return table
}()

// survey tells what s may hold: anything when the counters have to settle it.
func survey(s string) suspicion {
	var (
		sum       uint64
		seen      uint64
		number    uint64 // at most so many digits has a number that reaches here
		settled   int    // tokens up to here were looked at
		suspected suspicion
		i         int
	)
	for ; i+block <= len(s); i += block {
		b := s[i : i+block]
		w := (weights[b[0]] + weights[b[1]]) + (weights[b[2]] + weights[b[3]]) +
			((weights[b[4]] + weights[b[5]]) + (weights[b[6]] + weights[b[7]]))
		sum += w
		digits := weight(w, digitWeight)
		number += digits
		if number >= minDigits {
			return anything
		}
		if weight(w, endsNumber) != 0 {
			number = digits
		}
		if weight(w, endsToken) == 0 && i >= settled {
			var odd bool
			if settled, odd = longToken(s, i); odd {
				return anything
			}
		}
		if i%stride == 0 {
			if exceeds(sum) {
				if weight(sum, colonWeight) >= minColons || !isPlain(s) {
					return anything
				}
				if weight(sum, dotWeight) >= minDots {
					suspected, sum = onlyAddress4, sum&^(0xff<<dotWeight)
				}
			}
			seen |= sum
			sum &= 0xff<<dotWeight | 0xff<<colonWeight
		}
	}
	for ; i < len(s); i++ {
		sum += weights[s[i]]
		number += weight(weights[s[i]], digitWeight)
	}
	seen |= sum
	if number >= minDigits || exceeds(sum) && (weight(sum, colonWeight) >= minColons || !isPlain(s)) ||
		weight(seen, openWeight) != 0 && (anySecretName(s) || anySpelledAt(s, weight(seen, dotWeight) != 0 || suspected == onlyAddress4)) ||
		weight(seen, wideWeight) != 0 && anyWide(s) ||
		weight(seen, digitWeight) != 0 && anyStop(s) {
		return anything
	}
	if weight(sum, dotWeight) >= minDots {
		return onlyAddress4
	}
	return suspected
}

// exceeds reports whether there are enough marks for an address of any kind.
func exceeds(sum uint64) bool {
	return weight(sum, escapeWeight) != 0 || weight(sum, dotWeight) >= minDots || weight(sum, colonWeight) >= minColons
}

// isPlain reports whether s is ASCII without escapes, in which a semicolon ends no
// HTML entity and dots are dots.
func isPlain(s string) bool {
	for _, escape := range [...]byte{'%', '@', '\\', '&'} {
		if strings.IndexByte(s, escape) >= 0 {
			return false
		}
	}
	var all uint64
	rest := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; len(rest) >= block; rest = rest[block:] {
		all |= binary.NativeEndian.Uint64(rest)
	}
	for _, b := range rest {
		all |= uint64(b)
	}
	return all&0x8080808080808080 == 0
}

// longToken looks at the token around i: where it ends, and whether it may be
// more than words.
func longToken(s string, i int) (end int, odd bool) {
	start := i
	for start > 0 && is(s[start-1], token) {
		start--
	}
	for end = i + block; end < len(s) && is(s[end], token); {
		end++
	}
	if end-start < minToken {
		return end, false
	}
	run := 0
	for _, b := range []byte(s[start:end]) {
		c := classes[b]
		run++
		if c&alnum == 0 {
			run = 0
		}
		if c&upper != 0 || run >= minAlnums {
			return end, true
		}
	}
	return end, false
}

// anySecretName reports whether a parameter in s is named as a secret.
func anySecretName(s string) bool {
	for i := strings.IndexByte(s, '='); i >= 0; {
		if namesSecret(s[:i]) {
			return true
		}
		next := strings.IndexByte(s[i+1:], '=')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}

// anySpelledAt reports whether a bracket may open an at sign that is spelled, and
// there may be the dot of a domain.
func anySpelledAt(s string, dots bool) bool {
	if !dots && strings.IndexByte(s, 0xe3) < 0 { // nor a full stop that may be one
		return false
	}
	for _, bracket := range [...]byte{'(', '['} {
		for i := strings.IndexByte(s, bracket); i >= 0; {
			if maySpellAt(s[i+1:]) {
				return true
			}
			next := strings.IndexByte(s[i+1:], bracket)
			if next < 0 {
				break
			}
			i += 1 + next
		}
	}
	return false
}

// anyWide reports whether s has characters that change what was surveyed once
// they are folded.
func anyWide(s string) bool {
	for at := range len(leads) {
		if leads[at] == 0xe3 {
			continue // spaces and dashes, which end no number, and stops, for which see anyStop
		}
		for rest := s; ; {
			i := strings.IndexByte(rest, leads[at])
			if i < 0 {
				break
			}
			if rest = rest[i:]; changes(rest) {
				return true
			}
			rest = rest[1:]
		}
	}
	return false
}

// anyStop reports whether a full stop that may be a dot stands between digits.
func anyStop(s string) bool {
	if strings.IndexByte(s, 0xe3) < 0 {
		return false
	}
	const stop = "。"
	for rest := s; ; {
		i := strings.Index(rest, stop)
		if i < 0 {
			return false
		}
		if i > 0 && is(rest[i-1], digit) && i+len(stop) < len(rest) && is(rest[i+len(stop)], digit) {
			return true
		}
		rest = rest[i+len(stop):]
	}
}

// changes reports whether the character at the start of s stands for one that
// the survey would have counted.
func changes(s string) bool {
	ascii, size := lookalike(s)
	switch {
	case size == 0:
		return !whole(s) || isFullStop(s) // not UTF-8, or in pieces
	case ascii == '%':
		return len(s) > size && (is(s[size], hex) || s[size] == 'u' || continues(s[size]))
	case ascii == removed:
		return true
	case ascii == '(' || ascii == '[':
		return maySpellAt(s[size:])
	}
	const counted = 1<<digitWeight | 1<<dotWeight | 1<<colonWeight | 1<<escapeWeight | 1<<openWeight
	return is(ascii, token) || weights[ascii]&counted != 0 || ascii == '+'
}
