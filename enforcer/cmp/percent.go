package cmp

import "strings"

// unescape decodes percent-encoding, and "+" as a space where plus is set, into
// the scratch. It returns s itself where there is nothing to decode.
func (c *Choices) unescape(s string, plus bool) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && !(plus && strings.IndexByte(s, '+') >= 0) {
		return s, true
	}
	from := len(c.scratch)
	for i := 0; i < len(s); i++ {
		b := s[i]
		switch {
		case b == '%':
			if i+2 >= len(s) {
				return "", false
			}
			high, low := nibble(s[i+1]), nibble(s[i+2])
			if high > 15 || low > 15 {
				return "", false
			}
			b = high<<4 | low
			i += 2
		case b == '+' && plus:
			b = ' '
		}
		c.scratch = append(c.scratch, b)
	}
	return share(c.scratch[from:]), true
}

// nibble returns the value of a hexadecimal digit, more than 15 if it is none.
func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
