package identifiers

// secretPrefixes are how well-known services mark their keys, and the fewest
// characters that follow.
var secretPrefixes = []struct {
	prefix string
	least  int
	dotted bool // the key has dots
}{
	{"sk_live_", 16, false}, {"sk_test_", 16, false}, {"rk_live_", 16, false}, {"rk_test_", 16, false}, {"whsec_", 24, false},
	{"AKIA", 16, false}, {"ASIA", 16, false},
	{"ghp_", 30, false}, {"gho_", 30, false}, {"ghu_", 30, false}, {"ghs_", 30, false}, {"ghr_", 30, false}, {"github_pat_", 30, false},
	{"glpat-", 16, false},
	{"xoxb-", 20, false}, {"xoxp-", 20, false}, {"xoxa-", 20, false}, {"xoxr-", 20, false}, {"xoxs-", 20, false}, {"xapp-", 20, false},
	{"AIza", 30, false}, {"ya29.", 20, true}, {"SG.", 20, true},
	{"npm_", 30, false}, {"pypi-", 40, false}, {"hf_", 30, false}, {"dop_v1_", 40, false},
	{"sk-proj-", 20, false}, {"sk-ant-", 20, false}, {"sk-", 32, false},
	{"shpat_", 30, false}, {"shpss_", 30, false},
	{"eyJ", 32, false}, // a JSON object in base64
}

// What is shorter is no secret by its looks.
const shortestSecret, shortestBase64 = 32, 40

// secrets finds passwords and tokens by the names of their parameters, by
// prefixes and by randomness.
func (f *finder) secrets() {
	wide := 0 // base64 up to here was looked at
	for i := 0; i < len(f.text); {
		switch {
		case f.text[i] == '=':
			i = f.parameter(i)
		case !is(f.text[i], token):
			i++
		default:
			end := f.run(i, token)
			secret := f.hasSecretPrefix(i, &end)
			if !secret && i >= wide && f.isBase64Mark(end) {
				if wide = f.base64(i); wide-i >= shortestBase64 && f.isRandomBase64(i, wide) {
					end, secret = wide, true
				}
			}
			if secret || end-i >= shortestSecret && f.isRandom(i, end) {
				f.mark(i, end, Secret)
			}
			i = end
		}
	}
}

// parameter looks at the parameter whose = is at i, and returns from where to
// go on.
func (f *finder) parameter(i int) int {
	f.steps += 16
	switch name := f.text[:i]; {
	case namesVisitor(name):
		return f.maskValue(i+1, Visitor)
	case namesClickID(name) && f.clicks:
		return f.maskValue(i+1, Click)
	case namesClickID(name) && !f.anonymous:
		return f.valueEnd(i + 1)
	case !namesSecret(name):
		return i + 1
	}
	end := f.valueEnd(i + 1)
	if f.isSecretValue(i+1, end, namesPassword(f.text[:i])) {
		f.mark(i+1, end, Secret)
		return end
	}
	return i + 1
}

// maskValue marks the parameter's value that starts at i, if there is one, with what
// was found in it, and returns its end.
func (f *finder) maskValue(i int, k Kind) int {
	end, marks := i, 0
	for end < len(f.text) && (f.text[end] >= markRest || !endsValue(f.text[end])) {
		if f.text[end] >= markRest {
			marks++
		}
		end++
	}
	f.steps += end - i
	if marks < end-i && !isMarks(f.text[i:end]) {
		f.mark(i, end, k)
	}
	return end
}

// valueEnd returns the end of the parameter's value that starts at i.
func (f *finder) valueEnd(i int) int {
	start := i
	for i < len(f.text) && f.text[i] < markRest && !endsValue(f.text[i]) {
		i++
	}
	for start < i && f.at(i) == '=' { // base64
		i++
	}
	f.steps += i - start
	return i
}

func endsValue(b byte) bool {
	switch b {
	case '&', ';', '#', '?', '=', ' ', '"', '\'', '<', '>', ',', ')', '}':
		return true
	}
	return false
}

// isSecretValue reports whether what a parameter named as a secret holds is
// one: anything for a password, else what mixes digits and letters.
func (f *finder) isSecretValue(i, end int, password bool) bool {
	value := f.text[i:end]
	switch {
	case isMarks(value):
		return false
	case password:
		return len(value) >= 4
	case len(value) < 8 || !f.isURL && len(value) < 16:
		return false
	}
	s := shapeOf(value)
	return s.digits >= 1 && s.letters >= 1 && s.changes >= 2
}

// isMarks reports whether the value is marks of earlier masking.
func isMarks(value []byte) bool {
	for len(value) > 0 {
		length := 0
		for _, mark := range textMarks {
			if len(value) >= len(mark) && string(value[:len(mark)]) == mark {
				length = len(mark)
			}
		}
		if length == 0 {
			return false
		}
		value = value[length:]
	}
	return true
}

// hasSecretPrefix reports whether the token starts as a service's keys do,
// and moves its end beyond its dots.
func (f *finder) hasSecretPrefix(i int, end *int) bool {
	if *end-i < minToken && f.at(*end) != '.' {
		return false
	}
	for _, p := range secretPrefixes {
		if f.text[i] != p.prefix[0] || len(f.text)-i < len(p.prefix) || string(f.text[i:i+len(p.prefix)]) != p.prefix {
			continue
		}
		stop, odd := *end, f.isOdd(i, *end)
		for dots := 0; p.dotted && dots < 4 && f.at(stop) == '.' && is(f.at(stop+1), token); dots++ {
			part := stop + 1
			stop = f.run(part, token)
			odd = odd || f.isOdd(part, stop)
		}
		if odd && stop-i >= len(p.prefix)+p.least {
			*end = stop
			return true
		}
	}
	return false
}

// isOdd reports whether the token is one that the prefilter would notice.
func (f *finder) isOdd(i, end int) bool {
	if end-i < minToken {
		return false
	}
	s := shapeOf(f.text[i:end])
	f.steps += end - i
	return s.capital || s.run >= minAlnums
}

// isRandom reports whether a long token is more than words and numbers.
func (f *finder) isRandom(i, end int) bool {
	s := shapeOf(f.text[i:end])
	f.steps += end - i
	if s.hexRun >= shortestSecret {
		return true
	}
	least := minAlnums
	if s.capital {
		least = 12
	}
	if s.length < shortestSecret-2 || s.run < least || s.letters < 2 {
		return false
	}
	return s.digits >= 2 && s.changes*5 >= s.length || s.changes*4 >= s.length
}

// isBase64Mark reports whether a + or / of base64 is at i; bare, it means
// something else in an address.
func (f *finder) isBase64Mark(i int) bool {
	b := f.at(i)
	return (b == '+' || b == '/') && !(f.isURL && f.source(i+1)-f.source(i) == 1)
}

// base64 returns the end of the base64 that starts at i, its padding included.
func (f *finder) base64(i int) int {
	start := i
	for i < len(f.text) && (is(f.text[i], alnum) || f.isBase64Mark(i)) {
		i++
	}
	for n := 0; n < 2 && f.at(i) == '='; n++ {
		i++
	}
	f.steps += i - start
	return i
}

// isRandomBase64 is stricter than isRandom: paths look like base64.
func (f *finder) isRandomBase64(i, end int) bool {
	s := shapeOf(f.text[i:end])
	f.steps += end - i
	return s.run >= minAlnums && s.digits >= 2 && s.capital && s.changes*4 >= s.length
}
