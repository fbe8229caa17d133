package gpp

// VendorSet is a set of vendor ids. It stays in its encoded form, and refers
// to the string that was decoded.
type VendorSet struct {
	ids    reader // at the first bit or range
	count  uint16 // of bits or ranges
	coding coding // of ranges
	ranges bool
}

// Has reports whether the vendor is in the set. The time it takes grows with
// the number of ranges.
func (v *VendorSet) Has(vendor uint16) bool {
	r, id := v.ids, uint32(vendor)
	if !v.ranges {
		if id == 0 || vendor > v.count {
			return false
		}
		r.skip(int(id) - 1)
		return r.flag()
	}
	var first, last uint32
	for range v.count {
		if first, last, _ = r.item(v.coding, last); id <= last {
			return id >= first
		}
	}
	return false
}

// read reads the largest id, then a bit for each id or ranges up to it. The
// specification would have no largest id before ranges, but no encoder leaves
// it out.
func (v *VendorSet) read(r *reader, c coding) Error {
	largest := uint32(r.take(16))
	if !r.flag() {
		*v = VendorSet{ids: *r, count: uint16(largest)}
		r.skip(int(largest))
		return 0
	}
	last, err := v.readRanges(r, c)
	if err == 0 && last != largest {
		err = ErrRange
	}
	return err
}

// readRanges reads a number of ranges, and returns the last id in them.
func (v *VendorSet) readRanges(r *reader, c coding) (last uint32, err Error) {
	count := uint16(r.take(12))
	*v = VendorSet{ids: *r, count: count, coding: c, ranges: true}
	for range count {
		if _, last, err = r.item(c, last); err != 0 {
			return 0, err
		}
	}
	return last, 0
}

// The types of publisher restrictions.
const (
	notAllowed = iota
	requireExpress
	requireImplied
)

// restrictions are purposes and vendors for which the publisher overrides what
// the vendor declared. They too stay in their encoded form.
type restrictions struct {
	list   reader
	count  uint16
	coding coding
}

// of returns the types that restrict the vendor for the purpose, as bits.
func (p *restrictions) of(purpose uint8, vendor uint16) (types uint8) {
	r := p.list
	for range p.count {
		key, kind := uint8(r.take(6)), r.take(2)
		var vendors VendorSet
		if vendors.readRestricted(&r, p.coding) != 0 {
			break
		}
		if key == purpose && vendors.Has(vendor) {
			types |= 1 << kind
		}
	}
	return types
}

func (p *restrictions) read(r *reader, c coding) Error {
	if r.left() < 12 {
		return 0 // some encoders leave the list out if it is empty
	}
	count := uint16(r.take(12))
	*p = restrictions{list: *r, count: count, coding: c}
	for range count {
		r.skip(6 + 2)
		var vendors VendorSet
		if err := vendors.readRestricted(r, c); err != 0 {
			return err
		}
	}
	return 0
}

// readRestricted reads the vendors of a restriction. Fixed ranges stand there
// without the largest id, so that one form could easily be taken for the
// other, were it not that fixed ranges are never none, and that of bits the
// largest is set.
func (v *VendorSet) readRestricted(r *reader, c coding) (err Error) {
	if c == fixed {
		_, err = v.readRanges(r, c)
	} else {
		err = v.read(r, c)
	}
	switch {
	case err != 0:
		return err
	case c == fixed && v.count == 0, !v.ranges && v.count > 0 && !v.Has(v.count):
		return ErrRange
	}
	return 0
}

// vendors is all that a Canadian core says of vendors.
type vendors struct {
	express, implied VendorSet
	restrictions     restrictions
}

// readVendors reads the end of a Canadian core. The specification and the
// IAB's library since version 3.2.0 code ranges; older versions did not, and
// nothing in the string tells which it is. So both are tried: only one may
// make sense down to the last bit.
func readVendors(r reader) (vendors, Error) {
	c, errCoded := readVendorsAs(r, coded)
	if errCoded == 0 && !c.express.ranges && !c.implied.ranges && c.restrictions.count == 0 {
		return c, 0
	}
	f, errFixed := readVendorsAs(r, fixed)
	if first, err := oneOf(errCoded, errFixed); err != 0 {
		return vendors{}, err
	} else if first {
		return c, 0
	}
	return f, 0
}

func readVendorsAs(r reader, c coding) (v vendors, err Error) {
	if err = v.express.read(&r, c); err != 0 {
		return v, err
	}
	if err = v.implied.read(&r, c); err != 0 {
		return v, err
	}
	if err = v.restrictions.read(&r, c); err != 0 {
		return v, err
	}
	return v, r.end()
}

// readDisclosed reads the end of a Canadian sub-section of disclosed vendors,
// in the same way.
func readDisclosed(r reader) (VendorSet, Error) {
	c, errCoded := readDisclosedAs(r, coded)
	if errCoded == 0 && !c.ranges {
		return c, 0
	}
	f, errFixed := readDisclosedAs(r, fixed)
	if first, err := oneOf(errCoded, errFixed); err != 0 {
		return VendorSet{}, err
	} else if first {
		return c, 0
	}
	return f, 0
}

func readDisclosedAs(r reader, c coding) (v VendorSet, err Error) {
	if err = v.read(&r, c); err == 0 {
		err = r.end()
	}
	return v, err
}

// oneOf says which of two readings is the right one.
func oneOf(errFirst, errSecond Error) (first bool, err Error) {
	switch {
	case errFirst != 0 && errSecond != 0:
		return false, errFirst
	case errFirst == 0 && errSecond == 0:
		return false, ErrAmbiguous
	}
	return errFirst == 0, 0
}
