package identifiers

const uuidLength = len("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")

// passUUIDs settles that dashed UUIDs (RFC 9562, section 4) are not secrets
// and hold no numbers.
func (f *finder) passUUIDs() {
	for i := range f.each('-') {
		start := i - 8
		f.steps += 8
		if start >= 0 && isUUID(f.text[start:]) && !is(f.at(start-1), alnum) && !is(f.at(start+uuidLength), alnum) {
			f.pass(start, start+uuidLength)
			f.sawUUID = true
		}
	}
}

// isUUID reports whether text starts with a dashed UUID.
func isUUID(text []byte) bool {
	if len(text) < uuidLength {
		return false
	}
	for i, b := range text[:uuidLength] {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if b != '-' {
				return false
			}
		} else if !is(b, hex) {
			return false
		}
	}
	return true
}
