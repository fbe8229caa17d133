package tcf

// restriction is what the publisher demands of some vendors for a purpose.
type restriction struct {
	purpose Purpose // 0 to 63, as it came
	kind    restrictionKind
	vendors spanList
}

// restrictionKind is the standard's RestrictionType.
type restrictionKind uint8

const (
	notAllowed restrictionKind = iota
	requireConsent
	requireInterest
	undefinedKind
)

// readRestrictions reads for each PurposeId 6 | RestrictionType 2 | NumEntries
// 12 | ranges. It returns where they end.
func (c *Consent) readRestrictions(n uint64, pos, end uint) (uint, Error) {
	for range n {
		if end-pos < 8 {
			return 0, ErrTruncated
		}
		bits := c.bits.peek(pos)
		c.restrictions = append(c.restrictions, restriction{purpose: Purpose(bits >> 58), kind: restrictionKind(bits >> 56 & 3)})
		r := &c.restrictions[len(c.restrictions)-1]
		var err Error
		if pos, err = c.readRanges(&r.vendors, int(bits>>44&0xfff), pos+20, end); err != 0 {
			return 0, err
		}
		c.restricted |= r.purpose.set()
	}
	return pos, 0
}

// demands returns the kinds of all restrictions on a vendor and purpose, one
// bit each.
func (c *Consent) demands(id uint16, p Purpose) (kinds uint8) {
	if !c.restricted.Has(p) {
		return 0
	}
	for i := range c.restrictions {
		if r := &c.restrictions[i]; r.purpose == p && r.vendors.in(c.spans).has(id) {
			kinds |= 1 << r.kind
		}
	}
	return kinds
}
