package identifiers

import (
	"bytes"
	"strings"
)

// IdentifierLike reports whether a path segment looks like an identifier, a
// token or a direct identifier rather than like words: numbers of six or more
// digits that are no date, UUIDs, hexadecimal and base64 tokens, mixtures of
// letters and digits, letters that no word is made of, handles such as @taro and ~taro. Slugs, years, dates, page numbers
// and product names are not identifier-like. The segment may be
// percent-encoded.
func IdentifierLike(segment string) bool {
	if plainWord(segment) {
		return unlikelyWord(segment)
	}
	room := scratches.Get().(*scratch)
	f := finder{folded: room.fold(segment), form: &asAnonymous}
	like := f.at(0) == '@' || f.at(0) == '~' || f.isDashedEmail() || f.paddedBase64() || numericSegment(f.text) || f.mixedPiece() || unlikelyWord(f.text)
	if !like {
		f.find()
		like = f.found || f.sawUUID
	}
	room.release(len(segment))
	return like
}

// plainWord settles the commonest segments: short and of small letters.
func plainWord(s string) bool {
	for i := range len(s) {
		if !is(s[i], lower) && (s[i] != '-' || i > 0 && s[i-1] == '-') { // xn--
			return false
		}
	}
	return len(s) < 16 && !strings.Contains(s, "-dot-") // see isDashedEmail
}

// isDashedEmail reports whether the segment is an e-mail address as slugs are made of
// one: taro-at-example-com has lost too much, but taro_at_example.com and
// taro-at-example-dot-com have not. An internationalised name in ASCII hides what it is.
func (f *finder) isDashedEmail() bool {
	if bytes.Contains(f.text, []byte("xn--")) {
		return true
	}
	for _, at := range [...]string{"-at-", "_at_", ".at.", "+at+"} {
		i := bytes.Index(f.text, []byte(at))
		if i <= 0 {
			continue
		}
		domain := f.text[i+len(at):]
		if bytes.Contains(domain, []byte{at[0], 'd', 'o', 't', at[0]}) {
			return true
		}
		if dot := bytes.LastIndexByte(domain, '.'); dot > 0 && isDomainEnd(string(domain[dot+1:])) {
			return true
		}
	}
	return false
}

// isDomainEnd reports whether a domain of mail ends so, rather than a file's name.
func isDomainEnd(s string) bool {
	switch s {
	case "com", "net", "org", "info", "biz", "io", "jp", "de", "fr", "uk", "eu", "ch", "it", "es", "nl", "us", "ca", "au", "cn", "kr", "tw", "in", "br", "edu", "gov", "me", "dev", "app":
		return true
	}
	return false
}

// paddedBase64 reports whether the segment ends as base64 does.
func (f *finder) paddedBase64() bool {
	return len(f.text) >= 8 && f.text[len(f.text)-1] == '='
}

// numericSegment reports whether the segment is a number, perhaps in groups or
// with a file's ending, of six or more digits.
func numericSegment(text []byte) bool {
	const longest = 14
	var digits [longest]byte
	n := 0
	for i, b := range text {
		switch {
		case is(b, digit):
			if n < longest {
				digits[n] = b
			}
			n++
		case b == '.' && n > 0 && isExtension(text[i+1:]):
			return n >= 6 && !isDate(digits[:min(n, longest)], n)
		case is(b, letter) || b >= 0x80:
			return false
		}
	}
	return n >= 6 && !isDate(digits[:min(n, longest)], n)
}

func isExtension(text []byte) bool {
	for _, b := range text {
		if !is(b, letter) {
			return false
		}
	}
	return len(text) <= 5
}

// isDate reports whether n digits read as yyyymm, yyyymmdd, or these with a
// time.
func isDate(digits []byte, n int) bool {
	if n != 6 && n != 8 && n != 12 && n != 14 {
		return false
	}
	two := func(i int) int { return int(digits[i]-'0')*10 + int(digits[i+1]-'0') }
	if century := two(0); century != 19 && century != 20 || two(4) < 1 || two(4) > 12 {
		return false
	}
	return n == 6 || two(6) >= 1 && two(6) <= 31 && (n == 8 || two(8) < 24 && two(10) < 60)
}

// mixedPiece reports whether one of the pieces between punctuation is no word.
func (f *finder) mixedPiece() bool {
	for i := 0; i < len(f.text); {
		end := f.run(i, alnum)
		if end > i && isMixed(f.text[i:end]) {
			return true
		}
		i = end + 1
	}
	return false
}

func isMixed(piece []byte) bool {
	s := shapeOf(piece)
	n := len(piece)
	switch {
	case n < 8: // 3xY9kQz, but neither mp3 nor ps5slim
		return n >= 5 && s.digits >= 2 && s.letters >= 2 && s.changes >= 3
	case s.letters == 0:
		return !isDate(piece[:min(n, 14)], n)
	case s.digits == 0:
		return n >= 10 && s.changes*3 >= n || n >= 16 && vowels(piece)*6 < n
	case s.hexLong(n):
		return true
	case n >= 16:
		return s.digits >= 2 && s.changes*4 >= n || s.digitRun >= 7
	}
	return s.digits >= 2 && s.changes >= 4 && s.changes*3 >= n || s.digitRun >= 7 && !endsInDate(piece)
}

// hexLong reports whether the piece is a hexadecimal token.
func (s *shape) hexLong(n int) bool {
	return s.hexes == n && (s.changes >= 2 || n >= 16)
}

// endsInDate reports whether the last eight characters are a date.
func endsInDate(piece []byte) bool {
	last := piece[len(piece)-8:]
	return allDigits(last) && isDate(last, 8)
}

func vowels(piece []byte) (n int) {
	for _, b := range piece {
		switch lowered(b) {
		case 'a', 'e', 'i', 'o', 'u', 'y':
			n++
		}
	}
	return n
}

// isPerson reports whether the segment after this one names a person, or is what one
// typed to search for.
func isPerson(segment string) bool {
	switch strings.ToLower(segment) {
	case "u", "user", "users", "member", "members", "profile", "profiles", "account", "accounts",
		"customer", "customers", "people", "person", "patient", "patients", "student", "students", "employee", "employees",
		"search", "query", "検索", "%e6%a4%9c%e7%b4%a2":
		return true
	}
	return false
}

// isAction reports whether the segment is what one does at such a place.
func isAction(segment string) bool {
	switch strings.ToLower(segment) {
	case "new", "create", "edit", "update", "delete", "search", "results", "result", "advanced", "list", "all", "index", "index.html", "me", "self",
		"login", "logout", "signin", "signout", "signup", "register", "registration", "join", "activate", "confirm", "verify",
		"password", "reset", "settings", "preferences", "notifications", "security", "privacy", "help", "guide", "faq", "terms",
		"orders", "order", "history", "favorites", "wishlist", "cart", "points", "coupons", "address", "payment", "billing", "subscription":
		return true
	}
	return false
}
