package consentmode

// Where the parts of gcd are.
const (
	gcdPairs   = 1 // after the leading 1
	gcdTail    = gcdPairs + 2*NumTypes
	maxGCDTail = 16
)

// DecodeGCD decodes gcd, which is `1`, then for each consent type a digit and
// a letter, then a tail of which nothing is known. The digit is the implicit
// state: 1 not set, 2 denied, 3 granted. The letter is the explicit one, two
// bits each of default and update. An absent gcd, "", is the zero State.
//
// The tail must be there, since its absence means a value cut short, but is
// not understood. On error the State is zero, and the value must count as a
// refusal.
func DecodeGCD(s string) (State, error) {
	if s == "" {
		return State{}, nil
	}
	if len(s) <= gcdTail || len(s) > gcdTail+maxGCDTail || s[0] != '1' || !isToken(s[gcdTail:]) {
		return State{}, ErrForm
	}
	var state State
	for t := range state {
		digit, letter := s[gcdPairs+2*t], s[gcdPairs+2*t+1]
		setting, ok := gcdSetting(letter)
		if !ok || digit < '1' || digit > '3' {
			return State{}, ErrState
		}
		setting.Implicit = Value(digit - '1')
		state[t] = setting
	}
	return state, nil
}

// gcdSetting reads an explicit state: l + 4·default + update, where each is 0
// not set, 1 denied, 2 granted. Other letters have never been explained.
func gcdSetting(letter byte) (Setting, bool) {
	i := letter - 'l' // a letter before l wraps around, to far more than Granted
	s := Setting{Default: Value(i >> 2), Update: Value(i & 3)}
	if s.Default > Granted || s.Update > Granted {
		return Setting{}, false
	}
	if s.Value = s.Default; s.Update != NotSet {
		s.Value = s.Update
	}
	return s, true
}

// isToken accepts the characters of URL-safe base64.
func isToken(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
