package identifiers

// passNames settles that hashes by which addresses name what anyone may see are no
// identifiers: revisions of source code, as in /commit/0123309566, and articles
// and the like, as in /articles/da39a3ee5e6b4b0d3255bfef95601890afd80709.
//
// A session key or a hashed address may be as long, so of the latter only the
// length of a digest passes, and only as a whole segment of a path right after a
// word for what is published. In an anonymised event both are marked all the same,
// since a page may be made for one user: see [IdentifierLike].
func (f *finder) passNames() {
	const shortest, longest = 7, 64
	for i := range f.each('/') {
		end := f.run(i+1, hex)
		length := end - i - 1
		if length < shortest || length > longest || is(f.at(end), alnum) {
			continue
		}
		if revisionWords.end(f, i) || !f.anonymous && isDigest(length) && f.endsSegment(end) && f.isContent(i) {
			f.pass(i+1, end)
		}
	}
}

// isDigest reports whether MD5, SHA-1 or SHA-256 give so many hexadecimal digits.
func isDigest(length int) bool { return length == 32 || length == 40 || length == 64 }

// endsSegment reports whether a segment of a path ends at i.
func (f *finder) endsSegment(i int) bool {
	switch f.at(i) {
	case 0, '/', '?', '#', ' ', '"':
		return true
	}
	return false
}

// isContent reports whether the segment before the slash at i is a word for what
// is published.
func (f *finder) isContent(i int) bool {
	for _, word := range contentWords {
		if endsWith(f.text[:i], word) && f.at(i-len(word)-1) == '/' {
			return true
		}
	}
	return false
}
