package enforcer

import "strings"

// Bounds of what is kept of a page's path.
const (
	maxSegments = 8  // the rest goes
	maxSegment  = 48 // bytes of one, decoded
	maxCodes    = 2  // short segments with digits, one after the other
)

// idSegment stands for a segment of a path that could be an identifier.
const idSegment = "%5Bid%5D"

// appendPath appends the path, with a mark for what could be an identifier:
// what [identifiers.AnonymiseURL] marked, what is not plain, and what is spread over
// directories, as in /12/34/56.
func appendPath(b []byte, path string) []byte {
	var room [maxSegments]string
	segments, more := room[:0], false
	var codes codes
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" {
			continue
		}
		if more = len(segments) == maxSegments; more {
			break
		}
		if !plainSegment(segment) {
			segment = idSegment
		}
		segments = append(segments, segment)
		codes.add(segments)
	}
	for _, segment := range segments {
		b = append(append(b, '/'), segment...)
	}
	if len(segments) == 0 || !more && strings.HasSuffix(path, "/") {
		b = append(b, '/')
	}
	return b
}

// codes finds segments so short that each is none, and that together are an
// identifier.
type codes struct {
	n     int // that precede
	first int // of them
	dated int // parts of a date that precede: a year, a month, a day
}

// add looks at the last of the segments, and marks it and those before when they
// are too many.
func (c *codes) add(segments []string) {
	last := len(segments) - 1
	segment := segments[last]
	switch {
	case isYear(segment):
		*c = codes{dated: 1}
	case c.dated > 0 && c.dated < 3 && len(segment) <= 2 && isDigits(segment):
		c.dated++
	case isCode(segment):
		if c.n++; c.n == 1 {
			c.first = last
		}
		c.dated = 0
	case len(segment) > 2:
		*c = codes{}
	}
	if c.n <= maxCodes {
		return
	}
	for i := c.first; i <= last; i++ {
		if isCode(segments[i]) {
			segments[i] = idSegment
		}
	}
}

// isCode reports whether the segment, but for a file's ending, is short and has a
// digit.
func isCode(segment string) bool {
	segment, _, _ = strings.Cut(segment, ".")
	return len(segment) <= 4 && strings.ContainsAny(segment, "0123456789")
}
