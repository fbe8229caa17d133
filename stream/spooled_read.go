package stream

import (
	"encoding/binary"

	"sekisho/schemas"
)

// reader reads what the spool has. Once something does not fit it is bad, and
// reads nothing but zeros.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) bytes(n int) []byte {
	if r.bad || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) id() (id [16]byte) {
	copy(id[:], r.bytes(16))
	return id
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// number reads one that is at most the limit.
func (r *reader) number(limit int) int {
	n := r.uvarint()
	if limit < 0 || n > uint64(limit) {
		r.bad, r.rest = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) text() []byte { return r.bytes(r.number(len(r.rest))) }

func (r *reader) decisions() (all []schemas.Decision) {
	var different []schemas.Decision
	for range r.number(len(r.rest)) {
		d := schemas.Decision{Minute: r.varint(), Site: string(r.text())}
		kind := r.text()
		d.Recipient = string(r.text())
		outcome, reason := r.text(), r.text()
		if r.bad || d.Read(kind, outcome, reason) != nil {
			r.bad, r.rest = true, nil
			return nil
		}
		different = append(different, d)
	}
	for range r.number(len(r.rest)) {
		if i := r.number(len(different) - 1); !r.bad {
			all = append(all, different[i])
		}
	}
	return all
}
