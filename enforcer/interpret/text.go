package interpret

import (
	"fmt"
	"strconv"
	"strings"

	"sekisho/enforcer/cmp"
	"sekisho/enforcer/consentmode"
	"sekisho/enforcer/gpp"
	"sekisho/enforcer/mobile"
	"sekisho/enforcer/tcf"
	"sekisho/enforcer/usprivacy"
)

// tcfPurposes are the purposes of the TCF in short (Policies, appendix A).
var tcfPurposes = [...]string{
	1: "store and read on the device", 2: "select ads by limited data", 3: "make profiles for ads", 4: "select ads by profiles",
	5: "make profiles for content", 6: "select content by profiles", 7: "measure ads", 8: "measure content",
	9: "statistics about audiences", 10: "improve services", 11: "select content by limited data",
}

var tcfSpecialFeatures = [...]string{1: "precise location", 2: "scan the device to identify it"}

// Lines is the meaning for a person to read, one fact a line.
func (m *Meaning) Lines() (lines []string) {
	switch d := m.Said.(type) {
	case tcf.Description:
		lines = tcfLines(&d)
	case gpp.Description:
		lines = gppLines(&d)
		if m.optsOut {
			lines = append(lines, "as a whole: the user opted out")
		}
	case usprivacy.Description:
		lines = usPrivacyLines(d)
	case Additional:
		lines = []string{
			fmt.Sprintf("version %d", d.Version),
			"providers with consent: " + numbers(d.Consented),
			"providers shown and without consent: " + numbers(d.Refused),
		}
	case consentmode.Description:
		lines = []string{d.Summary}
		for _, t := range d.Types {
			lines = append(lines, t.Type+": "+t.Meaning)
		}
	case cmp.Description:
		lines = cmpLines(&d)
	case mobile.Description:
		lines = []string{d.Value + ": " + d.Meaning}
	}
	if m.Malformed != nil {
		lines = append(lines, "malformed, which is a refusal: "+strings.ReplaceAll(m.Malformed.Error(), "\n", "; "))
	}
	if m.Unusable != nil {
		lines = append(lines, "not to be relied on, which is a refusal: "+m.Unusable.Error())
	}
	return lines
}

func tcfLines(d *tcf.Description) []string {
	lines := []string{
		fmt.Sprintf("version %d, TCF policy %d, vendor list %d", d.Version, d.TCFPolicyVersion, d.VendorListVersion),
		fmt.Sprintf("created %s, last updated %s", d.Created, d.LastUpdated),
		fmt.Sprintf("by CMP %d version %d, screen %d, in %s, for a publisher in %s", d.CMPID, d.CMPVersion, d.ConsentScreen, d.ConsentLanguage, d.PublisherCC),
		"consent: " + named(d.PurposeConsents, tcfPurposes[:]),
		"legitimate interest, not objected to: " + named(d.PurposeLegitimateInterests, tcfPurposes[:]),
		"special features: " + named(d.SpecialFeatureOptins, tcfSpecialFeatures[:]),
		"vendors with consent: " + vendorText(d.VendorConsents),
		"vendors with legitimate interest: " + vendorText(d.VendorLegitimateInterests),
	}
	if d.PurposeOneTreatment {
		lines = append(lines, "purpose 1 was not asked for, by the rules of the publisher's country")
	}
	if !d.IsServiceSpecific {
		lines = append(lines, "of global scope, which is no longer in use")
	}
	for _, r := range d.PublisherRestrictions {
		lines = append(lines, fmt.Sprintf("the publisher %s purpose %d (%s) of vendors %s",
			restriction(r.RestrictionType), r.PurposeID, nameIn(tcfPurposes[:], r.PurposeID), ranges(r.Vendors)))
	}
	if d.DisclosedVendors != nil {
		lines = append(lines, "vendors shown to the user: "+vendorText(*d.DisclosedVendors))
	}
	if d.AllowedVendors != nil {
		lines = append(lines, "vendors allowed by the publisher: "+vendorText(*d.AllowedVendors))
	}
	if p := d.PublisherTC; p != nil {
		lines = append(lines,
			"consent to the publisher itself: "+named(p.PurposesConsent, tcfPurposes[:]),
			"legitimate interest of the publisher itself: "+named(p.PurposesLITransparency, tcfPurposes[:]))
		if p.NumCustomPurposes > 0 {
			lines = append(lines, fmt.Sprintf("consent to purposes of its own: %s of %d", named(p.CustomPurposesConsent, nil), p.NumCustomPurposes))
		}
	}
	return lines
}

func restriction(kind int) string {
	switch kind {
	case 0:
		return "forbids"
	case 1:
		return "demands consent for"
	case 2:
		return "demands legitimate interest for"
	}
	return "restricts, in a way that is not defined,"
}

// gppLines shows each section; those of US states with each field by its name.
func gppLines(d *gpp.Description) (lines []string) {
	if len(d.Sections) == 0 {
		return []string{"no sections: it says nothing"}
	}
	for i, s := range d.Sections {
		lines = append(lines, fmt.Sprintf("section %d, %s", d.SectionIDs[i], s.Name))
		switch said := s.Value.(type) {
		case gpp.Object:
			for _, m := range said {
				lines = append(lines, "  "+m.Name+": "+fieldText(m))
			}
		case usprivacy.Description:
			for _, line := range usPrivacyLines(said) {
				lines = append(lines, "  "+line)
			}
		case gpp.TCF:
			lines = append(lines, gppTCFLines(&said)...)
		default:
			lines = append(lines, fmt.Sprintf("  %+v", said))
		}
	}
	return lines
}

func gppTCFLines(d *gpp.TCF) []string {
	return []string{
		fmt.Sprintf("  TC string, version %d, TCF policy %d, vendor list %d", d.Version, d.PolicyVersion, d.VendorListVersion),
		"  created " + d.Created + ", last updated " + d.LastUpdated,
		"  consent: " + named(set(d.PurposeConsents), tcfPurposes[:]),
		"  legitimate interest, not objected to: " + named(set(d.PurposeLegitimateInterests), tcfPurposes[:]),
		"  special features: " + named(set(d.SpecialFeatureOptins), tcfSpecialFeatures[:]),
		fmt.Sprintf("  vendors: %d with consent, %d with legitimate interest, %d shown to the user",
			d.VendorConsents.Count, d.VendorLegitimateInterests.Count, d.VendorsDisclosed.Count),
	}
}

// fieldText says what a field of a US section means, where its name tells.
func fieldText(m gpp.Member) string {
	value := fmt.Sprint(m.Value)
	var words []string
	if flags, ok := m.Value.([]bool); ok {
		return named(set(flags), nil)
	}
	switch {
	case strings.HasSuffix(m.Name, "Notice"), m.Name == "MspaCoveredTransaction":
		words = []string{"not applicable", "yes", "no"}
	case strings.HasSuffix(m.Name, "OptOut"):
		words = []string{"not applicable", "opted out", "did not opt out"}
	case m.Name == "PersonalDataConsents", m.Name == "AdditionalDataProcessingConsent":
		words = []string{"not applicable", "no consent", "consent"}
	}
	if n, err := strconv.Atoi(value); err == nil && n < len(words) {
		return words[n]
	}
	return value
}

func usPrivacyLines(d usprivacy.Description) []string {
	word := func(letter string) string {
		switch letter {
		case "Y":
			return "yes"
		case "N":
			return "no"
		}
		return "not applicable"
	}
	return []string{
		fmt.Sprintf("version %d", d.Version),
		"notice and opportunity to opt out were given: " + word(d.Notice),
		"opted out of the sale of personal information: " + word(d.OptOutSale),
		"covered by the Limited Service Provider Agreement: " + word(d.LspaCovered),
	}
}

func cmpLines(d *cmp.Description) []string {
	lines := []string{d.Platform + ": " + d.Summary}
	for _, c := range d.Categories {
		name := c.ID
		if c.Usual != "" {
			name += " (usually " + c.Usual + ")"
		}
		lines = append(lines, name+": "+c.Answer)
	}
	if d.Exhaustive {
		lines = append(lines, "whatever is not named is refused")
	}
	if d.GPC {
		lines = append(lines, "Global Privacy Control was on")
	}
	if d.TC != "" {
		lines = append(lines, "carries a TC string: "+d.TC)
	}
	if d.AC != "" {
		lines = append(lines, "carries an Additional Consent string: "+d.AC)
	}
	return lines
}
