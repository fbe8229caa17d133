package identifiers

import (
	"net/netip"
	"strings"
)

// address says where the parts of an address are (RFC 3986, section 3).
type address struct {
	user int // where user and password start: after "//"
	host int // where the host starts: after the @ of these, if any
	path int // where path, query or fragment start: after the port
}

// split finds the parts of any text; one without an authority is all path.
func split(url string) (a address) {
	authority := strings.Index(url, "//")
	if authority < 0 || authority > 0 && !isScheme(url[:authority]) {
		return a
	}
	a.user = authority + 2
	a.host, a.path = a.user, len(url)
	for i := a.user; i < len(url); i++ {
		switch url[i] {
		case '@':
			a.host = i + 1
		case '/', '?', '#':
			a.path = i
			return a
		}
	}
	return a
}

// isScheme reports whether s is a scheme with its colon.
func isScheme(s string) bool {
	for i := range len(s) - 1 {
		if !is(s[i], alnum) && s[i] != '+' && s[i] != '-' && s[i] != '.' {
			return false
		}
	}
	return len(s) > 1 && s[len(s)-1] == ':' && is(s[0], letter)
}

// isHost reports whether s reads as a host and perhaps a port.
func isHost(s string) bool {
	literal := strings.HasPrefix(s, "[")
	if literal {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		if _, err := netip.ParseAddr(s[1:end]); err != nil {
			return false
		}
		s = s[end+1:]
	}
	name, port, _ := strings.Cut(s, ":")
	wide := false
	for i := range len(name) {
		b := name[i]
		if b < 0x80 && b != '_' && !is(b, domain) || b == dash {
			return false
		}
		wide = wide || b >= 0x80
	}
	return literal == (name == "") && len(port) <= 5 && allDigits(port) && (!wide || !anyWide(name))
}

// isRemoteIP reports whether the host, which is one by isHost, is an IP
// address of another machine than one's own.
func isRemoteIP(host string) bool {
	name := host
	if strings.HasPrefix(host, "[") {
		name = host[1:strings.IndexByte(host, ']')]
	} else if colon := strings.IndexByte(host, ':'); colon >= 0 {
		name = host[:colon]
	}
	if name == "" || !is(name[len(name)-1], hex) {
		return false
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && !ip.IsLoopback()
}
