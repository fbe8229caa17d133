package schemas

import (
	"encoding/binary"
	"slices"
	"unsafe"
)

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. s must be UTF-8, which every
// decoded text is.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := len(b)
	b = slices.Grow(b, len(s)+1)[:start+len(s)]
	if !copyPlain(b[start:], s) {
		b = appendEscaped(b[:start], s)
	}
	return append(b, '"')
}

// copyPlain copies s to where there is room for it, eight bytes at a time, unless
// something in it must be escaped: most texts are short, so that looking at them
// and copying them one after the other takes twice as long.
func copyPlain(to []byte, s string) bool {
	const word = 8
	from := unsafe.Slice(unsafe.StringData(s), len(s))
	to = to[:len(from)]
	var found uint64
	n := 0
	for ; n+word <= len(from); n += word {
		w := binary.LittleEndian.Uint64(from[n:])
		found |= special(w)
		binary.LittleEndian.PutUint64(to[n:], w)
	}
	switch rest := len(from) - n; {
	case rest == 0:
	case n > 0: // the last eight bytes, some of them once more
		w := binary.LittleEndian.Uint64(from[len(from)-word:])
		found |= special(w)
		binary.LittleEndian.PutUint64(to[len(to)-word:], w)
	case rest >= word/2: // the first four and the last
		first, last := binary.LittleEndian.Uint32(from), binary.LittleEndian.Uint32(from[rest-word/2:])
		found = special(uint64(first) | uint64(last)<<32)
		binary.LittleEndian.PutUint32(to, first)
		binary.LittleEndian.PutUint32(to[rest-word/2:], last)
	default:
		for i, c := range from {
			if c < ' ' || c == '"' || c == '\\' {
				return false
			}
			to[i] = c
		}
	}
	return found == 0
}

func appendEscaped(b []byte, s string) []byte {
	for {
		n := plain(unsafe.Slice(unsafe.StringData(s), len(s)))
		b = append(b, s[:n]...)
		if n == len(s) {
			return b
		}
		switch c := s[n]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		s = s[n+1:]
	}
}

// AppendString appends s, which must be UTF-8, as a JSON string, for those who
// write JSON of what is in an event.
func AppendString(b []byte, s string) []byte { return appendString(b, s) }
