package tcf

import "time"

// Consent is what a TC string says. The zero Consent grants nothing.
//
// A Consent is made to be used again: [Decode] keeps its memory, at most some
// 200 KiB for the longest string. It is for one goroutine at a time.
type Consent struct {
	said
	bits         bitString // the whole string, six bits for each character
	spans        []span    // all ranges
	restrictions []restriction
}

// said is all of a Consent but its memory.
type said struct {
	consent    PurposeSet // what counts: contradictions are left out
	interest   PurposeSet
	restricted PurposeSet // purposes that have restrictions
	usable     bool       // Usable was asked, and said yes
	count      uint8
	segments   [maxSegments]segmentType // in order, without the core

	vendorConsent  vendors
	vendorInterest vendors
	disclosed      vendors
	allowed        vendors
	publisher      publisher
}

// Where the fields of the core segment are, in bits. All have fixed places up
// to the vendor sections.
const (
	atCreated         = 6
	atUpdated         = 42
	atCMP             = 78
	atCMPVersion      = 90
	atScreen          = 102
	atLanguage        = 108
	atVendorList      = 120
	atPolicy          = 132
	atServiceSpecific = 138
	atNonStandard     = 139
	atSpecialFeatures = 140
	atConsent         = 152
	atInterest        = 176
	atOneTreatment    = 200
	atCountry         = 201
	atVendors         = 213

	minCoreBits = atVendors + 2*minVendorBits + 12
	headBytes   = 40 // the fields, and room to read eight bytes at any of them
)

// field returns a field of the core segment, 0 if there is none.
func (c *Consent) field(offset, width uint) uint64 {
	if len(c.bits) < headBytes {
		return 0
	}
	return (*header)(c.bits).field(offset, width)
}

// Created returns when the user's choice was first stored. Strings made since
// December 2021 only have the day.
func (c *Consent) Created() time.Time { return deciseconds(c.field(atCreated, 36)) }

// LastUpdated returns when the user's choice was last changed.
func (c *Consent) LastUpdated() time.Time { return deciseconds(c.field(atUpdated, 36)) }

func deciseconds(n uint64) time.Time { return time.UnixMilli(int64(n) * 100).UTC() }

// CMP returns the id of the consent management platform that made the string.
func (c *Consent) CMP() uint16 { return uint16(c.field(atCMP, 12)) }

// VendorListVersion returns the version of the global vendor list that the user was shown.
func (c *Consent) VendorListVersion() uint16 { return uint16(c.field(atVendorList, 12)) }

// PolicyVersion returns the version of the TCF policies: 2 is TCF 2.0 and 2.1, 4
// is 2.2, 5 is 2.3.
func (c *Consent) PolicyVersion() uint8 { return uint8(c.field(atPolicy, 6)) }

// PublisherCC returns the two letters of the publisher's country, AA if there
// are none.
func (c *Consent) PublisherCC() string { return letters(c.field(atCountry, 12)) }

// PurposeOneTreatment reports whether purpose 1 was not put to the user, since
// the law of the publisher's country does not ask for consent to it.
//
// It is no grant. What was not asked was not agreed to, and whether the law of
// a country lets a device be read without consent is not for the string to say:
// with this bit purpose 1 is refused throughout, even if its consent bit is set.
func (c *Consent) PurposeOneTreatment() bool { return c.field(atOneTreatment, 1) != 0 }

// SpecialFeature reports whether the user opted in to a special feature, 1 to
// 12: 1 is precise geolocation, 2 is identifying a device by scanning it.
func (c *Consent) SpecialFeature(n uint8) bool {
	return n >= 1 && n <= 12 && c.field(atSpecialFeatures, 12)>>(12-n)&1 != 0
}

// PurposeConsent reports whether the user consented to a purpose. It says
// nothing of any vendor; see [Consent.Permits].
func (c *Consent) PurposeConsent(p Purpose) bool { return c.consent.Has(p) }

// PurposeLegitimateInterest reports whether the user was told that a purpose is
// based on legitimate interest, and did not object. It is false for purposes 1
// and 3 to 6, whatever the string says.
func (c *Consent) PurposeLegitimateInterest(p Purpose) bool { return c.interest.Has(p) }

// VendorConsent reports whether the user consented to a vendor.
func (c *Consent) VendorConsent(id uint16) bool { return c.has(&c.vendorConsent, id) }

// VendorLegitimateInterest reports whether the user was told of a vendor's
// legitimate interest, and did not object.
func (c *Consent) VendorLegitimateInterest(id uint16) bool { return c.has(&c.vendorInterest, id) }

// Disclosed reports whether the user was shown a vendor. It is false if the
// string does not say; see [Consent.DisclosesVendors].
func (c *Consent) Disclosed(id uint16) bool { return c.has(&c.disclosed, id) }

// DisclosesVendors reports whether the string says which vendors the user was
// shown, as it must since TCF 2.3.
func (c *Consent) DisclosesVendors() bool { return c.disclosed.form != absent }

func letters(field uint64) string {
	return string([]byte{'A' + byte(field>>6), 'A' + byte(field&0x3f)})
}
