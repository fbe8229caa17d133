package ga4

import (
	"strconv"
	"strings"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// head begins the request of an event: whose it is and what was consented to.
// It is false when nothing says whose it is.
func (k *Kind) head(e *forward.Event, app bool) (b []byte, ok bool) {
	b = append(b, '{')
	member, id, user, ok := k.client(e, app)
	if !ok {
		return nil, false
	}
	b = forward.AppendText(b, member, id)
	if user != "" {
		b = forward.AppendText(b, "user_id", user)
	}
	b = forward.AppendRaw(b, "consent", `{"ad_user_data":"`+answer(e.Flags.Has(schemas.AdUserData))+
		`","ad_personalization":"`+answer(e.Flags.Has(schemas.AdPersonalisation))+`"}`)
	if agent := e.Get(schemas.UserAgent); agent != "" {
		b = forward.AppendText(b, "user_agent", agent)
	}
	if country := strings.ToUpper(e.Get(schemas.Country)); isCountry(country) {
		b = append(b, `,"user_location":{`...)
		b = forward.AppendText(b, "country_id", country)
		if region := strings.ToUpper(e.Get(schemas.Region)); isRegion(region, country) {
			b = forward.AppendText(b, "region_id", region)
		}
		b = append(b, '}')
	}
	return b, true
}

func answer(granted bool) string {
	if granted {
		return "GRANTED"
	}
	return "DENIED"
}

// webClients and appClients are the identifiers of which a client's id is made
// where it may not have its own, the first that there is.
var (
	webClients = []schemas.Field{schemas.VisitorID, schemas.GA, schemas.UserID}
	appClients = []schemas.Field{schemas.AppInstanceID, schemas.VisitorID, schemas.UserID}
)

// client returns the name and the text of the client's id, and a user id or "".
func (k *Kind) client(e *forward.Event, app bool) (member, id, user string, ok bool) {
	if k.config.UserID {
		if p, ok := e.Pseudonym(schemas.UserID); ok {
			user = p.Hex()
		}
	}
	own, from := schemas.GA, webClients
	member = "client_id"
	if app {
		own, from, member = schemas.AppInstanceID, appClients, "app_instance_id"
	}
	if id, ok := e.Own(own); ok {
		if p, ok := e.Pseudonym(own); ok && user == "" && k.config.Deletion.Property != "" {
			user = p.Hex()
		}
		return member, id, user, true
	}
	for _, f := range from {
		if p, ok := e.Pseudonym(f); ok {
			return member, clientID(p, app), user, true
		}
	}
	return "", "", "", false
}

// clientID gives a pseudonym the shape of Google's ids.
func clientID(p forward.Pseudonym, app bool) string {
	if app {
		return p.Hex()
	}
	a, b := p.Numbers()
	return tenDigits(a) + "." + tenDigits(b)
}

// tenDigits writes a number of 31 bits in ten digits, each its own.
func tenDigits(n uint32) string { return strconv.FormatUint(uint64(n)+1_000_000_000, 10) }

func isCountry(code string) bool { return len(code) == 2 && isCapital(code[0]) && isCapital(code[1]) }

// isRegion accepts ISO 3166-2 of that country, such as US-CA.
func isRegion(code, country string) bool {
	rest, ok := strings.CutPrefix(code, country+"-")
	if !ok || len(rest) < 1 || len(rest) > 3 {
		return false
	}
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; !isCapital(c) && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func isCapital(c byte) bool { return c >= 'A' && c <= 'Z' }
