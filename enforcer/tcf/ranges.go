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

// readRanges reads NumEntries 12, then for each IsARange 1 | StartOrOnlyId 16,
// and EndId 16 if it is one. It returns where they end.
func (c *Consent) readRanges(list *spanList, pos, end uint) (uint, Error) {
	if end-pos < 12 {
		return 0, ErrTruncated
	}
	n := int(c.bits.peek(pos) >> 52)
	pos += 12
	if end-pos < uint(n)*minEntryBits {
		return 0, ErrTruncated
	}
	start := len(c.spans)
	if start+n > cap(c.spans) {
		c.spans = slices.Grow(c.spans, n)
	}
	c.spans = c.spans[:start+n]
	pos, wrong, unordered := readEntries(c.spans[start:], c.bits, pos, end)
	if pos > end {
		return 0, ErrTruncated
	}
	if wrong {
		return 0, ErrRange
	}
	*list = spanList{uint32(start), uint32(start + n), unordered}
	return pos, 0
}

// readEntries fills spans, and returns where they end, which is after end if
// there are too few bits. Wrong is a range that ends before it starts, or that
// starts with 0; unordered is one that does not start after those before it.
func readEntries(spans []span, bits bitString, pos, end uint) (next uint, wrong, unordered bool) {
	// Both show in the sign, so that there is little to branch on.
	var bad, back, previous int32
	for i := range spans {
		if pos > end {
			break
		}
		entry := bits.peek(pos)
		s := span(entry >> 31)
		pos += 33
		if int64(entry) >= 0 { // not IsARange
			s = span(entry>>47) * 0x10001
			pos -= 16
		}
		spans[i] = s
		first, last := int32(s>>16), int32(s&0xffff)
		bad |= (first - 1) | (last - first)
		back |= first - previous - 1
		previous = last
	}
	return pos, bad < 0, back < 0
}

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
