package identifiers

// Telephone numbers: international ones (ITU-T E.164), Japanese domestic ones
// (a 0, then nine digits, or ten for mobile, IP and some toll-free numbers) and
// North American ones in groups.

// called limits the digits of a number that a word such as tel introduces.
const calledMin, calledMax = 10, 15

// phone returns where the telephone number that n starts with starts and ends.
func (f *finder) phone(n *number) (start, end int, ok bool) {
	start = n.groups[0].start
	if n.groups[0].total == 12 && isJapanAbroad(n.first(1)) && !f.attached(start) && !f.continued(n.until(1)) {
		return start, n.until(1), true
	}
	attached, called := f.attached(start), false
	if n.groups[n.n-1].total >= calledMin {
		called = phoneWords.precede(f, start)
	}
	if attached && !called {
		return 0, 0, false
	}
	for k := min(n.n, 5); k >= 1; k-- {
		total := n.groups[k-1].total
		if total < calledMin || !n.uniform(k) && !(k == 3 && n.inFours(1, k) && n.isJapanese(k)) || k == 1 && f.continued(n.until(1)) {
			continue
		}
		if called && total <= calledMax && n.isCalled(k) || f.isDomestic(n, k) {
			return f.opening(n, start), n.until(k), true
		}
	}
	return 0, 0, false
}

// isCalled reports whether k groups after a word such as tel are a number: where
// slashes separate them only if it starts as one that is dialled does.
func (n *number) isCalled(k int) bool {
	return k == 1 || n.groups[k-2].gap != '/' || n.digits[0] == '0'
}

// isDomestic reports whether the first k groups are a number as dialled in
// Japan or North America, and not a part of a longer number.
func (f *finder) isDomestic(n *number, k int) bool {
	start, end := n.groups[0].start, n.until(k)
	if k == 1 {
		return n.isJapanese(1) && !f.among(start, end, '-') && !f.among(start, end, '.') &&
			!(isISBN(n.first(1)) && (f.at(start-1) == '/' || orderWords.precede(f, start)))
	}
	if !n.isJapanese(k) && !(n.isNorthAmerican(k) && n.groups[k-2].gap != ' ') {
		return false
	}
	mark := n.groups[k-2].gap
	if mark == '/' {
		return n.isSlashed(k) && (n.groups[k-1].total == 11 || !f.among(start, end, mark))
	}
	return mark == ' ' || !f.among(start, end, mark)
}

// isSlashed reports whether k groups that slashes separate, as they do numbers of
// things in a path, are a Japanese number and no month, year and number.
func (n *number) isSlashed(k int) bool {
	if k != 3 || !n.isJapanese(k) {
		return false
	}
	year := n.digits[n.groups[0].total:n.groups[1].total]
	return n.length(0) > 2 || len(year) != 4 || string(year[:2]) != "19" && string(year[:2]) != "20"
}

// opening returns start, or where the parenthesis before it is.
func (f *finder) opening(n *number, start int) int {
	if n.groups[0].gap == ')' && f.at(start-1) == '(' {
		return start - 1
	}
	return start
}

// isJapanese reports whether the first k groups are grouped as a number
// dialled in Japan.
func (n *number) isJapanese(k int) bool {
	d := n.first(k)
	if d[0] != '0' || d[1] == '0' || k > 3 {
		return false
	}
	first, last := n.length(0), n.length(k-1)
	switch len(d) {
	case 11: // 0X0 mobile and IP, 0800 toll-free
		if d[1] < '5' || d[2] != '0' {
			return false
		}
		return k == 1 && (d[3] != '0' || d[1] == '8') || k > 1 && last >= 3 && (first == 3 || first == 4 && d[3] == '0')
	case 10:
		return k == 1 || first >= 2 && first <= 6 && last >= 3
	}
	return false
}

// isNorthAmerican reports whether the first k groups are an area code, an
// exchange and a subscriber's number, perhaps after a 1.
func (n *number) isNorthAmerican(k int) bool {
	if k < 3 || n.length(k-1) != 4 || n.length(k-2) != 3 || n.length(k-3) != 3 {
		return false
	}
	d := n.first(k)
	if k == 4 && len(d) == 11 && d[0] == '1' {
		d = d[1:]
	}
	return len(d) == 10 && d[0] >= '2' && d[3] >= '2'
}

// international returns where the number with a country code that n starts
// with starts and ends. It needs a + or the prefix 00 or 010 before Japan's.
func (f *finder) international(n *number) (start, end int, ok bool) {
	start = n.groups[0].start
	if !f.plusBefore(start) {
		return f.dialledToJapan(n)
	}
	k := n.internationalGroups()
	if k == 0 || k == 1 && is(f.at(n.until(1)), letter) {
		return 0, 0, false
	}
	start--
	if n.groups[0].gap == ')' && f.at(start-1) == '(' {
		start--
	}
	return start, n.until(k), true
}

// plusBefore reports whether an international prefix stands before i. In a
// query a bare + after a word is a space.
func (f *finder) plusBefore(i int) bool {
	if f.at(i-1) != '+' || is(f.at(i-2), digit) {
		return false
	}
	encoded := f.source(i)-f.source(i-1) > 1
	return encoded || !f.isURL || !is(f.at(i-2), alnum) && f.at(i-2) < 0x80
}

// internationalGroups returns how many groups make the number, its country
// code first; 0 when they make none.
func (n *number) internationalGroups() int {
	const shortest, shortestSolid, longest = 8, 9, 15
	if n.digits[0] == '0' {
		return 0
	}
	for k := n.n; k >= 1; k-- {
		d := n.first(k)
		switch {
		case len(d) < shortest || k == 1 && len(d) < shortestSolid || len(d) > longest:
		case d[0] == '1' || d[0] == '7':
			if len(d) == 11 {
				return k
			}
		case d[0] == '8' && d[1] == '1':
			if isJapanAbroad(d) {
				return k
			}
		default:
			return k
		}
	}
	return 0
}

// isJapanAbroad reports whether d is Japan's country code and a national
// number, perhaps with the 0 that is dialled at home.
func isJapanAbroad(d []byte) bool {
	if len(d) < 11 || d[0] != '8' || d[1] != '1' {
		return false
	}
	d = d[2:]
	if d[0] == '0' {
		d = d[1:]
	}
	if d[0] >= '5' && d[1] == '0' {
		return len(d) == 10
	}
	return len(d) == 9 && d[0] != '0'
}

// dialledToJapan finds numbers with the prefix 00 or 010 instead of the +.
func (f *finder) dialledToJapan(n *number) (start, end int, ok bool) {
	start = n.groups[0].start
	if n.digits[0] != '0' || f.attached(start) {
		return 0, 0, false
	}
	for k := n.n; k >= 1; k-- {
		d := n.first(k)
		for _, prefix := range []string{"00", "010"} {
			if len(d) > len(prefix) && string(d[:len(prefix)]) == prefix && isJapanAbroad(d[len(prefix):]) && !f.continued(n.until(k)) {
				return start, n.until(k), true
			}
		}
	}
	return 0, 0, false
}

// isISBN checks a ten-digit book number (ISO 2108:1992), which in English
// starts with 0 as a telephone number does.
func isISBN(digits []byte) bool {
	if len(digits) != 10 {
		return false
	}
	sum := 0
	for i, d := range digits {
		sum += (10 - i) * int(d-'0')
	}
	return sum%11 == 0
}
