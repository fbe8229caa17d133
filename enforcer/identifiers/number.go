package identifiers

// number is a run of groups of digits, with small gaps between, as the
// matchers of cards, My Numbers and telephone numbers read it.
type number struct {
	groups [maxGroups]group
	n      int
	digits [maxDigits]byte // of all groups
}

// group is one run of digits and the gap after it.
type group struct {
	start, end int  // in the text
	total      int  // digits up to and with this group
	gap        byte // what separates it from the next: its mark, or a space
}

const (
	maxGroups = 9
	maxDigits = 20
	maxGap    = 3 // as in "03 - 1234"
)

// numbers finds what is made of digits.
func (f *finder) numbers() {
	var n number
	for i := 0; i < len(f.text); {
		if !is(f.text[i], digit) {
			i++
			continue
		}
		if f.readNumber(i, &n); n.n == 0 { // longer than any
			i = f.run(i, digit)
			continue
		}
		next := n.groups[0].end
		if start, end, ok := f.international(&n); ok {
			f.mark(start, end, Phone)
			next = end
		} else if end, ok := f.card(&n); ok {
			f.mark(i, end, Card)
			next = end
		} else if end, ok := f.myNumber(&n); ok {
			f.mark(i, end, MyNumber)
			next = end
		} else if start, end, ok := f.phone(&n); ok {
			f.mark(start, end, Phone)
			next = end
		}
		i = next
	}
}

// readNumber reads the groups from i on.
func (f *finder) readNumber(i int, n *number) {
	n.n = 0
	if f.readSpelled(i, n) {
		return
	}
	total := 0
	for n.n < maxGroups {
		end := f.run(i, digit)
		if total+end-i > maxDigits {
			return
		}
		copy(n.digits[total:], f.text[i:end])
		total += end - i
		g := &n.groups[n.n]
		*g = group{start: i, end: end, total: total}
		n.n++
		g.gap, i = f.gapAfter(end)
		if g.gap == 0 {
			return
		}
	}
}

// readSpelled reads digits of which each stands apart, as in 0 9 0 1 2 3 4 …, as one
// group. They are no number when they are a part of more, count up, or are as
// alike as the runs of innings.
func (f *finder) readSpelled(i int, n *number) bool {
	mark := f.at(i + 1)
	if !is(mark, gap) || mark == '(' || mark == ')' || f.at(i-1) == mark && is(f.at(i-2), digit) && !is(f.at(i-3), digit) {
		return false
	}
	const fewestKinds, mostJudged = 5, 12
	count, kinds, counts := 0, 0, true
	seen := [10]bool{}
	for end := i; ; end += 2 {
		f.steps++
		if count == maxDigits || is(f.at(end+1), digit) {
			return false
		}
		d := f.text[end]
		counts = counts && (count == 0 || d == n.digits[count-1]+1 || d == '0' && n.digits[count-1] == '9')
		if !seen[d-'0'] {
			seen[d-'0'] = true
			kinds++
		}
		n.digits[count] = d
		if count++; f.at(end+1) == mark && is(f.at(end+2), digit) {
			continue
		}
		if count < minDigits || counts || count <= mostJudged && kinds < fewestKinds {
			return false
		}
		n.groups[0], n.n = group{start: i, end: end + 1, total: count}, 1
		return true
	}
}

// gapAfter returns what separates the digits before i from those that follow,
// and where these start; 0 when none follow.
func (f *finder) gapAfter(i int) (mark byte, next int) {
	for next = i; next < len(f.text) && next <= i+maxGap; next++ {
		switch b := plain(f.text[next]); {
		case is(b, digit):
			return mark, next
		case !is(b, gap):
			return 0, 0
		case mark == 0 || mark == ' ' || b == '(' || b == ')':
			mark = b
		}
	}
	return 0, 0
}

// plain returns the hyphen for any dash, and the slash for what separates as little.
func plain(b byte) byte {
	switch b {
	case dash:
		return '-'
	case pause:
		return '/'
	}
	return b
}

// until returns the end of the text that the first k groups take.
func (n *number) until(k int) int { return n.groups[k-1].end }

// first returns the digits of the first k groups.
func (n *number) first(k int) []byte { return n.digits[:n.groups[k-1].total] }

// length returns the number of digits in the group.
func (n *number) length(k int) int { return n.groups[k].end - n.groups[k].start }

// uniform reports whether the same mark separates the first k groups.
// Parentheses go with any.
func (n *number) uniform(k int) bool {
	var mark byte
	for _, g := range n.groups[:k-1] {
		switch {
		case g.gap == '(' || g.gap == ')':
		case mark == 0:
			mark = g.gap
		case mark != g.gap:
			return false
		}
	}
	return true
}

// inFours reports whether the groups from the first to before k have four digits
// each. Few other things are written so, whatever separates the groups.
func (n *number) inFours(first, k int) bool {
	for g := first; g < k; g++ {
		if n.length(g) != 4 {
			return false
		}
	}
	return true
}

// attached reports whether the number that starts at i is part of something
// longer: of a word, or of a decimal fraction.
func (f *finder) attached(i int) bool {
	switch b := f.at(i - 1); {
	case b == 'n' || b == 'r' || b == 't':
		return f.at(i-2) != '\\' // JSON's escapes
	case is(b, letter):
		return true
	default:
		return b == '.' && is(f.at(i-2), digit)
	}
}

// continued reports whether what ends at i goes on.
func (f *finder) continued(i int) bool {
	return is(f.at(i), letter) || f.at(i) == '.' && is(f.at(i+1), digit)
}

// among reports whether digits precede start or follow end, with the mark
// between: the number is a part of a longer one.
func (f *finder) among(start, end int, mark byte) bool {
	return plain(f.at(start-1)) == mark && is(f.at(start-2), digit) || plain(f.at(end)) == mark && is(f.at(end+1), digit)
}
