package identifiers

import "strings"

// AnonymiseURL appends what an anonymised event may keep of a page's address:
// scheme, host and port; the path, its identifier-like segments (see
// [IdentifierLike]) and those that follow one such as users replaced by a
// mark, and the others written as RFC 3986, section 6.2.2, has it: which of their
// letters were percent-encoded says nothing of the page; and the query parameters
// that keepParam allows, their names given as they are written, with direct
// identifiers masked. User, password, matrix parameters and fragment go.
//
// It appends nothing when the address is not a valid http or https one, or its
// host is the IP address of another machine.
func AnonymiseURL(dst []byte, url string, keepParam func(name string) bool) []byte {
	a, ok := parse(url)
	if !ok {
		return dst
	}
	rest, _, _ := strings.Cut(url[a.path:], "#")
	path, query, _ := strings.Cut(rest, "?")
	if !isEncoded(path) {
		return dst
	}
	dst = appendOrigin(dst, url, a)
	dst = appendPath(dst, path)
	return appendQuery(dst, query, keepParam)
}

// ReferrerOrigin appends the scheme, host and port of an address (RFC 6454,
// section 6.2), and nothing when AnonymiseURL would append nothing.
func ReferrerOrigin(dst []byte, url string) []byte {
	if a, ok := parse(url); ok {
		return appendOrigin(dst, url, a)
	}
	return dst
}

// parse finds the parts of an http or https address and checks its host.
func parse(url string) (address, bool) {
	a := split(url)
	scheme := url[:max(0, a.user-len("://"))]
	if !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return a, false
	}
	host := url[a.host:a.path]
	ok, odd := isHost(host)
	return a, ok && !(odd && isRemoteIP(host))
}

func appendOrigin(dst []byte, url string, a address) []byte {
	dst = appendLowered(dst, url[:a.user])
	return appendLowered(dst, url[a.host:a.path])
}

func appendLowered(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, lowered(s[i]))
	}
	return dst
}

// idMark stands for an identifier-like segment.
const idMark = "%5Bid%5D"

// appendPath appends the path, segment by segment. A number may take several.
func appendPath(dst []byte, path string) []byte {
	start, afterPerson := len(dst), false
	for len(path) > 0 {
		slash := 0
		for slash < len(path) && path[slash] == '/' {
			slash++
		}
		dst = append(dst, path[:slash]...)
		segment, rest := path[slash:], ""
		if next := strings.IndexByte(segment, '/'); next >= 0 {
			segment, rest = segment[:next], segment[next:]
		}
		path = rest
		segment, _, _ = strings.Cut(segment, ";")
		if segment == "" {
			continue
		}
		from := len(dst)
		if strings.IndexByte(segment, '%') < 0 {
			dst = append(dst, segment...)
		} else {
			dst = appendNormal(dst, segment)
			segment = view(dst[from:])
		}
		marked := afterPerson && !isAction(segment) || IdentifierLike(segment)
		afterPerson = isPerson(segment)
		if marked {
			dst = append(dst[:from], idMark...)
		}
	}
	return maskFrom(dst, start)
}

// appendNormal appends a valid segment without needless escapes.
func appendNormal(dst []byte, segment string) []byte {
	const capitals = "0123456789ABCDEF"
	for i := 0; i < len(segment); i++ {
		if segment[i] != '%' {
			dst = append(dst, segment[i])
			continue
		}
		b := unhex(segment[i+1])<<4 | unhex(segment[i+2])
		if is(b, token) || b == '.' || b == '~' {
			dst = append(dst, b)
		} else {
			dst = append(dst, '%', capitals[b>>4], capitals[b&15])
		}
		i += 2
	}
	return dst
}

// maskFrom masks what was appended from start on.
func maskFrom(dst []byte, start int) []byte {
	if masked, changed := mask(nil, "", view(dst[start:]), &asAnonymous, nil); changed {
		return append(dst[:start], masked...)
	}
	return dst
}

// appendQuery appends the allowed parameters.
func appendQuery(dst []byte, query string, keepParam func(name string) bool) []byte {
	start := len(dst)
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		name, _, _ := strings.Cut(param, "=")
		if name == "" || !keepParam(name) || !isEncoded(param) {
			continue
		}
		if len(dst) == start {
			dst = append(dst, '?')
		} else {
			dst = append(dst, '&')
		}
		dst = append(dst, param...)
	}
	return maskFrom(dst, start)
}

// isEncoded reports whether every percent sign starts an escape and there are
// neither spaces nor controls (RFC 3986, section 2.1).
func isEncoded(s string) bool {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] <= ' ' || s[i] == 0x7f || s[i] == '\\':
			return false
		case s[i] != '%':
		case len(s)-i < 3 || !is(s[i+1], hex) || !is(s[i+2], hex):
			return false
		}
	}
	return true
}
