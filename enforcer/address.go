package enforcer

import (
	"slices"
	"strings"
	"unsafe"

	"sekisho/enforcer/identifiers"
)

// maxParameters is the most that is kept of a page's address.
const maxParameters = 8

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
