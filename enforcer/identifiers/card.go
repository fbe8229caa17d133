package identifiers

// card returns the end of the payment card number (ISO/IEC 7812-1) that n
// starts with: a brand's prefix and length, and the check digit.
func (f *finder) card(n *number) (end int, ok bool) {
	start := n.groups[0].start
	if f.at(start-1) == '.' && is(f.at(start-2), digit) {
		return 0, false
	}
	if is(f.at(start-1), letter) && !f.wordBefore(start) {
		return 0, false
	}
	for k := 1; k <= n.n; k++ {
		digits := n.first(k)
		if len(digits) < 14 || !n.groupedAsCard(k) || f.continued(n.until(k)) {
			continue
		}
		if isBrand(digits) && luhn(digits) {
			return n.until(k), true
		}
	}
	return 0, false
}

// wordBefore reports whether what is attached to the left of i is a whole word
// of letters, as in JCB3530…, and not a code.
func (f *finder) wordBefore(i int) bool {
	for j := i - 1; j > i-12; j-- {
		f.steps++
		if !is(f.at(j), letter) {
			return !is(f.at(j), digit) && f.at(j) != '-' && f.at(j) != '_'
		}
	}
	return false
}

// groupedAsCard reports whether the first k groups are how a card number is
// written: solid, or in groups that start with four or six digits.
func (n *number) groupedAsCard(k int) bool {
	if k == 1 {
		return true
	}
	if first := n.length(0); first != 4 && first != 6 {
		return false
	}
	for g := 1; g < k; g++ {
		if length := n.length(g); length < 2 && g < k-1 || length > 10 {
			return false
		}
	}
	return n.uniform(k) || n.inFours(0, k)
}

// isBrand reports whether a card scheme issues numbers with these first
// digits and this length.
func isBrand(digits []byte) bool {
	first := 0
	for _, d := range digits[:6] {
		first = first*10 + int(d-'0')
	}
	in := func(low, high int) bool { // ranges of four first digits
		return first/100 >= low && first/100 <= high
	}
	length := len(digits)
	switch {
	case in(4000, 4999): // Visa
		return length == 16 || length == 19
	case in(5100, 5599), in(2221, 2720): // Mastercard
		return length == 16
	case in(3400, 3499), in(3700, 3799): // American Express
		return length == 15
	case in(3528, 3589): // JCB
		return length >= 16 && length <= 19
	case in(3000, 3059), in(3095, 3095), in(3600, 3699), in(3800, 3999): // Diners Club
		return length == 14 || length == 16
	case in(6011, 6011), in(6440, 6599), in(6200, 6299), in(8100, 8199): // Discover, UnionPay, RuPay
		return length >= 16 && length <= 19
	case in(2200, 2204), in(9792, 9792), in(6080, 6099), in(5080, 5089): // Mir, Troy, RuPay
		return length == 16
	case in(5018, 5018), in(5020, 5020), in(5038, 5038), in(5893, 5893), in(6304, 6304), in(6759, 6763): // Maestro
		return length >= 16 && length <= 19
	}
	return false
}

// luhn checks the last digit by ISO/IEC 7812-1, annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		v := int(d - '0')
		if (len(digits)-i)%2 == 0 {
			v *= 2
			v -= v / 10 * 9
		}
		sum += v
	}
	return sum%10 == 0 && sum > 0
}
