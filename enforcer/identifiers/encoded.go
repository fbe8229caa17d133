package identifiers

// Addresses in base64 (RFC 4648, sections 4 and 5), as links in mail have them. Where
// the at sign is in them tells how the characters are to be read, so that it does not
// matter what stands before.

// shortestEncoded is the length of a@b.co in base64.
const shortestEncoded = 8

// sextets has the values of the letters and digits of base64, and 64 for what is none.
// An address in ASCII needs no other character.
var sextets = func() (table [256]byte) {
	for b := range table {
		switch c := byte(b); {
		case is(c, upper):
			table[b] = c - 'A'
		case is(c, lower):
			table[b] = c - 'a' + 26
		case is(c, digit):
			table[b] = c - '0' + 52
		default:
			table[b] = 64
		}
	}
	return table
}()

// encodesAt tells where in a group of four characters the first of two stands when
// they are, or begin, an at sign; -1 when they are none.
func encodesAt(first, second byte) int {
	switch a, b := sextets[first], sextets[second]; {
	case a == 'Q'-'A' && b < 16:
		return 0
	case a&0xf == 4 && a < 64 && b < 4:
		return 1
	case a&3 == 1 && b == 0:
		return 2
	}
	return -1
}

// encodedEmails finds the letters and digits that are addresses in base64, or hold one.
func (f *finder) encodedEmails() {
	start, end := 0, 0 // of those that were looked at last
	for i := 1; i < len(f.text); i++ {
		if f.text[i]-'A' > 'P'-'A' {
			continue
		}
		place := encodesAt(f.text[i-1], f.text[i])
		if place < 0 {
			continue
		}
		if i >= end {
			for start = i - 1; start > end && is(f.text[start-1], alnum); {
				start--
			}
			end = f.run(i, alnum)
			f.steps += i - start
		}
		if end-start < shortestEncoded || !f.encodesEmailAround(start, end, i-1-place, place) {
			continue
		}
		last := end
		for n := 0; n < 2 && f.at(last) == '='; n++ {
			last++
		}
		if !is(f.at(last), alnum) { // else it is the name of a parameter
			end = last
		}
		f.mark(start, end, Email)
		i = end
	}
}

// encodesEmail reports whether text[i:end], of letters and digits, does.
func (f *finder) encodesEmail(i, end int) bool {
	f.steps += end - i
	for j := i + 1; j < end; j++ {
		if f.text[j]-'A' > 'P'-'A' {
			continue
		}
		if place := encodesAt(f.text[j-1], f.text[j]); place >= 0 && f.encodesEmailAround(i, end, j-1-place, place) {
			return true
		}
	}
	return false
}

// encodesEmailAround reports whether the byte of that place in the group of four that
// starts at from is the at sign of an address. The group may start before i.
func (f *finder) encodesEmailAround(i, end, from, place int) bool {
	// decoded returns the byte n places after the at sign; 0 beyond the text.
	decoded := func(n int) byte {
		n += place + 3*64 // which is at least as far as is looked back
		first := from + 4*(n/3-64) + n%3
		if first < i || first+1 >= end {
			return 0
		}
		a, b := sextets[f.text[first]], sextets[f.text[first+1]]
		f.steps++
		switch n % 3 {
		case 0:
			return a<<2 | b>>4
		case 1:
			return a<<4 | b>>2
		}
		return a<<6 | b
	}
	if before := decoded(-1); !is(before, alnum) && before != '_' && before != '-' && before != '+' {
		return false
	}
	const longest = 255
	label, dots := 0, 0
	for n := 1; n < longest; n++ {
		switch b := decoded(n); {
		case b == '.' && label > 0:
			label = 0
			dots++
		case is(b, alnum) || b == '-' && label > 0:
			if label++; dots > 0 && label == 2 && is(b, letter) && is(decoded(n-1), letter) {
				return true
			}
		default:
			return false
		}
	}
	return false
}
