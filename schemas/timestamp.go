package schemas

import (
	"errors"
	"time"
)

var errNotTimestamp = errors.New("not an RFC 3339 time")

// ParseTime reads RFC 3339 text with upper-case T and Z and at most nine
// digits of fraction. Leap seconds are not times here, nor is a time that
// falls out of the years 0 to 9999 in UTC. The error does not quote the text.
func ParseTime(text string) (time.Time, error) {
	if t, ok := parseUTC(text); ok {
		return t, nil
	}
	// time.Parse alone is too lenient: it takes 9:00:00, a comma before the
	// fraction and zones of more than a day.
	if !isTimestamp(text) {
		return time.Time{}, errNotTimestamp
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, errNotTimestamp
	}
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return time.Time{}, errNotTimestamp
	}
	return t, nil
}

// parseUTC reads what most times are, a time that ends with Z, in a quarter of the
// time that time.Parse takes.
func parseUTC(s string) (time.Time, bool) {
	last := len(s) - 1
	if last < 19 || s[last] != 'Z' || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	year, month, day := 100*twoDigits(s[:2])+twoDigits(s[2:]), twoDigits(s[5:]), twoDigits(s[8:])
	hour, minute, second := twoDigits(s[11:]), twoDigits(s[14:]), twoDigits(s[17:])
	if year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	nanoseconds, unit := 0, 1_000_000_000
	if fraction := s[19:last]; fraction != "" {
		if len(fraction) < 2 || len(fraction) > 10 || fraction[0] != '.' || !isDigits(fraction[1:]) {
			return time.Time{}, false
		}
		for i := 1; i < len(fraction); i++ {
			unit /= 10
			nanoseconds += int(fraction[i]-'0') * unit
		}
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanoseconds, time.UTC), true
}

// twoDigits reads the number that s begins with; one that is too large for all that
// has two digits when there is none.
func twoDigits(s string) int {
	tens, ones := s[0]-'0', s[1]-'0'
	if tens > 9 || ones > 9 {
		return 10_000
	}
	return 10*int(tens) + int(ones)
}

func daysIn(year, month int) int {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4, month == 6, month == 9, month == 11:
		return 30
	}
	return 31
}

// FormatTime appends the time in the form that records carry: RFC 3339 in
// UTC with milliseconds.
func FormatTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	}
	hour, minute, second := t.Clock()
	milliseconds := t.Nanosecond() / 1e6
	b = appendTwoDigits(appendTwoDigits(b, year/100), year%100)
	b = appendTwoDigits(append(b, '-'), int(month))
	b = appendTwoDigits(append(b, '-'), day)
	b = appendTwoDigits(append(b, 'T'), hour)
	b = appendTwoDigits(append(b, ':'), minute)
	b = appendTwoDigits(append(b, ':'), second)
	return append(appendTwoDigits(append(b, '.'), milliseconds/10), byte('0'+milliseconds%10), 'Z')
}

func appendTwoDigits(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// isTimestamp accepts the shape of a time; whether there is such a day and
// hour is for the parser to say.
func isTimestamp(s string) bool {
	const shape = "0000-00-00T00:00:00"
	if len(s) <= len(shape) || !hasShape(s[:len(shape)], shape) {
		return false
	}
	zone := s[len(shape):]
	if zone[0] == '.' {
		n := countDigits(zone[1:])
		if n == 0 || n > 9 {
			return false
		}
		zone = zone[1+n:]
	}
	if zone == "Z" {
		return true
	}
	return (hasShape(zone, "+00:00") || hasShape(zone, "-00:00")) && zone[1:3] < "24" && zone[4:] < "60"
}

// isDate accepts the shape of a date, the version of a policy.
func isDate(s string) bool { return hasShape(s, "0000-00-00") }

// hasShape reports whether s has a digit where shape has 0 and is equal to it
// elsewhere.
func hasShape(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if shape[i] == '0' {
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		} else if s[i] != shape[i] {
			return false
		}
	}
	return true
}
