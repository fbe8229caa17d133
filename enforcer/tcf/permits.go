package tcf

// Vendor is what a vendor registered in the global vendor list.
type Vendor struct {
	// ID is the vendor's number in the list.
	ID uint16
	// Consent are the purposes for which it asks for consent.
	Consent PurposeSet
	// LegitimateInterest are the purposes that it bases on legitimate interest.
	LegitimateInterest PurposeSet
	// Flexible are those of both for which it takes the other basis if the
	// publisher demands it.
	Flexible PurposeSet
}

// Permits reports whether the vendor may process the user's data for a purpose.
// It is false unless [Consent.Usable] has said yes.
//
// In this order: the vendor must be among those disclosed, if the string lists
// them; it must have registered the purpose; the publisher's restrictions may
// forbid the purpose or demand a legal basis, which counts if it is the one
// registered, or if the vendor is flexible, and else forbids; then the user must
// have agreed to both purpose and vendor on that basis.
//
// Purpose 1 is never flexible, and 1 and 3 to 6 are never on legitimate
// interest. A purpose registered on both bases needs consent. Restrictions that
// contradict each other, or are of a kind that is not defined, forbid.
//
// It allocates nothing. Time is bounded by the number of ranges in the string;
// with ranges in order, as they are written, by its logarithm.
func (c *Consent) Permits(v *Vendor, p Purpose) bool {
	if !c.usable || c.disclosed.form != absent && !c.Disclosed(v.ID) {
		return false
	}
	onConsent, ok := c.basis(v, p)
	switch {
	case !ok:
		return false
	case onConsent:
		return c.consent.Has(p) && c.VendorConsent(v.ID)
	default:
		return c.interest.Has(p) && c.VendorLegitimateInterest(v.ID)
	}
}

// basis returns whether the vendor needs consent, else legitimate interest, and
// whether it may process for the purpose on any basis at all.
func (c *Consent) basis(v *Vendor, p Purpose) (onConsent, ok bool) {
	onConsent = v.Consent.Has(p)
	if !onConsent && !v.LegitimateInterest.Has(p) {
		return false, false
	}
	flexible := p != 1 && v.Flexible.Has(p)
	switch c.demands(v.ID, p) {
	case 0:
		return onConsent, true
	case 1 << requireConsent:
		return true, onConsent || flexible
	case 1 << requireInterest:
		return false, !onConsent || flexible
	default:
		return false, false
	}
}
