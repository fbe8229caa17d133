package tcf

import (
	"slices"

	"sekisho/enforcer/tcf/internal/base64url"
)

// MaxLength is the longest string that is decoded, in characters. Strings that
// list every vendor there is have some 2,000.
const MaxLength = 32 << 10

// Decode decodes a TC string into dst, replacing what it said before. The error
// is an [Error]; dst then grants nothing.
//
// That a string can be decoded does not make it usable: ask [Consent.Usable].
// Decode keeps no part of s. It allocates only if dst has never held a string
// of that size. Time and memory are proportional to the length of s, which is
// bounded by [MaxLength].
func Decode(dst *Consent, s string) error {
	dst.reset()
	if err := dst.decode(s); err != 0 {
		dst.reset()
		return err
	}
	return nil
}

// reset empties c but keeps its memory.
func (c *Consent) reset() {
	c.said = said{}
	c.bits, c.spans, c.restrictions = c.bits[:0], c.spans[:0], c.restrictions[:0]
}

func (c *Consent) decode(s string) Error {
	switch {
	case s == "":
		return ErrEmpty
	case len(s) > MaxLength:
		return ErrTooLong
	case s[0] != 'C': // version 2 in the first six bits
		return ErrVersion
	}
	size := base64url.Size(len(s))
	if size > cap(c.bits) {
		c.bits = slices.Grow(c.bits, size)
	}
	c.bits = c.bits[:size]
	var dots base64url.Dots
	if !base64url.Decode(c.bits, s, &dots) {
		return ErrAlphabet
	}
	// A segment ends at a dot, or with the string.
	last := uint(len(s)) * 6
	if dots.N == 0 {
		return c.readCore(last)
	}
	end := uint(dots.At[0]) * 6
	if err := c.readCore(end); err != 0 {
		return err
	}
	for _, dot := range dots.At[1:max(1, min(dots.N, len(dots.At)))] {
		next := uint(dot) * 6
		if err := c.readSegment(end+6, next); err != 0 {
			return err
		}
		end = next
	}
	return c.readSegment(end+6, last)
}

// readCore reads the core segment.
func (c *Consent) readCore(end uint) Error {
	if end < minCoreBits {
		return ErrTruncated
	}
	head := (*header)(c.bits)
	if !areLetters(head.field(atLanguage, 12)) || !areLetters(head.field(atCountry, 12)) {
		return ErrLetters
	}
	c.consent = PurposeSet(head.field(atConsent, 24))
	c.interest = PurposeSet(head.field(atInterest, 24)) &^ consentOnly
	if head.field(atOneTreatment, 1) != 0 {
		c.consent &^= purpose1
	}
	pos, err := c.readVendors(&c.vendorConsent, atVendors, end)
	if err != 0 {
		return err
	}
	if pos, err = c.readVendors(&c.vendorInterest, pos, end); err != 0 {
		return err
	}
	if end-pos < 12 {
		return ErrTruncated
	}
	n := c.bits.peek(pos) >> 52
	pos += 12
	if n > 0 {
		if pos, err = c.readRestrictions(n, pos, end); err != 0 {
			return err
		}
	}
	if !c.bits.blank(pos, end) {
		return ErrTrailing
	}
	return 0
}

func areLetters(field uint64) bool { return field>>6 < 26 && field&0x3f < 26 }
