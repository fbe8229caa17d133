package tcf

import "slices"

// span is a range of ids as it is written: first 16 | last 16. Both are in it.
type span uint32

func newSpan(first, last uint16) span { return span(first)<<16 | span(last) }

func (s span) first() uint16 { return uint16(s >> 16) }
func (s span) last() uint16  { return uint16(s) }

// spanList is where a list of ranges is among all of them.
type spanList struct {
	start, end uint32
	unordered  bool
}

// minEntryBits is the length of an entry for a single vendor.
const minEntryBits = 17

// readRanges reads n entries, each IsARange 1 | StartOrOnlyId 16, and EndId 16 if
// it is one. It returns where they end. NumEntries 12, which says how many there
// are, ends at pos; that may be beyond the end already.
func (c *Consent) readRanges(list *spanList, n int, pos, end uint) (uint, Error) {
	if pos+uint(n)*minEntryBits > end {
		return 0, ErrTruncated
	}
	start := len(c.spans)
	if start+n > cap(c.spans) {
		c.spans = slices.Grow(c.spans, n)
	}
	c.spans = c.spans[:start+n]
	spans, bits := c.spans[start:], c.bits
	// A range that ends before it starts, and one that does not start after those
	// before it, or starts with 0, show in the sign: there is little to branch on.
	var wrong, back, previous int32
	for i := range spans {
		entry := bits.peek(pos)
		if int64(entry) < 0 { // IsARange
			s := span(entry >> 31)
			spans[i] = s
			first, last := int32(s>>16), int32(s&0xffff)
			wrong |= last - first
			back |= first - previous - 1
			previous = last
			pos += minEntryBits + 16
		} else {
			id := int32(entry >> 47)
			spans[i] = span(id) * 0x10001
			back |= id - previous - 1
			previous = id
			pos += minEntryBits
		}
	}
	if pos > end {
		return 0, ErrTruncated
	}
	if wrong < 0 || back < 0 && slices.ContainsFunc(spans, startsWith0) {
		return 0, ErrRange
	}
	*list = spanList{uint32(start), uint32(start + n), back < 0}
	return pos, 0
}

func startsWith0(s span) bool { return s.first() == 0 }

// ranges is a list of ranges.
type ranges struct {
	spans     []span
	unordered bool
}

func (l *spanList) in(spans []span) ranges { return ranges{spans[l.start:l.end], l.unordered} }

func (r ranges) has(id uint16) bool {
	spans := r.spans
	if !r.unordered {
		// The only one that may have it is the last that does not start after it.
		for len(spans) > 1 {
			if half := len(spans) / 2; spans[half].first() <= id {
				spans = spans[half:]
			} else {
				spans = spans[:half]
			}
		}
	}
	for _, s := range spans {
		if s.first() <= id && id <= s.last() {
			return true
		}
	}
	return false
}
