package identifiers

import (
	"bytes"
	"sync"
	"unsafe"
)

// MaskText replaces the direct identifiers in s by their marks and counts
// them in c, which may be nil. The masked text is appended to dst. When there
// is none, dst is returned as it was and changed is false: use s itself.
//
// s may be any text: a title, a property, a key, JSON, an address. Masking
// masked text changes nothing. It may be called from anywhere at any time.
func MaskText(dst []byte, s string, c *Counts) (out []byte, changed bool) {
	return mask(dst, "", s, &asText, c)
}

// form is how a text is read and its masked form written.
type form struct {
	marks [NumKinds]string
	// isURL: a bare + may be a space, a / is no part of base64.
	isURL bool
	// isHost: dots may be hyphens in IP addresses.
	isHost bool
	// clicks: click ids are masked, too.
	clicks bool
	// anonymous: click ids and the hashes of articles are tokens as others.
	anonymous bool
}

var (
	asText      = form{marks: textMarks}
	asURL       = form{marks: urlMarks, isURL: true}
	asHost      = form{marks: hostMarks, isURL: true, isHost: true}
	asNoClicks  = form{marks: urlMarks, isURL: true, clicks: true}
	asAnonymous = form{marks: urlMarks, isURL: true, anonymous: true}
)

// maxSweeps is how often a text is gone over. Once is enough but for texts
// made to yield again what was just taken out of them.
const maxSweeps = 4

// mask masks s and appends head and the result, if there was anything.
func mask(dst []byte, head, s string, form *form, c *Counts) (out []byte, changed bool) {
	suspected := suspect(s)
	if form.isHost || form.clicks && suspected != anything && anyClickID(s) {
		suspected = anything // few hosts come here
	}
	if suspected == nothingFound || suspected == onlyAddress4 && !anyAddress4(s, form) {
		return dst, false
	}
	if c == nil {
		c = new(Counts)
	}
	if out, changed = sweep(dst, head, s, form, suspected, c); !changed {
		return dst, false
	}
	start := len(dst) + len(head)
	for range maxSweeps {
		masked := view(out[start:])
		if suspected = suspect(masked); suspected == nothingFound {
			return out, true // click ids are gone
		}
		again, more := sweep(nil, "", masked, form, suspected, c)
		if !more {
			return out, true
		}
		out = append(out[:start], again...)
	}
	c[Secret]++
	return append(out[:start], form.marks[Secret]...), true
}

// sweep goes over s once, for what it may hold.
func sweep(dst []byte, head, s string, form *form, suspected suspicion, c *Counts) (out []byte, changed bool) {
	room := scratches.Get().(*scratch)
	f := finder{form: form}
	if suspected == onlyAddress4 {
		f.text = append(room.text[:0], s...)
		f.addresses4()
	} else {
		f.folded = room.fold(s)
		f.find()
	}
	if f.found {
		for k, n := range f.counts {
			c[k] += n
		}
		dst = f.render(append(dst, head...), s)
	}
	room.release(len(s))
	return dst, f.found
}

// longestPooled is the longest text for which no memory is allocated.
const longestPooled = 512

// scratch is where a text is folded. On the stacks of all goroutines it would be in
// no processor's cache.
type scratch struct {
	text [longestPooled]byte
	from [longestPooled + 1]int32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// fold folds s, if that could change it.
func (r *scratch) fold(s string) folded {
	if needsFold(s) {
		return fold(r.text[:0], r.from[:0], s)
	}
	return folded{text: append(r.text[:0], s...)}
}

// release gives the scratch to others, without the text of so many bytes that was
// folded in it.
func (r *scratch) release(length int) {
	clear(r.text[:min(length, len(r.text))])
	scratches.Put(r)
}

const (
	// Found bytes are overwritten: the first by kindBase and the kind, the
	// others by markRest. UTF-8 has none of these bytes, nor has folded text.
	markRest = 0xf5
	kindBase = 0xf6 // leaves room for ten kinds
	// passed overwrites what is settled to be no identifier.
	passed = 1
)

// finder finds the identifiers in a folded text.
type finder struct {
	folded
	*form
	found   bool
	sawUUID bool
	counts  Counts
	steps   int // bytes looked at, for tests of linearity
}

// find runs the matchers, the surest first. What one has found the next does
// not see.
func (f *finder) find() {
	f.emails()
	f.jwts()
	f.encodedEmails()
	f.passUUIDs()
	f.passNames()
	f.secrets()
	f.ibans()
	f.addresses6()
	f.addresses4()
	if f.isHost {
		f.dashedAddresses()
	}
	f.numbers()
}

// mark notes that text[i:j] is an identifier.
func (f *finder) mark(i, j int, k Kind) {
	for n := i + 1; n < j; n++ {
		f.text[n] = markRest
	}
	f.text[i] = kindBase + byte(k)
	f.found = true
	f.counts[k]++
}

// pass notes that text[i:j] is none.
func (f *finder) pass(i, j int) {
	for n := i; n < j; n++ {
		f.text[n] = passed
	}
}

// at returns the byte at i, and 0 beyond the text.
func (f *finder) at(i int) byte {
	if i < 0 || i >= len(f.text) {
		return 0
	}
	return f.text[i]
}

// each calls yield for each place of the byte; it serves as a range function.
func (f *finder) each(b byte) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i < len(f.text); i++ {
			next := bytes.IndexByte(f.text[i:], b)
			if next < 0 {
				return
			}
			if i += next; !yield(i) {
				return
			}
		}
	}
}

// run returns the end of the run of bytes of the class that starts at i.
func (f *finder) run(i int, c class) int {
	start := i
	for i < len(f.text) && is(f.text[i], c) {
		i++
	}
	f.steps += i - start + 1
	return i
}

// render appends the source with marks in the place of what was found.
func (f *finder) render(dst []byte, s string) []byte {
	done := 0
	for i := 0; i < len(f.text); i++ {
		if f.text[i] < kindBase {
			continue
		}
		dst = append(dst, s[done:f.source(i)]...)
		dst = append(dst, f.marks[f.text[i]-kindBase]...)
		for i+1 < len(f.text) && f.text[i+1] == markRest {
			i++
		}
		done = f.source(i + 1)
	}
	return append(dst, s[done:]...)
}

// view returns b as a string that shares its memory.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
