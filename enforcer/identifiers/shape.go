package identifiers

// shape is what tells a random token from words.
type shape struct {
	length  int // letters and digits
	run     int // longest unbroken run of them
	letters int
	digits  int
	capital bool
	// changes counts where the kind of character changes: digits, capitals,
	// small letters. A capital that starts a word is no change, nor is a new
	// start after punctuation.
	changes  int
	hexes    int // hexadecimal digits in all
	digitRun int // longest unbroken run of digits
	hexRun   int // longest unbroken run that is all hexadecimal, with letters and digits
}

// shapeOf measures a token.
func shapeOf(text []byte) (s shape) {
	start := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && is(text[i], alnum) {
			continue
		}
		s.measure(text[start:i])
		start = i + 1
	}
	return s
}

// measure adds one unbroken run.
func (s *shape) measure(run []byte) {
	letters, hexes, digits := 0, 0, 0
	for i, b := range run {
		c := classes[b] & alnum
		if c == digit {
			digits++
			s.digitRun = max(s.digitRun, digits)
		} else {
			letters++
			digits = 0
		}
		if is(b, hex) {
			hexes++
		}
		s.capital = s.capital || c == upper
		if i > 0 {
			before := classes[run[i-1]] & alnum
			if c != before && !(before == upper && c == lower) {
				s.changes++
			}
		}
	}
	s.length += len(run)
	s.hexes += hexes
	s.letters += letters
	s.digits += len(run) - letters
	s.run = max(s.run, len(run))
	if hexes == len(run) && letters >= 3 && len(run)-letters >= 3 {
		s.hexRun = max(s.hexRun, len(run))
	}
}
