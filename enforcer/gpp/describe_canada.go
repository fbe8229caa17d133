package gpp

import "strings"

func (c *Canada) describe() Object {
	custom := int(c.NumCustomPurposes)
	return Object{
		{"Version", 1},
		{"Created", Timestamp(c.Created)},
		{"LastUpdated", Timestamp(c.LastUpdated)},
		{"CmpId", c.CMPID},
		{"CmpVersion", c.CMPVersion},
		{"ConsentScreen", c.ConsentScreen},
		{"ConsentLanguage", strings.TrimSpace(string(c.ConsentLanguage[:]))},
		{"VendorListVersion", c.VendorListVersion},
		{"TcfPolicyVersion", c.PolicyVersion},
		{"UseNonStandardStacks", c.UseNonStandardStacks},
		{"SpecialFeatureExpressConsent", Bools(12, c.SpecialFeaturesExpressConsent.Has)},
		{"PurposesExpressConsent", Bools(24, c.PurposesExpressConsent.Has)},
		{"PurposesImpliedConsent", Bools(24, c.PurposesImpliedConsent.Has)},
		{"VendorExpressConsent", c.VendorExpressConsent.describe()},
		{"VendorImpliedConsent", c.VendorImpliedConsent.describe()},
		{"PubRestrictions", c.restrictions.describe()},
		{"PubPurposesSegmentType", 3},
		{"PubPurposesExpressConsent", Bools(24, c.PublisherExpressConsent.Has)},
		{"PubPurposesImpliedConsent", Bools(24, c.PublisherImpliedConsent.Has)},
		{"NumCustomPurposes", custom},
		{"CustomPurposesExpressConsent", Bools(custom, c.CustomExpressConsent.Has)},
		{"CustomPurposesImpliedConsent", Bools(custom, c.CustomImpliedConsent.Has)},
		{"DisclosedVendorsSegmentType", 1},
		{"DisclosedVendors", c.DisclosedVendors.describe()},
	}
}

func (v *VendorSet) describe() Vendors {
	var d Vendors
	r := v.ids
	var first, last uint32
	for i := range v.count {
		switch {
		case v.ranges:
			first, last, _ = r.item(v.coding, last)
			d.Add(int(first), int(last))
		case r.flag():
			d.Add(int(i)+1, int(i)+1)
		}
	}
	return d
}

func (p *restrictions) describe() []Restriction {
	d := []Restriction{}
	r := p.list
	for range p.count {
		key, kind := int(r.take(6)), int(r.take(2))
		var vendors VendorSet
		if vendors.readRestricted(&r, p.coding) != 0 {
			break
		}
		d = append(d, Restriction{key, kind, vendors.describe()})
	}
	return d
}
