package interpret

import (
	"sekisho/enforcer/gpp"
	"sekisho/enforcer/tcf"
)

// section gives the description of a TC string the shape that it has inside a
// GPP string: the same facts under other names.
func section(d *tcf.Description, c *tcf.Consent) gpp.TCF {
	s := gpp.TCF{
		Version: d.Version, Created: gpp.Timestamp(c.Created()), LastUpdated: gpp.Timestamp(c.LastUpdated()),
		CmpId: d.CMPID, CmpVersion: d.CMPVersion, ConsentScreen: d.ConsentScreen, ConsentLanguage: d.ConsentLanguage,
		VendorListVersion: d.VendorListVersion, PolicyVersion: d.TCFPolicyVersion,
		IsServiceSpecific: d.IsServiceSpecific, UseNonStandardStacks: d.UseNonStandardTexts,
		SpecialFeatureOptins:       flags(12, d.SpecialFeatureOptins),
		PurposeConsents:            flags(24, d.PurposeConsents),
		PurposeLegitimateInterests: flags(24, d.PurposeLegitimateInterests),
		PurposeOneTreatment:        d.PurposeOneTreatment,
		PublisherCountryCode:       d.PublisherCC,
		VendorConsents:             vendors(d.VendorConsents.Ranges),
		VendorLegitimateInterests:  vendors(d.VendorLegitimateInterests.Ranges),
		PublisherRestrictions:      []gpp.Restriction{},

		PublisherPurposesSegmentType: 3, VendorsAllowedSegmentType: 2, VendorsDisclosedSegmentType: 1,
		PublisherConsents: flags(24, nil), PublisherLegitimateInterests: flags(24, nil),
		PublisherCustomConsents: flags(0, nil), PublisherCustomLegitimateInterests: flags(0, nil),
	}
	for _, r := range d.PublisherRestrictions {
		s.PublisherRestrictions = append(s.PublisherRestrictions, gpp.Restriction{Key: r.PurposeID, Type: r.RestrictionType, IDs: vendors(r.Vendors)})
	}
	if v := d.AllowedVendors; v != nil {
		s.VendorsAllowed = vendors(v.Ranges)
	}
	if v := d.DisclosedVendors; v != nil {
		s.VendorsDisclosed = vendors(v.Ranges)
	}
	if p := d.PublisherTC; p != nil {
		s.PublisherConsents = flags(24, p.PurposesConsent)
		s.PublisherLegitimateInterests = flags(24, p.PurposesLITransparency)
		s.NumCustomPurposes = p.NumCustomPurposes
		s.PublisherCustomConsents = flags(p.NumCustomPurposes, p.CustomPurposesConsent)
		s.PublisherCustomLegitimateInterests = flags(p.NumCustomPurposes, p.CustomPurposesTransparency)
	}
	return s
}

// flags are the numbers among 1 to n that are in the list.
func flags(n int, list []int) []bool {
	set := make([]bool, n)
	for _, number := range list {
		set[number-1] = true
	}
	return set
}

func vendors(ranges [][2]uint16) (v gpp.Vendors) {
	for _, r := range ranges {
		v.Add(int(r[0]), int(r[1]))
	}
	return v
}
