package schemas

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Invalid says why an event does not fit the schema. It names the field and
// the rule, never the value.
type Invalid struct {
	Path    string `json:"path"`    // field, such as "url" or "properties.plan"
	Problem string `json:"problem"` // what is wrong and what is allowed
}

// Error returns the path and the problem.
func (e *Invalid) Error() string { return e.Path + ": " + e.Problem }

func invalid(f Field, problem string) *Invalid { return &Invalid{Path: f.String(), Problem: problem} }

// knowledge is what is known of a text's characters before it is checked.
type knowledge uint8

const (
	nothing     knowledge = iota
	inUTF8                // that it is UTF-8
	isPrintable           // that it is nothing but ASCII from space to tilde
)

// Check reports why text cannot be the field's in an event as a client sends
// it; nil when it can.
func Check(f Field, text string) *Invalid { return check(f, text, nothing) }

func check(f Field, text string, known knowledge) *Invalid {
	d := f.Definition()
	if limit := d.maxText(); limit > 0 && len(text) > limit {
		return invalid(f, "must be at most "+strconv.Itoa(limit)+" bytes")
	}
	switch d.Kind {
	case KindUUID:
		if len(text) != 36 || uuid.Validate(text) != nil {
			return invalid(f, "must be a UUID, such as 0190163d-8694-739b-aea5-966c26f8ad91")
		}
	case KindType:
		if new(EventType).UnmarshalText([]byte(text)) != nil {
			return invalid(f, "must be one of "+strings.Join(eventTypeNames[:], ", "))
		}
	case KindTimestamp:
		_, bad := checkTime(f, text)
		return bad
	case KindIdentifier:
		if !isIdentifier(text) {
			return invalid(f, "must be printable ASCII without spaces")
		}
	case KindName:
		if !isName(text) {
			return invalid(f, `must be letters, digits and "_.-"`)
		}
	case KindURI:
		if !isAddress(text, known) {
			return invalid(f, "must be an absolute http or https address without control characters or spaces")
		}
	case KindText:
		if !isText(text, known) {
			return invalid(f, "must be UTF-8 without control characters")
		}
	case KindInteger, KindDecimal:
		return checkNumber(f, d, text)
	}
	return nil
}

func checkTime(f Field, text string) (time.Time, *Invalid) {
	t, err := ParseTime(text)
	if err != nil {
		return t, invalid(f, "must be an RFC 3339 time with a zone, such as 2026-11-02T09:00:00Z")
	}
	return t, nil
}

func checkNumber(f Field, d *Definition, text string) *Invalid {
	if n, ok := parseWhole(text); ok && n <= d.Max {
		return nil
	}
	problem := "must be a number from 0 to "
	if d.Kind == KindInteger {
		problem = "must be a whole number from 0 to "
	}
	n, ok := parseNumber(text)
	if !ok || n < 0 || n > d.Max || d.Kind == KindInteger && !isDigits(text) {
		return invalid(f, problem+strconv.FormatFloat(d.Max, 'f', -1, 64))
	}
	return nil
}

// CheckProperty reports why text cannot be the value of a text property.
func CheckProperty(name, text string) *Invalid { return checkProperty(name, text, nothing) }

func checkProperty(name, text string, known knowledge) *Invalid {
	if len(text) > MaxPropertyText {
		return &Invalid{Path: "properties." + name, Problem: "must be at most " + strconv.Itoa(MaxPropertyText) + " bytes"}
	}
	if !isText(text, known) {
		return &Invalid{Path: "properties." + name, Problem: "must be UTF-8 without control characters"}
	}
	return nil
}

// Limits of properties.
const (
	MaxProperties   = 64
	MaxPropertyText = 1024
)

// isText accepts any UTF-8 without control characters.
func isText(s string, known knowledge) bool {
	return known == isPrintable || (known == inUTF8 || utf8.ValidString(s)) && !hasControl(s)
}

// hasControl finds ASCII controls and the C1 controls U+0080 to U+009F in UTF-8.
func hasControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == 0x7f || c == 0xc2 && s[i+1] < 0xa0 {
			return true
		}
	}
	return false
}

func isIdentifier(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// isName accepts a short name. The site, event names and codes are names.
func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !inNames[s[i]] {
			return false
		}
	}
	return s != ""
}

var inNames = func() (in [256]bool) {
	for c := range in {
		in[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
	}
	return in
}()

// LowerScheme returns an address with its scheme in small letters: capitals stand for
// the same (RFC 3986, section 3.1). It allocates only when there are any.
func LowerScheme(address string) string {
	end := strings.Index(address[:min(len(address), len("https://"))], "://")
	for i := range max(end, 0) {
		if c := address[i]; 'A' <= c && c <= 'Z' {
			return strings.ToLower(address[:end]) + address[end:]
		}
	}
	return address
}

func isAddress(s string, known knowledge) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "http://"); !ok {
			if lower := LowerScheme(s); lower != s {
				return isAddress(lower, known)
			}
			return false
		}
	}
	if rest == "" || rest[0] == '/' || rest[0] == '?' || rest[0] == '#' {
		return false
	}
	return strings.IndexByte(s, ' ') < 0 && isText(s, known)
}
