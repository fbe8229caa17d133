package identifiers

// class says what an ASCII byte may be part of.
type class uint8

const (
	digit  class = 1 << iota
	upper        // A-Z
	lower        // a-z
	hex          // digits and a-f of either case
	local        // local part of an e-mail address, as people have them
	domain       // host name
	token        // base64url, identifiers, slugs
	gap          // between the groups of a number
)

const (
	letter = upper | lower
	alnum  = digit | letter
)

var classes = func() (table [256]class) {
	each := func(chars string, c class) {
		for i := range len(chars) {
			table[chars[i]] |= c
		}
	}
	for c := '0'; c <= '9'; c++ {
		table[c] |= digit | hex | local | domain | token
	}
	for c := 'a'; c <= 'z'; c++ {
		table[c] |= lower | local | domain | token
		table[c-'a'+'A'] |= upper | local | domain | token
	}
	each("abcdefABCDEF", hex)
	each("._+-'~", local)
	each(".-", domain)
	each("-_", token)
	each(" -.()+_/", gap)
	table[dash] |= gap | local | domain
	table[pause] |= gap
	return table
}()

func is(b byte, c class) bool { return classes[b]&c != 0 }

// unhex returns the value of a hexadecimal digit.
func unhex(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b&^0x20 - 'A' + 10
}

// lowered returns an ASCII letter in lower case, and any other byte of a
// name as it is.
func lowered(b byte) byte {
	if is(b, upper) {
		return b | 0x20
	}
	return b
}
