package schemas

import "unsafe"

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. s must be UTF-8, which every
// decoded text is.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for {
		n := plain(unsafe.Slice(unsafe.StringData(s), len(s)))
		b = append(b, s[:n]...)
		if n == len(s) {
			return append(b, '"')
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
