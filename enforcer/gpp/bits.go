package gpp

import "math/bits"

const (
	noSextet = 0xff
	alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// sextets maps a character of URL-safe base64 to its six bits.
var sextets = func() (t [256]uint8) {
	for i := range t {
		t[i] = noSextet
	}
	for i := range len(alphabet) {
		t[alphabet[i]] = uint8(i)
	}
	return t
}()

// reader reads the bits of URL-safe base64, most significant first. Bits after
// the end are zero, and short then says that they were asked for.
type reader struct {
	text  string
	pos   int
	short bool
}

// newReader checks every character, so that nothing is read before.
func newReader(text string) (reader, Error) {
	for i := range len(text) {
		if sextets[text[i]] == noSextet {
			return reader{}, ErrCharacter
		}
	}
	return reader{text: text}, 0
}

func (r *reader) left() int { return 6*len(r.text) - r.pos }

// peek returns the next width bits, at most 56, without passing them.
func (r *reader) peek(width int) uint64 {
	i, want := r.pos/6, r.pos%6+width
	var w uint64
	got := 0
	for ; got < want; got += 6 {
		w <<= 6
		if i < len(r.text) {
			w |= uint64(sextets[r.text[i]])
			i++
		}
	}
	return w >> (got - want) & (1<<width - 1)
}

// take returns the next width bits, at most 56, and passes them.
func (r *reader) take(width int) uint64 {
	w := r.peek(width)
	r.skip(width)
	return w
}

func (r *reader) flag() bool { return r.take(1) == 1 }

// flags reads width flags, at most 64; the first is number 1.
func (r *reader) flags(width int) (f Flags) {
	const half = 32
	for at := 0; at < width; at += half {
		n := min(half, width-at)
		f |= Flags(bits.Reverse64(r.take(n))>>(64-n)) << at
	}
	return f
}

func (r *reader) skip(width int) {
	if width > r.left() {
		r.short = true
		width = r.left()
	}
	r.pos += width
}

// maxCode is the length of the longest Fibonacci code word that is accepted.
const maxCode = 24

var weights = [maxCode - 1]uint32{
	1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765, 10946, 17711, 28657, 46368,
}

// code returns the next Fibonacci code word's value, or 0 if there is none.
// The least weight comes first, and only the end of a word is two ones.
func (r *reader) code() uint32 {
	w := uint32(r.peek(maxCode)) << (32 - maxCode)
	last := bits.LeadingZeros32(w & (w << 1))
	if last == 32 {
		return 0
	}
	r.skip(last + 2)
	var sum uint32
	for w = w >> (31 - last) << (31 - last); w != 0; {
		i := bits.LeadingZeros32(w)
		sum += weights[i]
		w &^= 1 << (31 - i)
	}
	return sum
}

// end checks that nothing but padding is left: zeros, and fewer than it takes
// to fill up four characters, the most that any encoder adds.
func (r *reader) end() Error {
	switch left := r.left(); {
	case r.short:
		return ErrTruncated
	case left >= 24 || r.peek(left) != 0:
		return ErrPadding
	}
	return 0
}
