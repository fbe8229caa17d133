package identifiers

// passRevisions settles that the hashes by which addresses name revisions of
// source code, as in /commit/0123309566, are no identifiers.
func (f *finder) passRevisions() {
	const shortest, longest = 7, 64
	for i := range f.each('/') {
		end := f.run(i+1, hex)
		if length := end - i - 1; length >= shortest && length <= longest && !is(f.at(end), alnum) && revisionWords.end(f, i) {
			f.pass(i+1, end)
		}
	}
}
