package gpp

// coding is how the ranges of a list of ids are written.
type coding uint8

const (
	// coded is Range(Fibonacci): offsets in Fibonacci code, the first from the
	// id before and the second from the first.
	coded coding = iota
	// fixed is Range(Int): ids of 16 bits.
	fixed
)

// item reads one item of a range: a single id, or a group of ids. Ids ascend
// from the one before, which both codings can say and all encoders do.
func (r *reader) item(c coding, before uint32) (first, last uint32, err Error) {
	group := r.flag()
	if c == fixed {
		first = uint32(r.take(16))
		last = first
		if group {
			last = uint32(r.take(16))
		}
		if first <= before || last < first {
			return 0, 0, ErrRange
		}
		return first, last, 0
	}
	step, length := r.code(), uint32(0)
	if group {
		if length = r.code(); length == 0 {
			return 0, 0, ErrRange
		}
	}
	if step == 0 {
		return 0, 0, ErrRange
	}
	first = before + step
	return first, first + length, 0
}
