package cmp

import (
	"strings"

	"sekisho/schemas"
)

// DecodeCookieYes decodes CookieYes's cookie cookieyes-consent:
//
//	consentid:…,consent:yes,action:yes,necessary:yes,functional:no,analytics:no
//
// It is the user's choice once action is yes. Before, its answers are defaults,
// or empty and say nothing. Where consent is not yes nothing but what is
// necessary counts as granted, whatever the categories say.
func (c *Choices) DecodeCookieYes(value string) error {
	c.reset(CookieYes)
	return c.done(c.cookieYes(value))
}

func (c *Choices) cookieYes(value string) Error {
	if len(value) > MaxValue {
		return ErrTooLong
	}
	value, ok := c.unescape(value, false)
	if !ok {
		return ErrEncoding
	}
	var consent, action string
	for more := true; more; {
		var member string
		member, value, more = strings.Cut(value, ",")
		key, answer, ok := strings.Cut(member, ":")
		if !ok {
			return ErrSyntax
		}
		if key == "consentid" || key == "lastRenewedDate" {
			continue
		}
		if answer != "yes" && answer != "no" && answer != "" {
			return ErrSyntax
		}
		e := Error(0)
		switch {
		case key == "consent":
			e = once(&consent, member)
		case key == "action":
			e = once(&action, member)
		case answer != "":
			e = c.add(key, answer == "yes")
		}
		if e != 0 {
			return e
		}
	}
	if consent == "" || action == "" {
		return ErrIncomplete
	}
	if consent != "consent:yes" {
		for i := range c.choices[:c.n] {
			if c.choices[i].category != "necessary" {
				c.choices[i].answer = schemas.Refused
			}
		}
	}
	c.settle(action == "action:yes")
	return 0
}
