package clickhouse

import (
	"slices"
	"strconv"
	"unsafe"

	"sekisho/schemas"
)

// values are what the events of a run have in one field, by their places in the
// run, one after the other in memory: blocks are written field by field. There is
// no pointer in them. They are reused from run to run.
type values struct {
	texts   []byte   // of all events
	ends    []uint32 // where the text of each begins, and at last where the last one ends
	numbers []int64  // instead of texts, of a field that is a number
}

func (v *values) reset() { v.texts, v.ends, v.numbers = v.texts[:0], v.ends[:0], v.numbers[:0] }

// shrink lets go of memory for texts of which less than half was needed.
func (v *values) shrink() {
	if cap(v.texts) > 2*len(v.texts) {
		v.texts = nil
	}
}

// put notes what the i-th event has. Those before may have nothing.
func (v *values) put(i int, f schemas.Field, text string) {
	switch f.Definition().Kind {
	case schemas.KindUUID, schemas.KindTimestamp: // the event itself has them
	case schemas.KindInteger:
		n, _ := strconv.ParseUint(text, 10, 32) // checked with the field
		v.numbers = append(padded(v.numbers, i, 0), int64(n))
	case schemas.KindDecimal:
		v.numbers = append(padded(v.numbers, i, 0), millionths(text))
	default:
		v.ends = padded(v.ends, i+1, uint32(len(v.texts)))
		v.texts = append(v.texts, text...)
		v.ends = append(v.ends, uint32(len(v.texts)))
	}
}

// padded appends values until there are n.
func padded[T any](list []T, n int, value T) []T {
	if missing := n - len(list); missing > 0 {
		list = slices.Grow(list, missing)
		for range missing {
			list = append(list, value)
		}
	}
	return list
}

// text returns what the i-th event has, "" for nothing. It is good until the values
// are those of another run.
func (v *values) text(i int32) string {
	if int(i)+1 >= len(v.ends) {
		return ""
	}
	from, to := v.ends[i], v.ends[i+1]
	return unsafe.String(unsafe.SliceData(v.texts[from:to]), to-from)
}

// number returns what the i-th event has, 0 for nothing.
func (v *values) number(i int32) int64 {
	if int(i) >= len(v.numbers) {
		return 0
	}
	return v.numbers[i]
}
