package tcf

// segmentType says what a segment other than the core is about.
type segmentType uint8

const (
	segmentCore segmentType = iota // says nothing: the core has no type
	segmentDisclosed
	segmentAllowed
	segmentPublisher

	maxSegments = 7 // three bits, each type but the core once
)

// readSegment reads a segment after the core. One of a type that is not known
// yet is passed over.
func (c *Consent) readSegment(pos, end uint) (err Error) {
	if pos == end {
		return ErrSegment
	}
	kind := segmentType(c.bits.peek(pos) >> 61)
	if kind == segmentCore {
		return ErrSegment
	}
	for _, seen := range c.segments[:c.count] {
		if seen == kind {
			return ErrSegment
		}
	}
	c.segments[c.count] = kind
	c.count++
	switch pos += 3; kind {
	case segmentDisclosed:
		pos, err = c.readVendors(&c.disclosed, pos, end)
	case segmentAllowed:
		pos, err = c.readVendors(&c.allowed, pos, end)
	case segmentPublisher:
		pos, err = c.readPublisher(pos, end)
	default:
		return 0
	}
	if err == 0 && !c.bits.blank(pos, end) {
		err = ErrTrailing
	}
	return err
}

// publisherBits is the length of the segment without custom purposes.
const publisherBits = 54

// publisher is what the user chose for the publisher's own processing.
type publisher struct {
	at       uint32     // bit of the first field, 0 if there is no such segment
	consent  PurposeSet // what counts
	interest PurposeSet
}

// readPublisher reads PubPurposesConsent 24 | PubPurposesLITransparency 24 |
// NumCustomPurposes 6, and a bit of each kind for each of those. It returns
// where they end.
func (c *Consent) readPublisher(pos, end uint) (uint, Error) {
	if end-pos < publisherBits {
		return 0, ErrTruncated
	}
	bits := c.bits.peek(pos)
	c.publisher = publisher{
		at:       uint32(pos),
		consent:  PurposeSet(bits >> 40),
		interest: PurposeSet(bits>>16&0xffffff) &^ consentOnly,
	}
	if c.PurposeOneTreatment() {
		c.publisher.consent &^= purpose1
	}
	custom := 2 * uint(bits>>10&0x3f)
	if pos += publisherBits; end-pos < custom {
		return 0, ErrTruncated
	}
	return pos + custom, 0
}

// PublisherConsent reports whether the user consented to the publisher's own
// processing for a purpose. It is false if the string has no such segment.
func (c *Consent) PublisherConsent(p Purpose) bool { return c.publisher.consent.Has(p) }

// PublisherLegitimateInterest reports whether the user was told of the
// publisher's legitimate interest in a purpose, and did not object. It is false
// for purposes 1 and 3 to 6.
func (c *Consent) PublisherLegitimateInterest(p Purpose) bool { return c.publisher.interest.Has(p) }
