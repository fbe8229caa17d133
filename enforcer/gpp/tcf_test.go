package gpp

import (
	"errors"
	"strings"
)

// describeTCF describes a TC string as a caller of Describe would, but by
// reading it here, so that the shape can be compared.
func describeTCF(tcString string) (any, error) {
	core, rest, more := strings.Cut(tcString, ".")
	r, err := newReader(core)
	if err != 0 {
		return nil, err
	}
	flags := func(n int) []bool { return Bools(n, r.flags(n).Has) }
	var bad error
	vendors := func(r *reader) Vendors {
		var v VendorSet
		if err := v.read(r, fixed); err != 0 {
			bad = err
		}
		return v.describe()
	}
	number := func(width int) int { return int(r.take(width)) }
	d := TCF{Version: number(6), Created: Timestamp(r.time()), LastUpdated: Timestamp(r.time())}
	d.CmpId, d.CmpVersion, d.ConsentScreen = number(12), number(12), number(6)
	d.ConsentLanguage = string([]byte{r.letter(), r.letter()})
	d.VendorListVersion, d.PolicyVersion = number(12), number(6)
	d.IsServiceSpecific, d.UseNonStandardStacks = r.flag(), r.flag()
	d.SpecialFeatureOptins, d.PurposeConsents, d.PurposeLegitimateInterests = flags(12), flags(24), flags(24)
	d.PurposeOneTreatment = r.flag()
	d.PublisherCountryCode = string([]byte{r.letter(), r.letter()})
	d.VendorConsents = vendors(&r)
	d.VendorLegitimateInterests = vendors(&r)
	var p restrictions
	if err := p.read(&r, fixed); err != 0 {
		return nil, err
	}
	d.PublisherRestrictions = p.describe()
	if err := r.end(); err != 0 || bad != nil {
		return nil, errors.Join(err, bad)
	}

	d.PublisherPurposesSegmentType, d.VendorsAllowedSegmentType, d.VendorsDisclosedSegmentType = 3, 2, 1
	d.PublisherConsents, d.PublisherLegitimateInterests = make([]bool, 24), make([]bool, 24)
	d.PublisherCustomConsents, d.PublisherCustomLegitimateInterests = []bool{}, []bool{}
	for more {
		var sub string
		sub, rest, more = strings.Cut(rest, ".")
		r = reader{text: sub}
		switch number(3) {
		case 1:
			d.VendorsDisclosed = vendors(&r)
		case 2:
			d.VendorsAllowed = vendors(&r)
		case 3:
			d.PublisherConsents, d.PublisherLegitimateInterests = flags(24), flags(24)
			d.NumCustomPurposes = number(6)
			d.PublisherCustomConsents, d.PublisherCustomLegitimateInterests = flags(d.NumCustomPurposes), flags(d.NumCustomPurposes)
		}
	}
	return d, bad
}
