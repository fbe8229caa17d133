package strict

import (
	"errors"
	"math"
	"regexp"
	"strconv"
)

// Size is a number of bytes, written with its unit: 64KiB is 65536 bytes, 10MB
// ten million. It is never negative when decoded.
type Size int64

const sizePattern = `^(0|[1-9][0-9]*)(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`

var (
	sizeText  = regexp.MustCompile(sizePattern)
	sizeUnits = []struct {
		name  string
		bytes int64
	}{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
		{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"KB", 1e3}, {"B", 1},
	}
)

// UnmarshalText accepts a whole number and a unit, without a space.
func (s *Size) UnmarshalText(in []byte) error {
	if m := sizeText.FindSubmatch(in); m != nil {
		n, err := strconv.ParseInt(string(m[1]), 10, 64)
		for _, u := range sizeUnits {
			if u.name == string(m[2]) && err == nil && n <= math.MaxInt64/u.bytes {
				*s = Size(n * u.bytes)
				return nil
			}
		}
	}
	return errors.New("want a size with its unit, such as 512B, 64KiB or 10MB, below 8388608TiB")
}

// String writes the size in the largest unit that divides it.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Pattern is the regular expression of a size.
func (Size) Pattern() string { return sizePattern }
