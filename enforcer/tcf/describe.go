package tcf

import (
	"math/bits"
	"slices"
)

// Description is all that a TC string says, contradictions included, for a
// person to read. It has the names of the IAB's own libraries in JSON.
type Description struct {
	Version                    int                      `json:"version"`
	Created                    string                   `json:"created"`
	CreatedDeciseconds         uint64                   `json:"createdDeciseconds"`
	LastUpdated                string                   `json:"lastUpdated"`
	LastUpdatedDeciseconds     uint64                   `json:"lastUpdatedDeciseconds"`
	CMPID                      int                      `json:"cmpId"`
	CMPVersion                 int                      `json:"cmpVersion"`
	ConsentScreen              int                      `json:"consentScreen"`
	ConsentLanguage            string                   `json:"consentLanguage"`
	VendorListVersion          int                      `json:"vendorListVersion"`
	TCFPolicyVersion           int                      `json:"tcfPolicyVersion"`
	IsServiceSpecific          bool                     `json:"isServiceSpecific"`
	UseNonStandardTexts        bool                     `json:"useNonStandardTexts"`
	SpecialFeatureOptins       []int                    `json:"specialFeatureOptins"`
	PurposeConsents            []int                    `json:"purposeConsents"`
	PurposeLegitimateInterests []int                    `json:"purposeLegitimateInterests"`
	PurposeOneTreatment        bool                     `json:"purposeOneTreatment"`
	PublisherCC                string                   `json:"publisherCC"`
	VendorConsents             VendorsDescription       `json:"vendorConsents"`
	VendorLegitimateInterests  VendorsDescription       `json:"vendorLegitimateInterests"`
	PublisherRestrictions      []RestrictionDescription `json:"publisherRestrictions"`
	SegmentTypesInOrder        []int                    `json:"segmentTypesInOrder"`
	// The rest is null if the string has no such segment.
	DisclosedVendors *VendorsDescription   `json:"disclosedVendors"`
	AllowedVendors   *VendorsDescription   `json:"allowedVendors"`
	PublisherTC      *PublisherDescription `json:"publisherTC"`
}

// VendorsDescription is a set of vendors: how many, and their ids as ranges
// that include both ends.
type VendorsDescription struct {
	Count  int         `json:"count"`
	Ranges [][2]uint16 `json:"ranges"`
}

// RestrictionDescription is a publisher restriction. Type 0 forbids the purpose,
// 1 demands consent, 2 demands legitimate interest.
type RestrictionDescription struct {
	PurposeID       int         `json:"purposeId"`
	RestrictionType int         `json:"restrictionType"`
	Vendors         [][2]uint16 `json:"vendors"`
}

// PublisherDescription is what the user chose for the publisher's own
// processing; the custom purposes are the publisher's.
type PublisherDescription struct {
	PurposesConsent            []int `json:"pubPurposesConsent"`
	PurposesLITransparency     []int `json:"pubPurposesLITransparency"`
	NumCustomPurposes          int   `json:"numCustomPurposes"`
	CustomPurposesConsent      []int `json:"customPurposesConsent"`
	CustomPurposesTransparency []int `json:"customPurposesLITransparency"`
}

// Describe tells all that was decoded. It allocates; it is not for the hot path.
func (c *Consent) Describe() Description {
	f := c.field
	const millis = "2006-01-02T15:04:05.000Z"
	d := Description{
		Version:                    int(f(0, 6)),
		Created:                    c.Created().Format(millis),
		CreatedDeciseconds:         f(atCreated, 36),
		LastUpdated:                c.LastUpdated().Format(millis),
		LastUpdatedDeciseconds:     f(atUpdated, 36),
		CMPID:                      int(c.CMP()),
		CMPVersion:                 int(f(atCMPVersion, 12)),
		ConsentScreen:              int(f(atScreen, 6)),
		ConsentLanguage:            letters(f(atLanguage, 12)),
		VendorListVersion:          int(c.VendorListVersion()),
		TCFPolicyVersion:           int(c.PolicyVersion()),
		IsServiceSpecific:          f(atServiceSpecific, 1) != 0,
		UseNonStandardTexts:        f(atNonStandard, 1) != 0,
		SpecialFeatureOptins:       numbers(f(atSpecialFeatures, 12), 12),
		PurposeConsents:            numbers(f(atConsent, 24), 24),
		PurposeLegitimateInterests: numbers(f(atInterest, 24), 24),
		PurposeOneTreatment:        c.PurposeOneTreatment(),
		PublisherCC:                c.PublisherCC(),
		VendorConsents:             c.describeVendors(&c.vendorConsent),
		VendorLegitimateInterests:  c.describeVendors(&c.vendorInterest),
		PublisherRestrictions:      []RestrictionDescription{},
		SegmentTypesInOrder:        []int{int(segmentCore)},
		DisclosedVendors:           c.describeSegment(&c.disclosed),
		AllowedVendors:             c.describeSegment(&c.allowed),
		PublisherTC:                c.describePublisher(),
	}
	for _, r := range c.restrictions {
		d.PublisherRestrictions = append(d.PublisherRestrictions, RestrictionDescription{
			PurposeID:       int(r.purpose),
			RestrictionType: int(r.kind),
			Vendors:         merge(r.vendors.in(c.spans).spans, 0xffff),
		})
	}
	for _, kind := range c.segments[:c.count] {
		d.SegmentTypesInOrder = append(d.SegmentTypesInOrder, int(kind))
	}
	return d
}

// numbers returns the places of the set bits among n, the highest being 1.
func numbers(field uint64, n int) []int {
	list := []int{}
	for field <<= 64 - n; field != 0; {
		zeros := bits.LeadingZeros64(field)
		list = append(list, zeros+1)
		field &^= 1 << (63 - zeros)
	}
	return list
}

func (c *Consent) describeSegment(v *vendors) *VendorsDescription {
	if v.form == absent {
		return nil
	}
	d := c.describeVendors(v)
	return &d
}

func (c *Consent) describeVendors(v *vendors) VendorsDescription {
	var spans []span
	if v.form == asRanges {
		spans = v.list.in(c.spans).spans
	} else {
		for id := 1; id <= int(v.max); id++ {
			if c.has(v, uint16(id)) {
				spans = append(spans, newSpan(uint16(id), uint16(id)))
			}
		}
	}
	d := VendorsDescription{Ranges: merge(spans, v.max)}
	for _, r := range d.Ranges {
		d.Count += int(r[1]-r[0]) + 1
	}
	return d
}

// merge returns the ids up to the highest in as few ranges as there can be.
func merge(spans []span, highest uint16) [][2]uint16 {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int { return int(a.first()) - int(b.first()) })
	merged := [][2]uint16{}
	for _, s := range spans {
		last := min(s.last(), highest)
		if n := len(merged); n > 0 && int(s.first()) <= int(merged[n-1][1])+1 {
			merged[n-1][1] = max(merged[n-1][1], last)
		} else if s.first() <= last {
			merged = append(merged, [2]uint16{s.first(), last})
		}
	}
	return merged
}

func (c *Consent) describePublisher() *PublisherDescription {
	if c.publisher.at == 0 {
		return nil
	}
	fixed := c.bits.peek(uint(c.publisher.at))
	custom := int(fixed >> 10 & 0x3f)
	at := uint(c.publisher.at) + publisherBits
	return &PublisherDescription{
		PurposesConsent:            numbers(fixed>>40, 24),
		PurposesLITransparency:     numbers(fixed>>16&0xffffff, 24),
		NumCustomPurposes:          custom,
		CustomPurposesConsent:      c.bits.numbers(at, custom),
		CustomPurposesTransparency: c.bits.numbers(at+uint(custom), custom),
	}
}

// numbers returns the places of the set bits among n, the first being 1.
func (b bitString) numbers(pos uint, n int) []int {
	list := []int{}
	for i := range n {
		if b.peek(pos+uint(i))>>63 != 0 {
			list = append(list, i+1)
		}
	}
	return list
}
