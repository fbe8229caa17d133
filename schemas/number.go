package schemas

import (
	"math"
	"strconv"
	"strings"
)

// maxNumberText is the longest number, in bytes. A float64 needs 24 of them;
// a longer one could carry anything in its digits.
const maxNumberText = 32

// parseNumber reads a number of RFC 8259, section 6, which is stricter than
// strconv: what passes can be written into JSON as it is.
func parseNumber(text string) (float64, bool) {
	if n, ok := parseWhole(text); ok { // as most are
		return n, true
	}
	if len(text) > maxNumberText || !isNumber(text) {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil // an error is a number beyond float64
}

// parseWhole reads a number that is written with digits only, so few that a float64
// holds it exactly.
func parseWhole(text string) (float64, bool) {
	if len(text) == 0 || len(text) > 15 || len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	n := int64(0)
	for i := range len(text) {
		digit := text[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = n*10 + int64(digit)
	}
	return float64(n), true
}

func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := countDigits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if fraction, ok := strings.CutPrefix(s, "."); ok {
		n := countDigits(fraction)
		if n == 0 {
			return false
		}
		s = fraction[n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return isDigits(s)
}

// wholeNumber writes 1.0 and 1e3, which are whole numbers in JSON, with digits
// only. It leaves what is not a whole number as it is.
func wholeNumber(text string) string {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return text
	}
	return strconv.FormatFloat(n+0, 'f', -1, 64) // -0 + 0 is 0
}

func isDigits(s string) bool { return s != "" && countDigits(s) == len(s) }

// countDigits returns how many digits s begins with.
func countDigits(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}
