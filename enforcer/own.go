package enforcer

import (
	"strings"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

func ownIdentifiers(list []policy.Identifier) (set schemas.FieldSet) {
	for _, i := range list {
		set |= 1 << i
	}
	return set
}

// ownOf returns the identifiers that a recipient may have as they came: those
// that the policy names for it, whose category is granted, and that look as
// their maker makes them. What looks otherwise could be anything, such as an
// e-mail address that a site put there. What singles a user out is sealed for the
// recipient; the numbers of an event and of an order stand in the record as they are.
func (p *Projector) ownOf(k *Keys, recipient string, e *schemas.Event, named schemas.FieldSet, granted schemas.Categories) []schemas.OwnIdentifier {
	named &= e.Fields & (schemas.FieldsIn(granted) | always)
	if named == 0 {
		return nil
	}
	start := len(p.own)
	for f := range named.Each {
		text := e.Get(f)
		if f == schemas.OrderID {
			text = p.maskText(text)
		} else if !isOwn(f, text) {
			continue
		}
		if schemas.Identifiers.Has(f) {
			text = p.sealed(k, recipient, f, text)
		}
		p.own = append(p.own, schemas.OwnIdentifier{Field: f, Text: text})
	}
	return p.own[start:len(p.own):len(p.own)]
}

func (p *Projector) sealed(k *Keys, recipient string, f schemas.Field, text string) string {
	last := p.recall.of(k, recipient, f)
	if last.is(text) {
		return share(last.made)
	}
	made := p.keep(k.appendSealed(p.arena, recipient, f, text))
	last.note(text, made)
	return made
}

// flags returns the flags that the recipient is told, and what is refused to it
// alone.
func (rv *RecipientVerdict) flags() (flags schemas.GrantFlags) {
	if rv.AdUserData {
		flags |= schemas.AdUserData
	}
	if rv.AdPersonalisation {
		flags |= schemas.AdPersonalisation
	}
	if rv.LimitedDataUse {
		flags |= schemas.LimitedDataUse
	}
	if rv.TrackingPermitted {
		flags |= schemas.TrackingPermitted
	}
	return flags | schemas.RefusedTo(rv.refused)
}

// isOwn reports whether an identifier in its normal form looks as its maker
// makes it.
func isOwn(f schemas.Field, text string) bool {
	switch f {
	case schemas.ID: // a UUID, as every id is
		return true
	case schemas.GA:
		return len(text) <= 21 && isParts(text, digits, digits) // 1116446470.1760000000
	case schemas.FBP, schemas.FBC:
		return isFB(text)
	case schemas.IDFA, schemas.GAID:
		return schemas.Check(schemas.ID, text) == nil
	case schemas.AppInstanceID:
		return len(text) == 32 && isOf(text, hexadecimal)
	}
	return false
}

// isFB accepts what Meta's pixel makes: fb.1.1596403881668.1116446470, of which
// the last part may be a click id, and a further part be appended.
func isFB(text string) bool {
	if len(text) < 5 || text[:3] != "fb." || text[3] < '0' || text[3] > '2' || text[4] != '.' {
		return false
	}
	rest := text[5:]
	if time := strings.IndexByte(rest, '.'); time < 10 || time > 13 {
		return false
	}
	return isParts(rest, digits, token) || isParts(rest, digits, token, token)
}

// The characters of a part of an identifier.
const (
	digits = 1 << iota
	hexadecimal
	token // letters, digits, "-" and "_"
)

// isParts accepts parts joined by dots, each of the given characters.
func isParts(text string, parts ...int) bool {
	for i, characters := range parts {
		end := len(text)
		if i < len(parts)-1 {
			for end = 0; end < len(text) && text[end] != '.'; end++ {
			}
			if end == len(text) {
				return false
			}
		}
		if end == 0 || !isOf(text[:end], characters) {
			return false
		}
		text = text[min(end+1, len(text)):]
	}
	return true
}

func isOf(text string, characters int) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'f' && characters != digits:
		case characters == token && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_'):
		default:
			return false
		}
	}
	return true
}
