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

// kindOf is the kind under which a field's identifiers are hashed. The two
// platforms' advertising identifiers are one kind: a reset of one as the other,
// by whoever cannot tell them apart, is a reset of it.
func kindOf(f schemas.Field) schemas.Field {
	if f == schemas.GAID {
		return schemas.IDFA
	}
	return f
}
