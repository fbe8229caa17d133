package identifiers

import (
	"bytes"
	"net/netip"
	"unsafe"
)

// addresses6 finds IPv6 addresses (RFC 4291, section 2.2).
func (f *finder) addresses6() {
	next := 0
	for i := range f.each(':') {
		if i < next {
			continue
		}
		start := i
		for start > 0 && is(f.text[start-1], hex) && start > i-5 {
			start--
		}
		end := i
		for end < len(f.text) && isAddress6(f.text[end]) {
			end++
		}
		f.steps += end - start
		next = end
		if last := f.address6(start, end); last > 0 {
			f.mark(start, last, IP)
		} else if last := f.address6(i+1, end); last > 0 { // id:2001:db8::1
			f.mark(i+1, last, IP)
		}
	}
}

func isAddress6(b byte) bool { return b == ':' || b == '.' || is(b, hex) }

// address6 returns the end of the address that is text[i:end], but for
// punctuation after it; 0 when it is none. Times and the names of programs
// have colons too.
func (f *finder) address6(i, end int) int {
	for end > i && (f.text[end-1] == '.' || f.text[end-1] == ':' && f.at(end-2) != ':') {
		end--
	}
	if is(f.at(i-1), alnum) || is(f.at(end), alnum) {
		return 0
	}
	const shortest, longest = len("1::234"), len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
	text := f.text[i:max(i, end)]
	if len(text) < shortest || len(text) > longest {
		return 0
	}
	digits, hexes, colons := 0, 0, 0
	for _, b := range text {
		switch {
		case is(b, digit):
			digits++
			hexes++
		case is(b, hex):
			hexes++
		case b == ':':
			colons++
		}
	}
	if digits == 0 || hexes < 4 || colons < minColons {
		return 0
	}
	if a, err := netip.ParseAddr(string(text)); err != nil || !a.Is6() {
		return 0
	}
	return end
}

// addresses4 finds IPv4 addresses in dotted decimal form.
func (f *finder) addresses4() {
	for start, end := f.nextAddress4(0); end > 0; start, end = f.nextAddress4(end) {
		f.mark(start, end, IP)
	}
}

// anyAddress4 reports whether there is an IPv4 address in s, in ASCII without
// escapes.
func anyAddress4(s string, form *form) bool {
	f := finder{form: form}
	f.text = unsafe.Slice(unsafe.StringData(s), len(s)) // nothing is marked
	_, end := f.nextAddress4(0)
	return end > 0
}

// nextAddress4 returns where the first IPv4 address from i on stands, which is no
// place within a number; end is 0 when there is none.
func (f *finder) nextAddress4(i int) (start, end int) {
	for from := i; ; {
		dot := bytes.IndexByte(f.text[from:], '.')
		if dot < 0 {
			return 0, 0
		}
		dot += from
		if from = f.run(dot+1, digit); from == dot+1 || dot == i || !is(f.text[dot-1], digit) {
			continue
		}
		if f.at(from) != '.' { // nor is there a second dot
			i = from
			continue
		}
		for start = dot - 1; start > i && is(f.text[start-1], digit); {
			start--
		}
		f.steps += dot - start
		end, octets := f.address4(start)
		if octets == 4 && f.isAddress4(start, end) {
			return start, end
		}
		i, from = end, end
	}
}

// address4 returns the end of the numbers joined by dots that start at i, and
// how many octets they are; -1 when one of them is none.
func (f *finder) address4(i int) (end, octets int) {
	for {
		end = f.run(i, digit)
		value := 0
		for _, b := range f.text[i:min(end, i+4)] {
			value = value*10 + int(b-'0')
		}
		if value > 255 || end-i > 3 || end-i > 1 && f.text[i] == '0' {
			octets = -maxDigits
		}
		octets++
		if f.at(end) != '.' || !is(f.at(end+1), digit) {
			return end, max(octets, -1)
		}
		i = end + 1
	}
}

// isAddress4 tells an address from a version or a section.
func (f *finder) isAddress4(i, end int) bool {
	before, after := f.at(i-1), f.at(end)
	switch {
	case is(before, letter) && f.at(i-2) != '\\', before == '.':
		return false
	case is(after, letter), after == '-' && is(f.at(end+1), letter):
		return false
	case i == 0 && after == '.' && (end+1 == len(f.text) || f.text[end+1] == ' ') && octets(f.text[i:end]) < 256: // the number of a section
		return false
	case bytes.HasPrefix(f.text[end:], []byte("節")), bytes.HasPrefix(f.text[end:], []byte("章")):
		return false
	case before == '/' && !f.isURL && is(f.at(i-2), letter) && !f.inURL(i): // Chrome/120.0.0.0
		return false
	}
	// A version's numbers are small.
	return octets(f.text[i:end]) >= 256 || !versionWords.precede(f, i)
}

// octets adds up the octets of an address.
func octets(address []byte) (sum int) {
	value := 0
	for _, b := range address {
		if b == '.' {
			sum, value = sum+value, 0
		} else {
			value = value*10 + int(b-'0')
		}
	}
	return sum + value
}

// inURL reports whether an address's :// stands shortly before i.
func (f *finder) inURL(i int) bool {
	const reach = 128
	text := f.text[max(0, i-reach):i]
	f.steps += len(text)
	return bytes.Contains(text[bytes.LastIndexByte(text, ' ')+1:], []byte("://"))
}
