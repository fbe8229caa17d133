package spool

// extent is a range of a segment's bytes.
type extent struct{ from, to int64 }

// contents are what a segment was found to hold.
type contents struct {
	records []found
	damaged []extent
	// tail is what follows the last record of a segment without a seal, perhaps
	// nothing.
	tail   extent
	sealed bool
}

// scan reads a segment. Whatever the bytes are, each of them is in a record, in
// damage, in the tail or in the seal.
func scan(data []byte, segment uint64) (c contents) {
	size := int64(len(data))
	bad := int64(-1) // where damage began
	damageEnds := func(at int64) {
		if bad >= 0 {
			c.damaged, bad = append(c.damaged, extent{bad, at}), -1
		}
	}
	for at := int64(0); at < size; {
		h, ok := readHead(data[at:], segment, at)
		if !ok || c.sealed { // nothing follows a seal
			if bad < 0 {
				bad = at
			}
			at++
			continue
		}
		if h.seal {
			damageEnds(at)
			c.sealed = true
			at += headSize
			continue
		}
		f, _, ok := readFrame(data[at:], segment, at)
		if !ok {
			// Its length cannot be relied on when there are frames within it.
			if bad < 0 {
				bad = at
			}
			at++
			continue
		}
		damageEnds(at)
		c.records = append(c.records, f)
		at += int64(f.size)
	}
	if c.sealed {
		damageEnds(size)
		return c
	}
	c.tail = extent{size, size}
	if bad >= 0 {
		c.tail.from = bad
	}
	return c
}
