package identifiers

import (
	"bytes"
	"net/netip"
	"unicode/utf8"
)

// emails finds addr-specs (RFC 5322, section 3.4.1) as people have them,
// quoted and internationalized ones (RFC 6531) too.
func (f *finder) emails() {
	after := 0 // the address before ends here
	for i := range f.each('@') {
		end := f.mailDomain(i + 1)
		if start := f.localPart(after, i); end > 0 && start < i {
			f.mark(start, end, Email)
			after = end
		} else {
			after = i + 1
		}
	}
	for i := range len(brackets) {
		f.spelledEmails(brackets[i].opening)
	}
}

// localPart returns where the local part before the @ at i starts, not before
// from; i when there is none.
func (f *finder) localPart(from, i int) int {
	start := i
	for start > from {
		if is(f.text[start-1], local) {
			start--
		} else if size := f.letterBefore(from, start); size > 0 && start > i-64 {
			start -= size
		} else {
			break
		}
	}
	f.steps += i - start + 1
	for start < i && (f.text[start] == '.' || f.text[start] == '-' || f.text[start] == '\'' || f.text[start] == '+' || f.text[start] == dash) {
		start++
	}
	switch {
	case start < i:
		if dot := f.spelledDotBefore(from, start); dot > from {
			return f.localPart(from, dot)
		}
		return f.credentials(from, start)
	case i > from && f.text[i-1] == '"':
		return f.quoted(from, i)
	default:
		return f.wideLocalPart(from, i)
	}
}

// letterBefore returns the length of the Latin, Greek or Cyrillic letter beyond ASCII
// that ends at i, 0 when there is none. Words of these have spaces between them.
func (f *finder) letterBefore(from, i int) int {
	if b := f.text[i-1]; b < 0x80 || b >= 0xc0 || i-2 < from {
		return 0
	}
	if lead := f.text[i-2]; lead < 0xc3 || lead > 0xd4 {
		return 0
	}
	return 2
}

// credentials takes in the user of https://user:password@example.com when
// the password looked like the local part.
func (f *finder) credentials(from, start int) int {
	if f.at(start-1) != ':' {
		return start
	}
	i := start - 1
	for i > from && is(f.text[i-1], local) {
		i--
	}
	f.steps += start - i
	if i >= from+3 && i < start-1 && string(f.text[i-3:i]) == "://" {
		return i
	}
	return start
}

// quoted returns the start of the quoted local part that ends at i.
func (f *finder) quoted(from, i int) int {
	sawAlnum := false
	for j := i - 2; j >= from && j >= i-66; j-- {
		f.steps++
		if f.text[j] == '"' {
			if sawAlnum {
				return j
			}
			return i
		}
		sawAlnum = sawAlnum || is(f.text[j], alnum)
	}
	return i
}

// wideLocalPart returns the start of the letters beyond ASCII that end at i.
// Where the sentence before an address ends and the address begins cannot be
// told, but punctuation ends it.
func (f *finder) wideLocalPart(from, i int) int {
	start := i
	for start > from && start > i-64 {
		r, size := utf8.DecodeLastRune(f.text[from:start])
		f.steps++
		if r < 0x3040 || r > 0x9fff { // kana to ideographs
			break
		}
		start -= size
	}
	return start
}

// mailDomain returns the end of the domain that starts at i, or 0.
func (f *finder) mailDomain(i int) int {
	if f.at(i) == '[' {
		return f.domainLiteral(i)
	}
	if f.at(i) >= utf8.RuneSelf {
		return f.wideDomain(i)
	}
	end, labels, numbers := 0, 0, 0
	for {
		stop := i
		for is(f.at(stop), domain) && f.text[stop] != '.' {
			stop++
		}
		f.steps += stop - i + 1
		if stop == i || plain(f.text[i]) == '-' {
			return end
		}
		if labels++; labels > 1 {
			if tld := f.topLevel(i, stop); tld > 0 {
				end = tld
			}
		}
		if b := f.at(stop); end == 0 && b >= utf8.RuneSelf && b < markRest { // müller.de
			return f.wideDomain(i)
		}
		if allDigits(f.text[i:stop]) {
			if numbers++; numbers == labels && numbers > 1 { // a version, as in react@18.2.0
				return 0
			}
		}
		if f.at(stop) == '.' {
			i = stop + 1
		} else if i = f.spelledDot(stop); i == 0 {
			return end
		}
	}
}

// topLevel returns the end of the top-level domain in the label, or 0.
func (f *finder) topLevel(start, stop int) int {
	end := min(f.run(start, letter), stop)
	if stop-start > 4 && string(f.text[start:start+4]) == "xn--" {
		return stop
	}
	if end-start < 2 || end < stop && plain(f.text[end]) != '-' && !is(f.text[end], digit) || isFileType(f.text[start:end]) {
		return 0
	}
	return end
}

// isFileType reports whether what looks like a top-level domain ends the name
// of a file, as in icon@2x.png.
func isFileType(name []byte) bool {
	switch string(name) {
	case "png", "jpg", "jpeg", "gif", "webp", "svg", "avif", "ico", "bmp", "css", "js", "mjs", "json", "html", "htm", "xml", "tgz", "gz", "pdf", "mp4", "woff":
		return true
	}
	return false
}

// domainLiteral returns the end of an address in brackets.
func (f *finder) domainLiteral(i int) int {
	const longest = len("[IPv6:ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]")
	length := bytes.IndexByte(f.text[i:min(len(f.text), i+longest)], ']')
	if length < 0 {
		return 0
	}
	f.steps += length
	literal := bytes.TrimPrefix(f.text[i+1:i+length], []byte("IPv6:"))
	if _, err := netip.ParseAddr(string(literal)); err != nil {
		return 0
	}
	return i + length + 1
}

// wideDomain returns the end of an internationalized domain: a label beyond
// ASCII and a top-level domain, as in 日本語.jp.
func (f *finder) wideDomain(i int) int {
	for end := i; end < len(f.text) && end < i+64; end++ {
		f.steps++
		b := f.text[end]
		if b == '.' && end > i {
			if tld := f.topLevel(end+1, f.run(end+1, letter)); tld > 0 {
				return tld
			}
			return f.wideTopLevel(end + 1)
		}
		if b >= markRest || b < utf8.RuneSelf && !is(b, domain) {
			return 0
		}
	}
	return 0
}

// wideTopLevel returns the end of the Greek or Cyrillic letters that start at i, such as
// рф, when they are two or more; else 0.
func (f *finder) wideTopLevel(i int) int {
	start := i
	for i+1 < len(f.text) && f.text[i] >= 0xcd && f.text[i] <= 0xd4 && f.text[i+1] < 0xc0 && f.text[i+1] >= 0x80 {
		i += 2
	}
	f.steps += i - start
	if i-start < 4 {
		return 0
	}
	return i
}

func allDigits[T string | []byte](b T) bool {
	for i := range len(b) {
		if !is(b[i], digit) {
			return false
		}
	}
	return true
}
