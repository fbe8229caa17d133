package additionalconsent

import (
	"iter"
	"strconv"
	"strings"
)

// MaxLength is the longest string that is decoded, in characters. All providers
// there are have some 6,000.
const MaxLength = 16 << 10

// List is what an AC string says. The zero List grants nothing. It refers to the
// string that it was decoded from.
type List struct {
	version   uint8
	consented string // numbers with dots between them
	refused   string // shown to the user, who did not consent
}

// Decode decodes an AC string: `1~` and the providers that have consent, or
// `2~`, those, `~dv.` and the providers that were shown to the user and have
// none. Providers are numbers with dots between them, and each list may be empty;
// an empty second one may do without its dot. The error is an [Error]; the List
// then grants nothing.
//
// The whole string is checked, in time proportional to its length, which is
// bounded by [MaxLength].
func Decode(s string) (List, error) {
	l, err := decode(s)
	if err != 0 {
		return List{}, err
	}
	return l, nil
}

func decode(s string) (List, Error) {
	switch {
	case s == "":
		return List{}, ErrEmpty
	case len(s) > MaxLength:
		return List{}, ErrTooLong
	}
	version, consented, ok := strings.Cut(s, "~")
	if !ok || version != "1" && version != "2" {
		return List{}, ErrVersion
	}
	consented, refused, disclosed := strings.Cut(consented, "~")
	if disclosed != (version == "2") {
		return List{}, ErrForm
	}
	if disclosed {
		if refused, ok = strings.CutPrefix(refused, "dv"); !ok {
			return List{}, ErrForm
		}
		if refused != "" {
			if refused, ok = strings.CutPrefix(refused, "."); !ok {
				return List{}, ErrForm
			}
		}
	}
	if !areIDs(consented) || !areIDs(refused) {
		return List{}, ErrID
	}
	return List{version[0] - '0', consented, refused}, 0
}

// maxDigits keeps a number within 32 bits, whatever its digits.
const maxDigits = 9

// areIDs accepts numbers from 1, without leading zeros, with dots between them,
// and none at all.
func areIDs(list string) bool {
	if list == "" {
		return true
	}
	digits := 0
	for i := range len(list) {
		switch c := list[i]; {
		case c == '.':
			if digits == 0 {
				return false
			}
			digits = 0
		case c < '0' || c > '9' || c == '0' && digits == 0 || digits == maxDigits:
			return false
		default:
			digits++
		}
	}
	return digits != 0
}

// Version returns 1 or 2, or 0 for the zero List.
func (l List) Version() int { return int(l.version) }

// Consented reports whether the user consented to a provider. One that is in
// both lists is not consented to.
func (l List) Consented(id uint32) bool { return has(l.consented, id) && !has(l.refused, id) }

// Disclosed reports whether a provider was shown to the user, as far as the
// string says.
func (l List) Disclosed(id uint32) bool { return has(l.consented, id) || has(l.refused, id) }

// All yields the providers of the string in its order, and whether the user
// consented to each. It is for showing them, not for the hot path.
func (l List) All() iter.Seq2[uint32, bool] {
	return func(yield func(uint32, bool) bool) {
		for _, list := range []string{l.consented, l.refused} {
			for more := list != ""; more; {
				var item string
				item, list, more = strings.Cut(list, ".")
				id, _ := strconv.ParseUint(item, 10, 32)
				if !yield(uint32(id), l.Consented(uint32(id))) {
					return
				}
			}
		}
	}
}

// has reports whether a list has an id, whose digits must stand alone.
func has(list string, id uint32) bool {
	var buf [12]byte
	buf[0] = '.'
	dotted := append(strconv.AppendUint(buf[:1], uint64(id), 10), '.')
	inside, first, last := string(dotted), string(dotted[1:]), string(dotted[:len(dotted)-1])
	return strings.Contains(list, inside) || strings.HasPrefix(list, first) || strings.HasSuffix(list, last) || list == last[1:]
}
