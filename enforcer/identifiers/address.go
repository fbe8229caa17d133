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

// isHost reports whether s reads as a host and perhaps a port, and whether that is odd:
// it could hold more than names. Most hosts have no room for that.
func isHost(s string) (ok, odd bool) {
	literal := strings.HasPrefix(s, "[")
	if literal {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false, false
		}
		if _, err := netip.ParseAddr(s[1:end]); err != nil {
			return false, false
		}
		s = s[end+1:]
	}
	name, port, _ := strings.Cut(s, ":")
	const fewDigits, longLabel = 4, 20
	wide, digits, label := false, 0, 0 // where the label starts
	for i := range len(name) {
		b := name[i]
		c := classes[b]
		switch {
		case c&lower != 0:
		case b == '.':
			odd = odd || i-label > longLabel
			label = i + 1
		case c&digit != 0:
			digits++
			odd = odd || i == label // perhaps a number
		case c&upper != 0:
			odd = true
		case b >= 0x80:
			wide = true
		case b != '-' && b != '_':
			return false, false
		}
	}
	odd = odd || literal || wide || digits >= fewDigits || len(name)-label > longLabel
	return literal == (name == "") && len(port) <= 5 && allDigits(port) && (!wide || !anyWide(name)), odd
}

// isRemoteIP reports whether the host, which is one by isHost, is an IP
// address of another machine than one's own, in any form that browsers take for one.
func isRemoteIP(host string) bool {
	name, _ := cutPort(host)
	if name == "" {
		return false
	}
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return !ip.IsLoopback()
	}
	return endsInNumber(name)
}

// cutPort cuts a host before the colon of its port.
func cutPort(host string) (name, port string) {
	end := strings.LastIndexByte(host, ':')
	if end < 0 || end < strings.IndexByte(host, ']') {
		return host, ""
	}
	return host[:end], host[end:]
}

// endsInNumber reports whether the last label is a number, which makes an IPv4 address
// of 0x7f.1 and 3405803783 (WHATWG URL, section 3.5).
func endsInNumber(name string) bool {
	name = strings.TrimSuffix(name, ".")
	label := name[strings.LastIndexByte(name, '.')+1:]
	if len(label) >= 2 && label[0] == '0' && label[1]|0x20 == 'x' {
		for i := 2; i < len(label); i++ {
			if !is(label[i], hex) {
				return false
			}
		}
		return true
	}
	return label != "" && allDigits(label)
}
