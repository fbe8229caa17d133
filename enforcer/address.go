package enforcer

import (
	"slices"
	"strings"
	"unsafe"

	"sekisho/enforcer/identifiers"
)

// Bounds of what is kept of a page's address.
const (
	maxSegments   = 8  // of the path; the rest goes
	maxSegment    = 48 // bytes of one, decoded
	maxParameters = 8
)

// idSegment stands for a segment of a path that could be an identifier.
const idSegment = "%5Bid%5D"

// appendPage appends what an anonymised event keeps of the address of a page
// of the site: origin, path and allowed parameters. The address of another
// site's page, or of no page, is left out.
func (s *Site) appendPage(b []byte, address string) []byte {
	start := len(b)
	b = identifiers.AnonymiseURL(b, address, noParameter)
	end := len(b)
	origin, path := cutOrigin(view(b[start:]))
	if b = s.appendOwn(b, origin); len(b) > end {
		b = appendPath(b, path)
		address, _, _ = strings.Cut(address, "#")
		_, query, _ := strings.Cut(address, "?")
		b = s.appendParameters(b, query)
	}
	return append(b[:start], b[end:]...)
}

func noParameter(string) bool { return false }

// view views bytes as text for as long as they are not written to.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// cutOrigin cuts an http or https address before its path.
func cutOrigin(address string) (origin, path string) {
	_, rest, _ := strings.Cut(address, "://")
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return address, ""
	}
	at := len(address) - len(rest) + slash
	return address[:at], address[at:]
}

// appendOwn appends the origin when it is the site's own; without the port on
// the local host, where the policy may allow any.
func (s *Site) appendOwn(b []byte, origin string) []byte {
	if !s.Origin(origin) {
		return b
	}
	scheme, host, _ := strings.Cut(origin, "//")
	for _, local := range [...]string{"localhost:", "127.0.0.1:", "[::1]:"} {
		if strings.HasPrefix(host, local) {
			return append(append(append(b, scheme...), "//"...), local[:len(local)-1]...)
		}
	}
	return append(b, origin...)
}

// appendPath appends the path, with a mark for what could be an identifier:
// what [identifiers.AnonymiseURL] marked, what is long, and any number of
// three digits or more that is no year.
func appendPath(b []byte, path string) []byte {
	segments := 0
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" {
			continue
		}
		if segments++; segments > maxSegments {
			break
		}
		b = append(b, '/')
		if decodedLen(segment) > maxSegment || hasNumber(segment) {
			segment = idSegment
		}
		b = append(b, segment...)
	}
	if segments == 0 || segments <= maxSegments && strings.HasSuffix(path, "/") {
		b = append(b, '/')
	}
	return b
}

// decodedLen is the length of a percent-encoded text.
func decodedLen(s string) int { return len(s) - 2*strings.Count(s, "%") }

// hasNumber reports whether the segment has a number of three digits or more
// that is neither a year nor a date. The digits of escapes are none.
func hasNumber(s string) bool {
	for i := 0; i < len(s); {
		if s[i] == '%' {
			i += 3
			continue
		}
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		if n := s[start:i]; len(n) >= 3 && !isYear(n) && !isCompactDate(n) {
			return true
		}
		if i == start {
			i++
		}
	}
	return false
}

// isCompactDate accepts yyyymm and yyyymmdd.
func isCompactDate(s string) bool {
	if len(s) != 6 && len(s) != 8 || !isYear(s[:4]) || s[4:6] < "01" || s[4:6] > "12" {
		return false
	}
	return len(s) == 6 || s[6:] >= "01" && s[6:] <= "31"
}

// appendParameters appends the parameters that the policy keeps and whose
// values are plain, each once and ordered by name: their order could tell
// something too.
func (s *Site) appendParameters(b []byte, query string) []byte {
	var room [maxParameters]string
	kept := room[:0]
	for query != "" && len(kept) < maxParameters {
		var parameter string
		parameter, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(parameter, "=")
		if s.keepsParameter(name) && plainValue(value) == value && value != "" && !hasName(kept, name) {
			kept = append(kept, parameter)
		}
	}
	slices.Sort(kept)
	for i, parameter := range kept {
		if i == 0 {
			b = append(b, '?')
		} else {
			b = append(b, '&')
		}
		b = append(b, parameter...)
	}
	return b
}

// keepsParameter reports whether a parameter of the name is kept. Where the
// policy gives only the beginning of a name, the rest is the client's.
func (s *Site) keepsParameter(name string) bool {
	if strings.HasPrefix(name, "utm_") && !isCampaign(name) {
		return false
	}
	return s.query.names[name] || s.query.keeps(name) && plainName(name) == name
}

func hasName(parameters []string, name string) bool {
	return slices.ContainsFunc(parameters, func(p string) bool {
		return strings.HasPrefix(p, name) && p[len(name)] == '='
	})
}
