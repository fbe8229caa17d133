package tcf

// minVendorBits is the length of a section without vendors.
const minVendorBits = 17

// vendors is a section that lists vendors.
type vendors struct {
	form form
	max  uint16 // highest id that the section speaks of
	at   uint32 // bit of id 1
	list spanList
}

// form is how a section lists vendors.
type form uint8

const (
	absent form = iota // there is no such section
	asBits             // one for each id up to the highest
	asRanges
)

// readVendors reads MaxVendorId 16 | IsRangeEncoding 1 | bits, or NumEntries 12 |
// ranges, and returns where they end.
func (c *Consent) readVendors(v *vendors, pos, end uint) (uint, Error) {
	if end-pos < minVendorBits {
		return 0, ErrTruncated
	}
	bits := c.bits.peek(pos)
	pos += minVendorBits
	v.max = uint16(bits >> 48)
	if bits>>47&1 != 0 {
		v.form = asRanges
		return c.readRanges(&v.list, int(bits>>35&0xfff), pos+12, end)
	}
	v.form, v.at = asBits, uint32(pos)
	if end-pos < uint(v.max) {
		return 0, ErrTruncated
	}
	return pos + uint(v.max), 0
}

// has reports whether the section lists an id. An id above the section's
// highest is not in it, even if a range has it.
func (c *Consent) has(v *vendors, id uint16) bool {
	if id == 0 || id > v.max {
		return false
	}
	if v.form == asRanges {
		return v.list.in(c.spans).has(id)
	}
	bit := v.at + uint32(id) - 1
	return c.bits[bit>>3]<<(bit&7)&0x80 != 0
}
