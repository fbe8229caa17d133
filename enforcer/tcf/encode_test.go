package tcf

import "strings"

// content is what a TC string says, down to how its vendors are written. Tests
// write strings from it, and read it back from what was decoded.
type content struct {
	version                       uint64
	created, updated              uint64
	cmp, cmpVersion, screen       uint64
	language                      uint64
	vendorList, policy            uint64
	serviceSpecific, nonStandard  uint64
	specialFeatures               uint64
	consent, interest             uint64 // the highest of 24 bits is purpose 1
	oneTreatment                  uint64
	country                       uint64
	vendorConsent, vendorInterest section
	restrictions                  []testRestriction
	segments                      []segmentType
	disclosed, allowed            section
	publisher                     testPublisher
}

// section is a list of vendors: as bits, unless there are ranges.
type section struct {
	max    uint16
	bits   []byte // the first is of id 1
	ranges []span
}

type testRestriction struct {
	purpose, kind uint64
	ranges        []span
}

type testPublisher struct {
	consent, interest, custom uint64
	bits                      []uint64 // of both lists
}

// of lists ids as bits.
func of(ids ...uint16) (s section) {
	for _, id := range ids {
		s.max = max(s.max, id)
	}
	s.bits = make([]byte, s.max)
	for _, id := range ids {
		s.bits[id-1] = 1
	}
	return s
}

// in lists ids as ranges, given by pairs.
func in(ids ...uint16) section {
	s := section{ranges: []span{}}
	for i := 0; i < len(ids); i += 2 {
		s.ranges = append(s.ranges, newSpan(ids[i], ids[i+1]))
		s.max = max(s.max, ids[i+1])
	}
	return s
}

// valid is a string of TCF 2.3 in which all purposes and a few vendors have
// consent: 1 to 3 and 755.
func valid() content {
	return content{
		version: 2, created: 17762112000, updated: 17762112000, cmp: 300, cmpVersion: 2, screen: 1,
		language: 4<<6 | 13, vendorList: 121, policy: 5, serviceSpecific: 1,
		consent: 0xffe000, interest: 0x43e000, country: 3<<6 | 4,
		vendorConsent: in(1, 3, 755, 755), vendorInterest: in(1, 3, 755, 755),
		segments:  []segmentType{segmentDisclosed},
		disclosed: in(1, 3, 755, 755),
	}
}

// with returns a changed copy.
func (c content) with(change func(*content)) content {
	change(&c)
	return c
}

func (c content) String() string {
	var w writer
	w.put(c.version, 6)
	w.put(c.created, 36)
	w.put(c.updated, 36)
	w.put(c.cmp, 12)
	w.put(c.cmpVersion, 12)
	w.put(c.screen, 6)
	w.put(c.language, 12)
	w.put(c.vendorList, 12)
	w.put(c.policy, 6)
	w.put(c.serviceSpecific, 1)
	w.put(c.nonStandard, 1)
	w.put(c.specialFeatures, 12)
	w.put(c.consent, 24)
	w.put(c.interest, 24)
	w.put(c.oneTreatment, 1)
	w.put(c.country, 12)
	w.section(c.vendorConsent)
	w.section(c.vendorInterest)
	w.put(uint64(len(c.restrictions)), 12)
	for _, r := range c.restrictions {
		w.put(r.purpose, 6)
		w.put(r.kind, 2)
		w.ranges(r.ranges)
	}
	parts := []string{w.String()}
	for _, kind := range c.segments {
		w = writer{}
		w.put(uint64(kind), 3)
		switch kind {
		case segmentDisclosed:
			w.section(c.disclosed)
		case segmentAllowed:
			w.section(c.allowed)
		case segmentPublisher:
			w.put(c.publisher.consent, 24)
			w.put(c.publisher.interest, 24)
			w.put(c.publisher.custom, 6)
			for _, bit := range c.publisher.bits {
				w.put(bit, 1)
			}
		}
		parts = append(parts, w.String())
	}
	return strings.Join(parts, ".")
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func indexOf(c byte) int { return strings.IndexByte(alphabet, c) }

// writer writes fields, bit by bit.
type writer struct{ bits []byte }

func (w *writer) put(v uint64, width int) {
	for i := width - 1; i >= 0; i-- {
		w.bits = append(w.bits, byte(v>>i&1))
	}
}

func (w *writer) section(s section) {
	w.put(uint64(s.max), 16)
	if s.ranges != nil {
		w.put(1, 1)
		w.ranges(s.ranges)
		return
	}
	w.put(0, 1)
	w.bits = append(w.bits, s.bits...)
}

func (w *writer) ranges(ranges []span) {
	w.put(uint64(len(ranges)), 12)
	for _, s := range ranges {
		if s.first() == s.last() {
			w.put(uint64(s.first()), 17)
			continue
		}
		w.put(1<<16|uint64(s.first()), 17)
		w.put(uint64(s.last()), 16)
	}
}

func (w *writer) String() string {
	var s strings.Builder
	for len(w.bits)%6 != 0 {
		w.bits = append(w.bits, 0)
	}
	for i := 0; i < len(w.bits); i += 6 {
		v := 0
		for _, bit := range w.bits[i : i+6] {
			v = v<<1 | int(bit)
		}
		s.WriteByte(alphabet[v])
	}
	return s.String()
}

// contentOf reads back what was decoded.
func contentOf(c *Consent) content {
	f := c.field
	out := content{
		version: f(0, 6), created: f(atCreated, 36), updated: f(atUpdated, 36), cmp: f(atCMP, 12),
		cmpVersion: f(atCMPVersion, 12), screen: f(atScreen, 6), language: f(atLanguage, 12),
		vendorList: f(atVendorList, 12), policy: f(atPolicy, 6), serviceSpecific: f(atServiceSpecific, 1),
		nonStandard: f(atNonStandard, 1), specialFeatures: f(atSpecialFeatures, 12), consent: f(atConsent, 24),
		interest: f(atInterest, 24), oneTreatment: f(atOneTreatment, 1), country: f(atCountry, 12),
		vendorConsent: sectionOf(c, &c.vendorConsent), vendorInterest: sectionOf(c, &c.vendorInterest),
		segments: append([]segmentType(nil), c.segments[:c.count]...),
	}
	for _, r := range c.restrictions {
		out.restrictions = append(out.restrictions, testRestriction{
			uint64(r.purpose), uint64(r.kind), c.spans[r.vendors.start:r.vendors.end],
		})
	}
	if c.disclosed.form != absent {
		out.disclosed = sectionOf(c, &c.disclosed)
	}
	if c.allowed.form != absent {
		out.allowed = sectionOf(c, &c.allowed)
	}
	if c.publisher.at != 0 {
		at := uint(c.publisher.at)
		bits := c.bits.peek(at)
		out.publisher = testPublisher{consent: bits >> 40, interest: bits >> 16 & 0xffffff, custom: bits >> 10 & 0x3f}
		for i := range 2 * uint(out.publisher.custom) {
			out.publisher.bits = append(out.publisher.bits, c.bits.peek(at+publisherBits+i)>>63)
		}
	}
	return out
}

func sectionOf(c *Consent, v *vendors) section {
	if v.form == asRanges {
		return section{max: v.max, ranges: append([]span{}, c.spans[v.list.start:v.list.end]...)}
	}
	s := section{max: v.max, bits: make([]byte, v.max)}
	for i := range s.bits {
		if c.has(v, uint16(i+1)) {
			s.bits[i] = 1
		}
	}
	return s
}

// canonical is what of a string carries meaning: without trailing zeros, and
// without segments of types that are passed over.
func canonical(s string) string {
	var kept []string
	for i, segment := range strings.Split(s, ".") {
		if i == 0 || indexOf(segment[0])>>3 <= int(segmentPublisher) {
			kept = append(kept, strings.TrimRight(segment, "A"))
		}
	}
	return strings.Join(kept, ".")
}
