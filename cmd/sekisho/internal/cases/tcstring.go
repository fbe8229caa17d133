package cases

import (
	"encoding/base64"
	"time"
)

// tcString is an IAB TC string of TCF 2.3 in which the user agrees to everything,
// but for what is left out here.
type tcString struct {
	at time.Time // when the user chose
	// refused is a TCF purpose without consent; 0 for none, everyPurpose for all.
	refused int
	// objected is one without legitimate interest; 0 for none.
	objected int
	// vendor is one without consent and legitimate interest; 0 for none.
	vendor int
	// restricted is a TCF purpose that the publisher restricts for all vendors,
	// by the standard's RestrictionType; 0 for none.
	restricted, restriction int
}

const (
	everyPurpose = -1
	maxVendor    = 0xffff
)

// String writes the string as the framework's technical specification has it: the
// core segment, and one in which all vendors are disclosed.
func (s *tcString) String() string {
	var core bits
	core.put(2, 6) // version
	day := uint64(s.at.Truncate(24*time.Hour).UnixMilli() / 100)
	core.put(day, 36) // created
	core.put(day, 36) // updated
	core.put(300, 12) // platform
	core.put(1, 12)   // its version
	core.put(1, 6)    // screen
	core.put(4<<6|13, 12)
	core.put(1, 12) // version of the vendor list
	core.put(5, 6)  // version of the policies
	core.put(1, 1)  // service specific
	core.put(0, 1)
	core.put(0, 12) // special features
	purposes := uint64(1<<24 - 1<<13)
	switch s.refused {
	case 0:
	case everyPurpose:
		purposes = 0
	default:
		purposes &^= 1 << (24 - s.refused)
	}
	core.put(purposes, 24)
	if s.objected != 0 {
		purposes &^= 1 << (24 - s.objected)
	}
	core.put(purposes, 24)
	core.put(0, 1)
	core.put(9<<6|15, 12) // the publisher's country
	core.vendorsBut(s.vendor)
	core.vendorsBut(s.vendor)
	if s.restricted == 0 {
		core.put(0, 12)
	} else {
		core.put(1, 12)
		core.put(uint64(s.restricted), 6)
		core.put(uint64(s.restriction), 2)
		core.ranges([2]int{1, maxVendor})
	}
	var disclosed bits
	disclosed.put(1, 3)
	disclosed.vendorsBut(0)
	return core.String() + "." + disclosed.String()
}

// bits are written one after another, the highest of each field first.
type bits struct {
	bytes []byte
	free  int // bits of the last byte
}

func (b *bits) put(v uint64, width int) {
	for i := width - 1; i >= 0; i-- {
		if b.free == 0 {
			b.bytes, b.free = append(b.bytes, 0), 8
		}
		b.free--
		b.bytes[len(b.bytes)-1] |= byte(v>>i&1) << b.free
	}
}

// vendorsBut writes a section with all vendors but one; 0 for all.
func (b *bits) vendorsBut(vendor int) {
	b.put(maxVendor, 16)
	b.put(1, 1) // as ranges
	var list [][2]int
	for _, r := range [][2]int{{1, vendor - 1}, {vendor + 1, maxVendor}} {
		if r[0] <= r[1] {
			list = append(list, r)
		}
	}
	b.ranges(list...)
}

func (b *bits) ranges(list ...[2]int) {
	b.put(uint64(len(list)), 12)
	for _, r := range list {
		b.put(1, 1) // a range
		b.put(uint64(r[0]), 16)
		b.put(uint64(r[1]), 16)
	}
}

func (b *bits) String() string { return base64.RawURLEncoding.EncodeToString(b.bytes) }
