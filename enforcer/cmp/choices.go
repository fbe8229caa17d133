package cmp

import (
	"fmt"
	"time"
	"unicode/utf8"
	"unsafe"

	"sekisho/schemas"
)

// Limits of what is decoded.
const (
	// MaxValue is the longest value in bytes.
	MaxValue = 64 << 10
	// MaxCategories is the most categories that a value may name.
	MaxCategories = 128
	// maxCategory is the longest name of a category in bytes.
	maxCategory = 128
)

// Platform is a consent management platform.
type Platform uint8

// The platforms.
const (
	OneTrust Platform = iota + 1
	Cookiebot
	Didomi
	Usercentrics
	Segment
	CookieYes
	numPlatforms = iota + 1
)

var platformNames = [numPlatforms]string{"unknown", "OneTrust", "Cookiebot", "Didomi", "Usercentrics", "Segment", "CookieYes"}

// String returns the platform's name.
func (p Platform) String() string {
	if int(p) < numPlatforms {
		return platformNames[p]
	}
	return fmt.Sprintf("unknown(%d)", uint8(p))
}

// Choices is what a platform's value says. The zero value is ready; it serves
// one goroutine and is best reused. Its texts are valid until the next decode
// into it, and for as long as the value that was decoded.
type Choices struct {
	// Platform is whose value was decoded.
	Platform Platform
	// Explicit: the user chose. Otherwise the categories are the platform's
	// defaults, of which a grant counts as silence.
	Explicit bool
	// Chosen is when the user chose, in Unix milliseconds; 0 if the value does
	// not tell.
	Chosen int64
	// GPC: the platform saw Global Privacy Control.
	GPC bool
	// Exhaustive: a category that is not named is refused.
	Exhaustive bool
	// TC and AC are the IAB TC string and Google's Additional Consent string
	// that the value carries, undecoded, or "".
	TC, AC string

	n       int
	choices [MaxCategories]choice
	scratch []byte // what had to be decoded before it could be read
}

type choice struct {
	category string
	answer   schemas.Answer
}

// Len returns how many categories were named.
func (c *Choices) Len() int { return c.n }

// Each yields the categories in the order in which they were named.
// schemas.Granted is the user's own choice; a category that is merely granted
// by default is schemas.Silent.
func (c *Choices) Each(yield func(category string, answer schemas.Answer) bool) {
	for i := range c.choices[:c.n] {
		if !yield(c.choices[i].category, c.choices[i].answer) {
			return
		}
	}
}

// Answer returns what was said of the category: schemas.Silent when it was not
// named, but schemas.Refused if the value is Exhaustive.
func (c *Choices) Answer(category string) schemas.Answer {
	if found := c.find(category); found != nil {
		return found.answer
	}
	if c.Exhaustive {
		return schemas.Refused
	}
	return schemas.Silent
}

func (c *Choices) reset(p Platform) {
	clear(c.choices[:c.n])
	c.Platform, c.Explicit, c.Chosen, c.GPC, c.Exhaustive = p, false, 0, false, false
	c.TC, c.AC = "", ""
	c.n, c.scratch = 0, c.scratch[:0]
}

// done ends a decode: an error leaves nothing granted.
func (c *Choices) done(e Error) error {
	if e == 0 {
		return nil
	}
	c.reset(c.Platform)
	return e
}

// add takes a category that must be new.
func (c *Choices) add(category string, granted bool) Error {
	if c.find(category) != nil {
		return ErrDuplicate
	}
	answer := schemas.Refused
	if granted {
		answer = schemas.Granted
	}
	return c.put(category, answer)
}

func (c *Choices) put(category string, answer schemas.Answer) Error {
	if !isName(category) {
		return ErrSyntax
	}
	if c.n == MaxCategories {
		return ErrTooMany
	}
	c.choices[c.n] = choice{category, answer}
	c.n++
	return 0
}

func (c *Choices) find(category string) *choice {
	for i := range c.choices[:c.n] {
		if c.choices[i].category == category {
			return &c.choices[i]
		}
	}
	return nil
}

// settle says whether the user chose. If not, grants are silence.
func (c *Choices) settle(explicit bool) {
	c.Explicit = explicit
	for i := range c.choices[:c.n] {
		if !explicit && c.choices[i].answer == schemas.Granted {
			c.choices[i].answer = schemas.Silent
		}
	}
}

// chosenAt takes the time of the choice in the form of JavaScript's toISOString.
func (c *Choices) chosenAt(text string) Error {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || !isTime(text) || at.UnixMilli() <= 0 {
		return ErrSyntax
	}
	c.Chosen = at.UnixMilli()
	return 0
}

// isName accepts what may name a category: UTF-8 without control characters.
func isName(s string) bool {
	if s == "" || len(s) > maxCategory {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// share views the bytes as a string, without a copy.
func share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
