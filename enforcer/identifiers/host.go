package identifiers

import (
	"net/netip"
	"strings"
)

// The host of an address is the site's, not the user's. But it may be an IP address, as
// of the user's own server or of the line that a name such as 203-0-113-7.example.net
// stands for, and what the site calls a user may be a part of it. Names do not tell
// people from pages, there as in a path.

// maskHost masks the host, which is one by isHost, and appends it with its port.
func maskHost(dst []byte, host string, c *Counts) (out []byte, changed bool) {
	if c == nil {
		c = new(Counts)
	}
	name, port := cutPort(host)
	if isRemoteIP(host) {
		c[IP]++
		return append(append(dst, hostMarks[IP]...), port...), true
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return dst, false // the machine's own
	}
	out, changed = mask(dst, "", name, &asHost, c)
	if !changed {
		return dst, false
	}
	return append(out, port...), true
}

// dashedAddresses finds IPv4 addresses whose dots are hyphens, as in the names that
// providers give to their lines. One of small numbers is a version.
func (f *finder) dashedAddresses() {
	for i := 0; i < len(f.text); i++ {
		if !is(f.text[i], digit) || is(f.at(i-1), digit) || f.goesOn(i) {
			continue
		}
		end, n, large := i, 0, false
		for ; n < 4; n++ {
			start := end
			value := 0
			for end < len(f.text) && end < start+4 && is(f.text[end], digit) {
				value = value*10 + int(f.text[end]-'0')
				end++
			}
			if end == start || value > 255 {
				break
			}
			large = large || value >= 32
			if n < 3 {
				if f.at(end) != '-' {
					break
				}
				end++
			}
		}
		f.steps += end - i + 1
		if n == 4 && large && !is(f.at(end), digit) && !(f.at(end) == '-' && is(f.at(end+1), digit)) {
			f.mark(i, end, IP)
			i = end
		}
	}
}

// goesOn reports whether a number and a hyphen stand before i, so that the one at i is
// not the first. That of FL1-203-0-113-7 is part of a name.
func (f *finder) goesOn(i int) bool {
	if f.at(i-1) != '-' {
		return false
	}
	start := i - 1
	for is(f.at(start-1), digit) {
		start--
	}
	f.steps += i - start
	return start < i-1 && !is(f.at(start-1), letter)
}
