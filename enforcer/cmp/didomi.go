package cmp

import (
	"encoding/base64"
	"slices"
	"strings"

	"sekisho/schemas"
)

// DecodeDidomi decodes Didomi's cookie didomi_token: base64 of a JSON object
// whose purposes list the enabled and the disabled ones. Only a choice is
// written there, so it is always explicit. Purposes that it does not list are
// silent; those of the IAB framework are in its TC string.
//
// updated is given as Chosen. Legitimate interests are no consent and are not
// read. Vendors are read only in so far as a user who disabled some and enabled
// none has granted nobody anything. The compact form, didomi_dcs, is recognised
// and refused with [ErrUnsupported].
func (c *Choices) DecodeDidomi(value string) error {
	c.reset(Didomi)
	return c.done(c.didomi(value))
}

func (c *Choices) didomi(value string) Error {
	if len(value) > MaxValue {
		return ErrTooLong
	}
	value, ok := c.unescape(value, false)
	if !ok {
		return ErrEncoding
	}
	if isDCS(value) {
		return ErrUnsupported
	}
	text, ok := c.base64(value)
	if !ok {
		return ErrEncoding
	}
	r := c.read(text)
	r.begin('{')
	var purposes, vendors didomiLists
	var updated string
	for r.more('}') {
		switch r.key() {
		case "updated":
			r.fail(once(&updated, r.text()))
			if r.failed == 0 {
				r.fail(c.chosenAt(updated))
			}
		case "purposes":
			purposes.read(&r, func(id string, enabled bool) Error { return c.add(id, enabled) })
		case "vendors":
			vendors.read(&r, func(string, bool) Error { return 0 })
		default:
			r.skip()
		}
	}
	if vendors.disabled > 0 && vendors.enabled == 0 {
		for i := range c.choices[:c.n] {
			c.choices[i].answer = schemas.Refused
		}
	}
	c.Explicit = purposes.seen || vendors.seen
	return r.end()
}

// didomiLists counts what `{"enabled":[…],"disabled":[…]}` lists.
type didomiLists struct {
	seen, seenEnabled, seenDisabled bool
	enabled, disabled               int
}

func (l *didomiLists) read(r *reader, each func(id string, enabled bool) Error) {
	if l.seen {
		r.fail(ErrDuplicate)
	}
	l.seen = true
	r.begin('{')
	for r.more('}') {
		switch r.key() {
		case "enabled":
			l.list(r, &l.seenEnabled, &l.enabled, true, each)
		case "disabled":
			l.list(r, &l.seenDisabled, &l.disabled, false, each)
		default:
			r.skip()
		}
	}
}

func (l *didomiLists) list(r *reader, seen *bool, n *int, enabled bool, each func(string, bool) Error) {
	if *seen {
		r.fail(ErrDuplicate)
	}
	*seen = true
	r.begin('[')
	for r.more(']') {
		id := r.text()
		if r.failed == 0 {
			r.fail(each(id, enabled))
			*n++
		}
	}
}

// isDCS recognises the compact form: base64url whose first six bits are its
// version, 1 to 3, in up to four parts. A JSON object never begins so.
func isDCS(s string) bool {
	if len(s) < 32 || s[0] < 'B' || s[0] > 'D' {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) && s[i] != '-' && s[i] != '.' && s[i] != '~' {
			return false
		}
	}
	return true
}

// Strict: the bits that are left over must be zero.
var (
	standard = base64.RawStdEncoding.Strict()
	urlSafe  = base64.RawURLEncoding.Strict()
)

// base64 decodes base64 of either alphabet, padded or not, into the scratch.
func (c *Choices) base64(s string) (string, bool) {
	digits := strings.TrimRight(s, "=")
	padding := len(s) - len(digits)
	if padding > 2 || padding > 0 && len(s)%4 != 0 || len(digits)%4 == 1 {
		return "", false
	}
	encoding := standard
	for i := range len(digits) {
		switch b := digits[i]; {
		case b == '-' || b == '_':
			encoding = urlSafe
		case b == '\r' || b == '\n': // which the decoder would skip
			return "", false
		}
	}
	from := len(c.scratch)
	n := encoding.DecodedLen(len(digits))
	c.scratch = slices.Grow(c.scratch, n)[:from+n]
	if _, err := encoding.Decode(c.scratch[from:], []byte(digits)); err != nil {
		return "", false
	}
	return share(c.scratch[from:]), true
}
