package identifiers

// myNumber returns the end of the Japanese individual number that n starts
// with: 12 digits, solid or in groups of four, which slashes do not separate: one
// in eleven paths of three numbers would be one.
func (f *finder) myNumber(n *number) (end int, ok bool) {
	groups := 1
	if n.length(0) == 4 {
		groups = 3
	}
	if n.n < groups || n.groups[groups-1].total != 12 || groups == 3 && (n.length(1) != 4 || !n.uniform(3) || n.groups[0].gap == '/') {
		return 0, false
	}
	start, end := n.groups[0].start, n.until(groups)
	digits := n.first(groups)
	if f.attached(start) || f.continued(end) || f.among(start, end, '-') ||
		groups == 3 && f.among(start, end, n.groups[0].gap) {
		return 0, false
	}
	if !myNumberChecks(digits) || groups == 1 && isDateTime(digits) || orderWords.precede(f, start) {
		return 0, false
	}
	return end, true
}

// myNumberChecks computes the check digit of an individual number as the
// ordinance of the Ministry of Internal Affairs and Communications on My
// Numbers (2014, no. 85, article 5) has it.
func myNumberChecks(digits []byte) bool {
	sum, any := 0, false
	for n := 1; n <= 11; n++ { // from the digit before the check digit leftwards
		weight := n + 1
		if n > 6 {
			weight = n - 5
		}
		sum += int(digits[11-n]-'0') * weight
		any = any || digits[11-n] != '0'
	}
	check := 11 - sum%11
	if check >= 10 {
		check = 0
	}
	return any && int(digits[11]-'0') == check
}

// isDateTime reports whether the digits read as yyyymmddhhmm.
func isDateTime(digits []byte) bool {
	two := func(i int) int { return int(digits[i]-'0')*10 + int(digits[i+1]-'0') }
	century, month, day := two(0), two(4), two(6)
	return (century == 19 || century == 20) && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
		two(8) < 24 && two(10) < 60
}
