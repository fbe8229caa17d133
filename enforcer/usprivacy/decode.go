package usprivacy

// Answer is one letter of a US Privacy string.
type Answer uint8

// The answers. The zero Answer is none of them: nothing was decoded.
const (
	NotApplicable Answer = iota + 1 // -
	Yes                             // Y
	No                              // N
	numAnswers    = iota + 1
)

var letters = [numAnswers]string{"", "-", "Y", "N"}

// String returns the answer's letter, in upper case.
func (a Answer) String() string {
	if int(a) < len(letters) {
		return letters[a]
	}
	return ""
}

// String is a decoded US Privacy string of version 1. The zero String, which
// Decode returns with every error, is opted out.
type String struct {
	// Notice: explicit notice and the opportunity to opt out were given;
	// NotApplicable here also means that it is not known.
	Notice Answer
	// OptOutSale: the user opted out of the sale of personal information. It
	// is NotApplicable only if the whole string is.
	OptOutSale Answer
	// LSPACovered: the transaction is covered by the Limited Service Provider
	// Agreement; NotApplicable also means that it is not known.
	LSPACovered Answer
}

// Decode decodes a US Privacy string. On error the value must count as an
// opt-out.
//
// The specification knows upper case only. Lower case is accepted where the
// user opted out, and never read as anything less.
func Decode(s string) (String, error) {
	if len(s) != 4 {
		return String{}, ErrLength
	}
	if s[0] != '1' {
		return String{}, ErrVersion
	}
	notice, lower1 := answer(s[1])
	optOut, lower2 := answer(s[2])
	lspa, lower3 := answer(s[3])
	d := String{Notice: notice, OptOutSale: optOut, LSPACovered: lspa}
	switch {
	case notice == 0 || optOut == 0 || lspa == 0:
		return String{}, ErrLetter
	case optOut == Yes:
		return d, nil
	case lower1 || lower2 || lower3:
		return String{}, ErrLowerCase
	case optOut == NotApplicable && d.Applies():
		return String{}, ErrOptOut
	}
	return d, nil
}

func answer(c byte) (a Answer, lower bool) {
	switch c {
	case '-':
		return NotApplicable, false
	case 'Y', 'y':
		return Yes, c == 'y'
	case 'N', 'n':
		return No, c == 'n'
	}
	return 0, false
}

// Applies reports whether US privacy law applies to the user, which 1--- denies.
func (s String) Applies() bool {
	return s != String{NotApplicable, NotApplicable, NotApplicable}
}

// OptedOut reports whether the user opted out of the sale of personal
// information. Whatever is not a plain no is an opt-out.
func (s String) OptedOut() bool {
	return s.OptOutSale != No && s.Applies()
}
