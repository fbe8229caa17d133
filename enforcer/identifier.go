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
		text = strings.ToLower(text)
		// What iOS and Android give instead of an identifier that the user has
		// refused or deleted, with hyphens or without.
		if strings.Trim(text, "0-") == "" {
			return ""
		}
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
