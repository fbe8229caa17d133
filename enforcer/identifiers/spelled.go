package identifiers

import (
	"strings"
	"unicode/utf8"
)

// Addresses that people disguise from programs: the at sign and the dots are words in
// brackets, as in taro(at)example(dot)com and taro [at] example.com.

// brackets are those that such words stand in. Full-width ones are folded.
var brackets = [...]struct{ opening, closing byte }{{'(', ')'}, {'[', ']'}}

var (
	atWords  = [...]string{"at", "アット", "アットマーク", "あっと", "@"}
	dotWords = [...]string{"dot", "ドット", "どっと", "."}
)

// spelledEmails finds those whose at sign is in such brackets.
func (f *finder) spelledEmails(bracket byte) {
	after := 0
	for i := range f.each(bracket) {
		if i < after {
			continue
		}
		right := f.spelled(i, atWords[:])
		if right == 0 {
			continue
		}
		left := i
		for left > after && f.text[left-1] == ' ' {
			left--
		}
		f.steps += i - left
		if left < i && f.at(left-1) >= utf8.RuneSelf {
			continue // a sentence of no spaces before it
		}
		end := f.mailDomain(f.skipSpaces(right))
		if start := f.localPart(after, left); end > 0 && start < left {
			f.mark(start, end, Email)
			after = end
		}
	}
}

// spelled returns the end of one of the words in brackets that starts at i, or 0.
func (f *finder) spelled(i int, words []string) int {
	closing := closes(f.at(i))
	if closing == 0 {
		return 0
	}
	i = f.skipSpaces(i + 1)
	for _, word := range words {
		f.steps += len(word)
		if len(f.text)-i < len(word) || !endsWith(f.text[:i+len(word)], word) {
			continue
		}
		if end := f.skipSpaces(i + len(word)); f.at(end) == closing {
			return end + 1
		}
	}
	return 0
}

// closes returns the bracket that closes what the byte opens; 0 when it opens nothing.
func closes(b byte) byte { return closing[b] }

var closing = func() (table [256]byte) {
	for _, bracket := range brackets {
		table[bracket.opening] = bracket.closing
	}
	return table
}()

// spelledDot returns where the text after a dot in brackets goes on, spaces around it
// left out, or 0 when there is none at i.
func (f *finder) spelledDot(i int) int {
	if end := f.spelled(f.skipSpaces(i), dotWords[:]); end > 0 {
		return f.skipSpaces(end)
	}
	return 0
}

// spelledDotBefore returns where the dot in brackets that ends at i starts, spaces
// before it left out, not before from; 0 when there is none.
func (f *finder) spelledDotBefore(from, i int) int {
	if last := f.at(i - 1); is(last, alnum) || last >= utf8.RuneSelf {
		return 0
	}
	const longest = len("( ドット )  ")
	for start := i - 1; start > from && start >= i-longest; start-- {
		f.steps++
		if closes(f.text[start]) == 0 {
			continue
		}
		if f.spelledDot(start) != i {
			return 0
		}
		for start > from+1 && f.text[start-1] == ' ' {
			start--
		}
		return start
	}
	return 0
}

// skipSpaces returns i, or where two spaces at most that are there end. In a query they
// may be written +.
func (f *finder) skipSpaces(i int) int {
	for n := 0; n < 2 && (f.at(i) == ' ' || f.at(i) == '+'); n++ {
		i++
	}
	return i
}

// maySpellAt reports whether what is behind a bracket may, once it is folded, spell an
// at sign. Sentences in brackets may begin with the word.
func maySpellAt(s string) bool {
	s = cutSpaces(s)
	for i := range len("at") {
		switch {
		case i >= len(s):
			return false
		case s[i] == 0xe3:
			return i > 0 || strings.HasPrefix(s, "アット") || strings.HasPrefix(s, "あっと") || mayChange(s)
		case mayFold(s[i]):
			return true // only folding can tell
		case s[i]|0x20 != "at"[i]:
			return false
		}
	}
	s = cutSpaces(s[len("at"):])
	return s != "" && !is(s[0], alnum)
}

// mayFold reports whether folding may make another character of what begins with the
// byte.
func mayFold(b byte) bool { return b == '%' || b == '\\' || b == '&' || mayLookAlike(b) }

// mayChange reports whether folding may make another character of the one that s
// starts with, which 0xe3 leads.
func mayChange(s string) bool {
	if !whole(s) || isFullStop(s) {
		return true
	}
	_, size := lookalike(s)
	return size > 0
}

// cutSpaces cuts off what may stand for spaces.
func cutSpaces(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '+') {
		s = s[1:]
	}
	return s
}
