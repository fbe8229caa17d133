package cmp

import (
	"strconv"
	"strings"
)

// cookiebotCategories are fixed; every value names all four.
var cookiebotCategories = [...]string{"necessary", "preferences", "statistics", "marketing"}

// DecodeCookiebot decodes Cookiebot's cookie CookieConsent:
//
//	{stamp:'…',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit',ver:1,utc:1760000000000,region:'de'}
//
// with its quotes and commas percent-encoded. Only the method explicit is the
// user's choice; a missing one is an old cookie, and implied. The stamp -1, as
// the whole value -1, says that the place needs no consent, which is the
// jurisdiction's to know: it is silence. The whole value 0 is a refusal.
//
// utc is given as Chosen, iab2 as TC. gacm is given as AC where it is written
// out; Cookiebot also packs it, and then it is left aside.
func (c *Choices) DecodeCookiebot(value string) error {
	c.reset(Cookiebot)
	return c.done(c.cookiebot(value))
}

func (c *Choices) cookiebot(value string) Error {
	if len(value) > MaxValue {
		return ErrTooLong
	}
	if value == "-1" || value == "0" {
		for _, category := range cookiebotCategories {
			if e := c.add(category, value == "-1" || category == "necessary"); e != 0 {
				return e
			}
		}
		c.settle(false)
		return 0
	}
	text, ok := c.unescape(value, false)
	if !ok {
		return ErrEncoding
	}
	s := cookiebotScanner{rest: text}
	var method, stamp, utc string
	for s.next() {
		e := Error(0)
		switch s.key {
		case "necessary", "preferences", "statistics", "marketing":
			if s.quoted || s.value != "true" && s.value != "false" {
				return ErrSyntax
			}
			e = c.add(s.key, s.value == "true")
		case "method":
			if !s.quoted || s.value != "explicit" && s.value != "implied" {
				return ErrSyntax
			}
			e = once(&method, s.value)
		case "stamp":
			if !s.quoted || s.value == "" {
				return ErrSyntax
			}
			e = once(&stamp, s.value)
		case "utc":
			if c.Chosen, ok = milliseconds(s.value); !ok || s.quoted {
				return ErrSyntax
			}
			e = once(&utc, s.value)
		case "iab2":
			if !s.quoted {
				return ErrSyntax
			}
			e = once(&c.TC, s.value)
		case "gacm":
			if isAC(s.value) {
				e = once(&c.AC, s.value)
			}
		}
		if e != 0 {
			return e
		}
	}
	if !s.ended {
		return ErrSyntax
	}
	if c.n != len(cookiebotCategories) {
		return ErrIncomplete
	}
	c.settle(method == "explicit" && stamp != "-1")
	return 0
}

// milliseconds reads a time as JavaScript's Date.now gives it.
func milliseconds(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 53)
	return int64(n), err == nil && n > 0
}

// once sets a text that may be said once.
func once(text *string, value string) Error {
	if *text != "" {
		return ErrDuplicate
	}
	*text = value
	return 0
}

// isAC accepts an Additional Consent string that is written out. Whether it is
// well-formed is its decoder's to say.
func isAC(s string) bool {
	return (strings.HasPrefix(s, "1~") || strings.HasPrefix(s, "2~")) && strings.Trim(s, "0123456789.~dv") == ""
}

// cookiebotScanner reads the members of `{key:value,key:'value'}`, spaces
// between them allowed.
type cookiebotScanner struct {
	rest       string
	begun      bool
	ended      bool // the closing brace was there, and nothing after it
	key, value string
	quoted     bool
}

// next reads a member; false at the end, and where there is none.
func (s *cookiebotScanner) next() bool {
	open := byte(',')
	if !s.begun {
		s.begun, open = true, '{'
	} else if s.take('}') {
		s.ended = s.rest == ""
		return false
	}
	if !s.take(open) {
		return false
	}
	s.space()
	if s.key = s.word(false); s.key == "" || !s.take(':') {
		return false
	}
	if s.quoted = s.take('\''); s.quoted {
		var closed bool
		s.value, s.rest, closed = strings.Cut(s.rest, "'")
		return closed
	}
	s.space()
	s.value = s.word(true)
	return s.value != ""
}

func (s *cookiebotScanner) space() { s.rest = strings.TrimLeft(s.rest, " ") }

// take takes the byte if it is next, after spaces.
func (s *cookiebotScanner) take(b byte) bool {
	s.space()
	if s.rest == "" || s.rest[0] != b {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// word takes letters, digits and underscores, and in values also . and -.
func (s *cookiebotScanner) word(value bool) string {
	i := 0
	for i < len(s.rest) && (isWord(s.rest[i]) || value && (s.rest[i] == '.' || s.rest[i] == '-')) {
		i++
	}
	word := s.rest[:i]
	s.rest = s.rest[i:]
	return word
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}
