package enforcer

import (
	"strings"

	"sekisho/schemas"
)

// Normalise brings the event's identifiers into the one form under which they
// are hashed, so that a reset finds them however they are written. An
// all-zero advertising identifier is taken away: it says that the user limited
// advertisement tracking.
func Normalise(e *schemas.Event) {
	for f := range (e.Fields & schemas.Identifiers).Each {
		text := e.Get(f)
		normal := NormalIdentifier(f, text)
		switch {
		case normal == "":
			e.Unset(f)
			if said := e.Consent.Signals.LimitAdTracking; said == "" || said == "0" {
				e.Consent.Signals.LimitAdTracking = "1"
			}
		case normal != text:
			e.Set(f, normal)
		}
	}
}

// NormalIdentifier returns the normal form of an identifier, "" when it is
// none.
func NormalIdentifier(f schemas.Field, text string) string {
	switch f {
	case schemas.VisitorID:
		text, _ = SplitVisitor(text)
	case schemas.IDFA, schemas.GAID:
		text = hyphenate(strings.ToLower(text))
		// What iOS and Android give instead of an identifier that the user has
		// refused or deleted, with hyphens or without.
		if strings.Trim(text, "0-") == "" {
			return ""
		}
	case schemas.FBP:
		return normalFBP(text)
	case schemas.GA:
		// GA1.1.123.456: the client id is the last two parts.
		if last := strings.LastIndexByte(text, '.'); last > 0 {
			if before := strings.LastIndexByte(text[:last], '.'); before >= 0 {
				return text[before+1:]
			}
		}
	}
	return text
}

// CheckIdentifier reports why a text cannot be an identifier that somebody holds;
// nil when it can. Of those whose makers write them in one way only that will do:
// whatever else a client may have put into an event, a reset of something
// mistyped would be believed to hold.
func CheckIdentifier(f schemas.Field, text string) *schemas.Invalid {
	if problem := schemas.Check(f, text); problem != nil {
		return problem
	}
	normal, shape := NormalIdentifier(f, text), ""
	switch f {
	case schemas.IDFA, schemas.GAID:
		shape = "must be a UUID, such as 6D92078A-8246-4BA4-AE5B-76104861E7DC"
	case schemas.GA:
		shape = "must be the _ga cookie or the two numbers at its end, such as 1116446470.1760000000"
	case schemas.FBP, schemas.FBC:
		shape = "must be the _" + f.String() + " cookie, such as fb.1.1596403881668.1116446470"
	}
	if shape == "" || normal == "" || isOwn(f, normal) {
		return nil
	}
	return &schemas.Invalid{Path: f.String(), Problem: shape}
}

// SplitVisitor splits the value of the gateway's own visitor cookie: the
// identifier, 22 letters of base64url, and after a dot what was granted to it, a
// number of entries of 12 letters. What is no such value is returned whole.
func SplitVisitor(value string) (id, granted string) {
	const idLen, grantLen = 22, 12
	if len(value) <= idLen+1 || value[idLen] != '.' || (len(value)-idLen-1)%grantLen != 0 ||
		!isOf(value[:idLen], token) || !isOf(value[idLen+1:], token) {
		return value, ""
	}
	return value[:idLen], value[idLen+1:]
}

// normalFBP brings Meta's browser identifier into the form fb.1.TIME.NUMBER: the
// same browser's may be written with another level of domain, without one, or with
// a part appended.
func normalFBP(text string) string {
	const usual = "fb.1."
	rest, prefixed := strings.CutPrefix(text, "fb.")
	if prefixed {
		level, after, _ := strings.Cut(rest, ".")
		if len(level) != 1 || !isOf(level, digits) {
			return text
		}
		rest = after
	}
	time, after, _ := strings.Cut(rest, ".")
	number, _, _ := strings.Cut(after, ".")
	if number == "" || time == "" || !isOf(time, digits) || !prefixed && (len(time) < 10 || len(time) > 13) {
		return text
	}
	if strings.HasPrefix(text, usual) {
		return text[:len(usual)+len(time)+1+len(number)]
	}
	return usual + time + "." + number
}

// hyphenate writes a UUID of 32 digits as UUIDs are written.
func hyphenate(text string) string {
	if len(text) != 32 || !isOf(text, hexadecimal) {
		return text
	}
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// SameKind returns the fields in which an identifier of the field may be found.
func SameKind(f schemas.Field) (set schemas.FieldSet) {
	for g := range schemas.Identifiers.Each {
		if kindOf(g) == kindOf(f) {
			set |= 1 << g
		}
	}
	return set
}

// kindOf is the kind under which a field's identifiers are hashed. The two
// platforms' advertising identifiers are one kind: a reset of one as the other,
// by whoever cannot tell them apart, is a reset of it.
func kindOf(f schemas.Field) schemas.Field {
	if f == schemas.GAID {
		return schemas.IDFA
	}
	return f
}
