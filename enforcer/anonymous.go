package enforcer

import (
	"slices"
	"strings"
	"time"

	"sekisho/enforcer/identifiers"
	"sekisho/schemas"
)

// An anonymised event must not single a user out, nor be tied to another event
// of the same user, though every field of it is written by the client and may
// be anything. So nothing is kept because it looks harmless. Each field is
// either
//
//   - one of a list that is written here or in the policy: browser, language,
//     the site that led here, currency, name of the event, and the origin of
//     the page, which must be one of the site's own;
//   - computed by the gateway: id, time, jurisdiction, reason; or
//   - words of the site itself, bounded in length and shape so that numbers,
//     tokens, addresses and free text have no room: the page's path and allowed
//     parameters, and the names of campaigns and advertisements.
//
// The gateway keeps no state about who was seen, so it cannot know how many
// visited a page or followed a link: a page that was made for one user under a
// name of plain words, /for/taro, or under letters that read like a word, is still
// told from others; TestUnlikelyWords measures how many such are found. What
// remains there is a property of the page and of the link, the same for whoever
// opens them.
//
// Nor can it know how many share a combination of common values: in a small
// audience one browser, language, page and hour together may be rare. Such
// values say what many others also have, each by itself; a coarser granularity
// in the policy makes the combinations commoner.

// anonymise writes what cannot be tied to a user, a terminal or another event.
// What else the user agreed to is not told either.
func (p *Projector) anonymise(k *Keys, e *schemas.Event, site *Site, granularity time.Duration, named bool) {
	r := &p.record
	r.Purposes = schemas.PurposesOf(schemas.Necessary)
	r.Event.Set(schemas.ID, p.keep(k.AppendAnonymousID(p.arena, e.Get(schemas.ID))))
	p.setTime(e.Time.Truncate(granularity))
	for f := range (e.Fields &^ always).Each {
		if text := p.generalise(f, e, site, named); text != "" {
			r.Event.Set(f, text)
		}
	}
}

// generalise returns what an anonymised event keeps of a field, "" for nothing.
func (p *Projector) generalise(f schemas.Field, e *schemas.Event, site *Site, named bool) string {
	text := e.Get(f)
	switch f.Definition().Anonymous {
	case schemas.AnonymousKeep:
		switch {
		case f == schemas.Name && named:
			return text
		case f == schemas.Currency && slices.Contains(currencies, text):
			return text
		case f != schemas.Name && f != schemas.Currency:
			return plainName(text)
		}
	case schemas.AnonymousAddress:
		return p.keep(site.appendPage(p.arena, text))
	case schemas.AnonymousOrigin:
		return p.keep(site.appendReferrer(p.arena, text))
	case schemas.AnonymousFamily:
		return p.keep(appendFamily(p.arena, text, e.Time))
	case schemas.AnonymousPrimary:
		return primaryLanguage(text)
	case schemas.AnonymousCampaign:
		if isCampaign(f.String()) && site.query.keeps(f.String()) {
			return plainName(text)
		}
	}
	return ""
}

// isCampaign reports whether the tag names a campaign. The other tags are not
// kept: utm_term is what the user searched for, and utm_content and utm_id
// often tell the receivers of a letter apart.
func isCampaign(tag string) bool {
	return tag == "utm_source" || tag == "utm_medium" || tag == "utm_campaign"
}

// maxName is the longest name of a campaign or an advertisement, in bytes.
const maxName = 32

// plainName returns the text in lower case when it is one to four words joined
// by "-", "_" or ".", as people name campaigns, and else "". The only number it
// may have is one year: any other could be a user's.
func plainName(text string) string {
	if len(text) > maxName || identifiers.IdentifierLike(text) {
		return ""
	}
	if lower := strings.ToLower(text); lower != text {
		return plainName(lower) // in which a capital no longer begins a word
	}
	words, numbers := 0, 0
	for i := 0; i < len(text); {
		if i > 0 {
			if !strings.ContainsRune("-_.", rune(text[i])) {
				return ""
			}
			i++
		}
		start := i
		for i < len(text) && isLetter(text[i]) {
			i++
		}
		if i > start {
			words++
		}
		if year := text[i:]; len(year) >= 4 && isYear(year[:4]) {
			numbers++
			i += 4
		} else if i == start {
			return ""
		}
	}
	if words == 0 || words > 4 || numbers > 1 {
		return ""
	}
	return text
}

// plainValue returns the value of an address's parameter when it is a plain
// name or a number of at most two digits, such as a page's; else "".
func plainValue(text string) string {
	if len(text) <= 2 && isDigits(text) {
		return text
	}
	return plainName(text)
}

func isLetter(c byte) bool { c |= 0x20; return c >= 'a' && c <= 'z' }

// isYear accepts 1990 to 2099.
func isYear(s string) bool {
	return len(s) == 4 && isDigits(s) && (s[:2] == "20" || s[:3] == "199")
}

// currencies are those that an anonymised event may name (ISO 4217): the ones
// that most of the world's trade is in.
var currencies = []string{
	"JPY", "USD", "EUR", "GBP", "CNY", "KRW", "TWD", "HKD", "SGD", "AUD", "CAD", "CHF", "THB", "INR", "IDR", "MYR", "PHP", "VND", "BRL", "MXN",
}

// languages are those that an anonymised event may name (BCP 47, ISO 639-1):
// the ones that most pages of the web are in. A rarer one says too much of who
// reads in it.
var languages = []string{
	"ja", "en", "zh", "ko", "es", "fr", "de", "pt", "it", "ru", "vi", "th", "id", "nl", "pl", "tr", "ar",
}

// primaryLanguage returns the language without region and variants when it is
// one of the common ones, or "".
func primaryLanguage(tag string) string {
	if len(tag) < 2 || len(tag) > 2 && tag[2] != '-' && tag[2] != '_' {
		return ""
	}
	for _, language := range languages {
		if strings.EqualFold(tag[:2], language) {
			return language
		}
	}
	return ""
}
