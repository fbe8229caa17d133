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

// A survey adds up, eight bytes at a time, what every byte weighs: eight bits for each
// of these counts. The last three matter only within a block: two have four bits there,
// and what they carry is not looked at.
const (
	dotWeight    = 8 * iota       // dots
	colonWeight                   // colons
	escapeWeight                  // at signs, percent signs, backslashes; the ends of HTML entities
	openWeight                    // equals signs, brackets that open: what is around them tells
	wideWeight                    // lead bytes of what may look like ASCII
	endsNumber                    // neither digits nor what may be between them
	endsToken    = endsNumber + 4 // not part of a token
	digitWeight  = endsToken + 8  // digits; a + is as good as two

	// mailLetter is what the letters count beside the digits, in the same branch, without
	// which base64 has no at sign.
	mailLetter = 32

	block  = 8
	stride = 16 * block // before a count could overflow
)

// weight returns one of the counts.
func weight(sum uint64, of int) uint64 {
	switch of {
	case digitWeight:
		return sum >> of
	case endsNumber, endsToken:
		return sum >> of & 0xf
	}
	return sum >> of & 0xff
}

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
		add(openWeight, 1, c == '=' || closes(c) != 0)
		add(wideWeight, 1, mayLookAlike(c) && c != 0xe3)
		add(digitWeight, mailLetter, c >= 'A' && c <= 'D' || c == 'Q')
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
		letters   bool   // of base64's at sign were among the digits
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
			if number = number - digits + digits%mailLetter; number >= minDigits || anyEncodedAt(s, i, i+block) {
				return anything
			}
			digits %= mailLetter
			letters = true
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
			if sum &= 0xff<<dotWeight | 0xff<<colonWeight | 0xff<<openWeight; i > 0 {
				sum &^= 0xff << openWeight // else it would not tell one from two
			}
		}
	}
	for ; i < len(s); i++ {
		w := weights[s[i]]
		sum += w
		digits := weight(w, digitWeight)
		if digits >= mailLetter {
			if anyEncodedAt(s, i, i+1) {
				return anything
			}
			digits, letters = 0, true
		}
		number += digits
	}
	seen |= sum
	// A spelled address has a dot, too, perhaps in brackets.
	oneOpens := len(s) <= stride && weight(sum, openWeight) == 1 && weight(seen, dotWeight) == 0 && weight(seen, wideWeight) == 0 &&
		suspected == nothingFound && strings.IndexByte(s, 0xe3) < 0
	if number >= minDigits || exceeds(sum) && (weight(sum, colonWeight) >= minColons || !isPlain(s)) ||
		weight(seen, openWeight) != 0 && (anySecretName(s) || !oneOpens && anySpelledAt(s)) ||
		weight(seen, wideWeight) != 0 && anyWide(s) ||
		(letters || weight(seen, digitWeight) != 0) && anyStop(s) {
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

// anySpelledAt reports whether a bracket may open an at sign that is spelled. A domain
// needs a dot too, be it one in brackets or 。.
func anySpelledAt(s string) bool {
	for _, bracket := range brackets {
		for i := strings.IndexByte(s, bracket.opening); i >= 0; {
			if maySpellAt(s[i+1:]) {
				return true
			}
			next := strings.IndexByte(s[i+1:], bracket.opening)
			if next < 0 {
				break
			}
			i += 1 + next
		}
	}
	return false
}

// anyEncodedAt reports whether an address in base64 may have its at sign in s[i:end].
// Words hardly ever have such letters one after the other; what does is looked at.
func anyEncodedAt(s string, i, end int) bool {
	for ; i < end; i++ {
		c := s[i]
		if c-'A' > 'D'-'A' && c != 'Q' {
			continue
		}
		if c == 'Q' && i+1 < len(s) && encodesAt(c, s[i+1]) == 0 || c != 'Q' && i > 0 && encodesAt(s[i-1], c) > 0 {
			if mayEncodeEmail(s, i) {
				return true
			}
		}
	}
	return false
}

// mayEncodeEmail reports whether the letters and digits around i may, once they are
// folded, be an address in base64.
func mayEncodeEmail(s string, i int) bool {
	start, end := i, i
	for start > 0 && is(s[start-1], alnum) {
		start--
	}
	for end < len(s) && is(s[end], alnum) {
		end++
	}
	if start > 0 && mayFold(s[start-1]) || end < len(s) && mayFold(s[end]) {
		return true // only folding can tell
	}
	if end-start >= minToken {
		return true // as any token of such letters
	}
	f := finder{}
	f.text = unsafe.Slice(unsafe.StringData(s), len(s)) // nothing is marked
	return end-start >= shortestEncoded && f.encodesEmail(start, end)
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
	case closes(ascii) != 0:
		return maySpellAt(s[size:])
	}
	const counted = (mailLetter-1)<<digitWeight | 1<<dotWeight | 1<<colonWeight | 1<<escapeWeight | 1<<openWeight
	return is(ascii, token) || weights[ascii]&counted != 0 || ascii == '+'
}
