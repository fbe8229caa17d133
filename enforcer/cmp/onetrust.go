package cmp

import "strings"

// The parameters of OptanonConsent that matter.
const (
	otGroups = 1 << iota
	otGPC
	otBrowserGPC
	otInteractions
	otReconsent
)

// DecodeOneTrust decodes OneTrust's cookies: OptanonConsent, which is form
// encoded, and OptanonAlertBoxClosed, the time at which the banner was closed,
// or ""; it is given as Chosen. Categories are OneTrust's groups, by default
// C0001 to C0005.
//
// OptanonConsent is written on the first page view already, with the defaults:
// it is the user's choice only once the banner was closed or there was an
// interaction, and not while OneTrust waits for a new choice.
func (c *Choices) DecodeOneTrust(consent, closed string) error {
	c.reset(OneTrust)
	return c.done(c.oneTrust(consent, closed))
}

func (c *Choices) oneTrust(consent, closed string) Error {
	if len(consent) > MaxValue || len(closed) > MaxValue {
		return ErrTooLong
	}
	closed, ok := c.unescape(closed, false)
	if !ok {
		return ErrEncoding
	}
	if closed != "" {
		if e := c.chosenAt(closed); e != 0 {
			return e
		}
	}
	chose, reconsent, seen := closed != "", false, 0
	for more := true; more; {
		var parameter string
		parameter, consent, more = strings.Cut(consent, "&")
		key, value, ok := strings.Cut(parameter, "=")
		if !ok || strings.ContainsAny(key, "%+") {
			return ErrSyntax
		}
		which := oneTrustParameter(key)
		if which == 0 {
			continue
		}
		if strings.IndexByte(value, ';') >= 0 { // which some take for an &
			return ErrSyntax
		}
		if seen&which != 0 {
			return ErrDuplicate
		}
		seen |= which
		if value, ok = c.unescape(value, true); !ok {
			return ErrEncoding
		}
		switch which {
		case otGroups:
			if e := c.oneTrustGroups(value); e != 0 {
				return e
			}
		case otGPC, otBrowserGPC:
			on, ok := digit(value)
			if !ok {
				return ErrSyntax
			}
			c.GPC = c.GPC || on
		case otInteractions:
			some, ok := count(value)
			if !ok {
				return ErrSyntax
			}
			chose = chose || some
		case otReconsent:
			if value != "true" && value != "false" {
				return ErrSyntax
			}
			reconsent = value == "true"
		}
	}
	if seen&otGroups == 0 {
		return ErrIncomplete
	}
	c.settle(chose && !reconsent)
	return 0
}

func oneTrustParameter(key string) int {
	switch key {
	case "groups":
		return otGroups
	case "isGpcEnabled":
		return otGPC
	case "browserGpcFlag":
		return otBrowserGPC
	case "interactionCount":
		return otInteractions
	case "AwaitingReconsent":
		return otReconsent
	}
	return 0
}

// oneTrustGroups reads `C0001:1,C0002:0`.
func (c *Choices) oneTrustGroups(groups string) Error {
	for more := true; more; {
		var group string
		group, groups, more = strings.Cut(groups, ",")
		id, flag, ok := strings.Cut(group, ":")
		granted, isDigit := digit(flag)
		if !ok || !isDigit {
			return ErrSyntax
		}
		if e := c.add(id, granted); e != 0 {
			return e
		}
	}
	return 0
}

// digit reads 0 or 1.
func digit(s string) (on, ok bool) { return s == "1", s == "1" || s == "0" }

// count reads a number and reports whether it is more than zero.
func count(s string) (some, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false, false
		}
		some = some || s[i] != '0'
	}
	return some, s != ""
}

// isTime accepts the form of JavaScript's toISOString, with or without
// milliseconds.
func isTime(s string) bool {
	const form = "0000-00-00T00:00:00.000Z"
	if len(s) == len(form)-len(".000") {
		return s[19] == 'Z' && hasForm(s[:19], form[:19])
	}
	return len(s) == len(form) && hasForm(s, form)
}

func hasForm(s, form string) bool {
	for i := range len(s) {
		isDigit := '0' <= s[i] && s[i] <= '9'
		if form[i] == '0' && !isDigit || form[i] != '0' && s[i] != form[i] {
			return false
		}
	}
	return true
}
