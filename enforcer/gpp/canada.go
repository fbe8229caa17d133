package gpp

import (
	"strings"
	"time"
)

// Canada is section 5, the consent string of the IAB Canada Transparency and
// Consent Framework (Sections/Canada, version 1). The zero Canada, which every
// string without a well-formed section 5 has, holds no consent.
//
// Express consent is what Europe calls consent, and implied consent stands
// where Europe has legitimate interest: transparency, and no objection.
type Canada struct {
	Created              time.Time
	LastUpdated          time.Time
	CMPID                uint16
	CMPVersion           uint16
	ConsentScreen        uint8
	ConsentLanguage      [2]byte
	VendorListVersion    uint16
	PolicyVersion        uint8
	UseNonStandardStacks bool

	SpecialFeaturesExpressConsent Flags
	PurposesExpressConsent        Flags
	PurposesImpliedConsent        Flags
	VendorExpressConsent          VendorSet
	VendorImpliedConsent          VendorSet

	// The publisher's own processing; nothing is consented to if the
	// sub-section is absent.
	PublisherExpressConsent Flags
	PublisherImpliedConsent Flags
	NumCustomPurposes       uint8
	CustomExpressConsent    Flags
	CustomImpliedConsent    Flags

	// DisclosedVendors are those that the user was shown; empty if the
	// sub-section is absent.
	DisclosedVendors VendorSet

	restrictions restrictions
}

// Flags are numbered from 1, as purposes and features are.
type Flags uint64

// Has reports whether the flag of that number is set.
func (f Flags) Has(number uint8) bool { return f&(1<<(number-1)) != 0 }

// HasExpressConsent reports whether the user expressly consented to the
// vendor's processing for the purpose and the publisher lets it rest on that.
func (c *Canada) HasExpressConsent(purpose uint8, vendor uint16) bool {
	return c.PurposesExpressConsent.Has(purpose) && c.VendorExpressConsent.Has(vendor) &&
		c.restrictions.of(purpose, vendor)&^(1<<requireExpress) == 0
}

// HasImpliedConsent reports whether there is implied consent to the vendor's
// processing for the purpose and the publisher lets it rest on that.
func (c *Canada) HasImpliedConsent(purpose uint8, vendor uint16) bool {
	return c.PurposesImpliedConsent.Has(purpose) && c.VendorImpliedConsent.Has(vendor) &&
		c.restrictions.of(purpose, vendor)&^(1<<requireImplied) == 0
}

// maxCanada is the length in characters of the longest section 5 that is
// decoded. It bounds the time that a question about a vendor takes.
const maxCanada = 4 << 10

func (c *Canada) decode(text string) Error {
	if len(text) > maxCanada {
		return ErrLength
	}
	if err := c.decodeSubsections(text); err != 0 {
		*c = Canada{}
		return err
	}
	return 0
}

func (c *Canada) decodeSubsections(text string) Error {
	const disclosed, publisher = 1, 3
	core, rest, more := strings.Cut(text, ".")
	if err := c.decodeCore(core); err != 0 {
		return err
	}
	for seen := 0; more; {
		var sub string
		sub, rest, more = strings.Cut(rest, ".")
		r, err := newReader(sub)
		if err != 0 {
			return err
		}
		kind := int(r.take(3))
		if seen&(1<<kind) != 0 {
			return ErrSubsection
		}
		seen |= 1 << kind
		switch kind {
		case disclosed:
			c.DisclosedVendors, err = readDisclosed(r)
		case publisher:
			err = c.decodePublisher(&r)
		default:
			err = ErrSubsection
		}
		if err != 0 {
			return err
		}
	}
	return 0
}

func (c *Canada) decodeCore(text string) Error {
	r, err := newReader(text)
	if err != 0 {
		return err
	}
	if r.take(6) != 1 {
		return ErrSectionVersion
	}
	c.Created = r.time()
	c.LastUpdated = r.time()
	c.CMPID = uint16(r.take(12))
	c.CMPVersion = uint16(r.take(12))
	c.ConsentScreen = uint8(r.take(6))
	c.ConsentLanguage = [2]byte{r.letter(), r.letter()}
	c.VendorListVersion = uint16(r.take(12))
	c.PolicyVersion = uint8(r.take(6))
	c.UseNonStandardStacks = r.flag()
	c.SpecialFeaturesExpressConsent = r.flags(12)
	c.PurposesExpressConsent = r.flags(24)
	c.PurposesImpliedConsent = r.flags(24)
	v, err := readVendors(r)
	c.VendorExpressConsent, c.VendorImpliedConsent, c.restrictions = v.express, v.implied, v.restrictions
	return err
}

func (c *Canada) decodePublisher(r *reader) Error {
	c.PublisherExpressConsent = r.flags(24)
	c.PublisherImpliedConsent = r.flags(24)
	c.NumCustomPurposes = uint8(r.take(6))
	c.CustomExpressConsent = r.flags(int(c.NumCustomPurposes))
	c.CustomImpliedConsent = r.flags(int(c.NumCustomPurposes))
	return r.end()
}

func (r *reader) time() time.Time {
	return time.UnixMilli(100 * int64(r.take(36))).UTC()
}

// letter reads a letter, or a space, in six bits.
func (r *reader) letter() byte {
	const space = 63
	if l := byte(r.take(6)); l != space {
		return 'A' + l
	}
	return ' '
}
