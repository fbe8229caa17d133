package meta

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// user is what an event says of its user.
type user struct {
	external    []string // hashed
	fbp, fbc    string
	advertising string // only an app's
	app         app
	agent       string
	country     string
	state       string
	gender      string
	identified  bool
}

// cookie is what Meta takes for _fbp and _fbc.
var cookie = regexp.MustCompile(`^fb\.[0-2]\.\d{10,13}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]{1,16})?$`)

func userOf(e *forward.Event) (u user) {
	for _, f := range [...]schemas.Field{schemas.VisitorID, schemas.UserID} {
		if p, ok := e.Pseudonym(f); ok {
			u.external = append(u.external, hash(p.Hex()))
		}
	}
	if text, ok := e.Own(schemas.FBP); ok && cookie.MatchString(text) {
		u.fbp = text
	}
	if text, ok := e.Own(schemas.FBC); ok && cookie.MatchString(text) {
		u.fbc = text
	}
	u.agent = e.Get(schemas.UserAgent)
	for _, of := range [...]struct {
		field schemas.Field
		app   string
	}{{schemas.IDFA, "i2"}, {schemas.GAID, "a2"}} {
		text, ok := e.Own(of.field)
		if !ok {
			continue
		}
		if system := systemVersion(u.agent); system != "" {
			u.advertising, u.app = strings.ToLower(text), app{of.app, system}
		}
	}
	if country := strings.ToLower(e.Get(schemas.Country)); isLetters(country, 2) {
		u.country = hash(country)
	}
	// Of the states only those of the United States have codes at Meta.
	if region, ok := strings.CutPrefix(strings.ToLower(e.Get(schemas.Region)), "us-"); ok && isLetters(region, 2) {
		u.state = hash(region)
	}
	if gender := strings.ToLower(e.Get(schemas.Gender)); gender == "f" || gender == "m" || gender == "female" || gender == "male" {
		u.gender = hash(gender[:1])
	}
	u.identified = len(u.external) > 0 || u.fbp != "" || u.fbc != "" || u.advertising != ""
	return u
}

// hash is how Meta wants what it matches by: SHA-256 of the normal form.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func isLetters(text string, n int) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < 'a' || text[i] > 'z' {
			return false
		}
	}
	return len(text) == n
}

// append writes the members of user_data.
func (u *user) append(b []byte) []byte {
	if len(u.external) > 0 {
		b = forward.AppendRaw(b, "external_id", `["`+strings.Join(u.external, `","`)+`"]`)
	}
	for _, m := range [...]struct{ name, text string }{
		{"fbp", u.fbp}, {"fbc", u.fbc}, {"madid", u.advertising}, {"client_user_agent", u.agent},
		{"country", u.country}, {"st", u.state}, {"ge", u.gender},
	} {
		if m.text != "" {
			b = forward.AppendText(b, m.name, m.text)
		}
	}
	return b
}
