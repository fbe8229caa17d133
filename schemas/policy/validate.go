package policy

import (
	_ "embed"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/strict"
)

// Example is the example policy that `sekisho up` uses.
//
//go:embed example.yaml
var Example []byte

// Parse reads a policy file. Every problem of the file is in the error, with
// its path, its line and what is allowed. It does no I/O.
func Parse(file []byte) (*Policy, error) {
	p := &Policy{Anonymous: Anonymous{Granularity: time.Hour}}
	if err := strict.Decode(file, p); err != nil {
		return nil, fmt.Errorf("the handling policy is not valid:\n%w", err)
	}
	return p, nil
}

// Version is the date of the policy's last revision, which names it.
func (p *Policy) Version() string {
	if n := len(p.Revisions); n > 0 {
		return p.Revisions[n-1].Date.String()
	}
	return p.Established.String()
}

// LastMaterial is the date before which consent no longer counts.
func (p *Policy) LastMaterial() string {
	for i := len(p.Revisions) - 1; i >= 0; i-- {
		if p.Revisions[i].Material {
			return p.Revisions[i].Date.String()
		}
	}
	return p.Established.String()
}

var (
	placePattern = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)
	namePattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
	queryPattern = regexp.MustCompile(`^[A-Za-z0-9_.~-]*\*?$`)
)

// Validate reports what the types alone do not show.
func (p *Policy) Validate(check *strict.Check) {
	if p.Schema != 1 {
		check.Problem("schema", p.Schema, "must be 1")
	}
	p.validateRevisions(check)
	p.validateJurisdictions(check)
	p.validateRecipients(check)
	p.validateSignals(check)
	if g := p.Anonymous.Granularity; g < time.Minute || g > 24*time.Hour {
		check.Problem("anonymous.granularity", g, "must be from 1m to 24h")
	}
	if p.Events.Consent.Purpose != schemas.Necessary {
		check.Problem("events.consent.purpose", p.Events.Consent.Purpose, "must be necessary: a choice is recorded whatever it is")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Events.Named)) {
		if !namePattern.MatchString(name) {
			check.Problem(strict.Join("events.named", name), name, `must be lower-case letters, digits and "_.-"`)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Sites)) {
		p.validateSite(check, name)
	}
}

func (p *Policy) validateRevisions(check *strict.Check) {
	last := p.Established
	for i, r := range p.Revisions {
		if !last.Before(r.Date) {
			check.Problem(fmt.Sprintf("revisions[%d].date", i), r.Date, "must be later than "+last.String()+": revisions stand oldest first, after established")
		}
		last = r.Date
	}
}

func (p *Policy) validateJurisdictions(check *strict.Check) {
	if len(p.Jurisdictions) == 0 || len(p.Jurisdictions) > 64 {
		check.Problem("jurisdictions", len(p.Jurisdictions), "must name 1 to 64 jurisdictions")
	}
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(p.Jurisdictions)) {
		path := strict.Join("jurisdictions", name)
		if !namePattern.MatchString(name) {
			check.Problem(path, name, `must be lower-case letters, digits and "_.-"`)
		}
		for i, place := range p.Jurisdictions[name].Places {
			at := fmt.Sprintf("%s.places[%d]", path, i)
			if !placePattern.MatchString(place) {
				check.Problem(at, place, "must be an ISO 3166 country (JP) or region (US-CA)")
			} else if other, taken := owner[place]; taken {
				check.Problem(at, place, "is covered by "+other+" already; a place has one jurisdiction")
			}
			owner[place] = name
		}
	}
}

func (p *Policy) validateRecipients(check *strict.Check) {
	if _, ok := p.Recipients[Store]; !ok {
		check.Problem("recipients", slices.Sorted(maps.Keys(p.Recipients)), "must have the recipient store, the gateway's own ClickHouse")
	}
	if len(p.Recipients) > schemas.MaxRecipients {
		check.Problem("recipients", len(p.Recipients), fmt.Sprintf("must be at most %d", schemas.MaxRecipients))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Recipients)) {
		if !namePattern.MatchString(name) {
			check.Problem(strict.Join("recipients", name), name, `must be lower-case letters, digits and "_.-"`)
		}
		validateRequires(check, name, p.Recipients[name])
		validateIdentifiers(check, name, p.Recipients[name])
	}
}

func validateRequires(check *strict.Check, name string, r Recipient) {
	for i, purpose := range r.Requires {
		path := fmt.Sprintf("%s.requires[%d]", strict.Join("recipients", name), i)
		switch {
		case name == Store:
			check.Problem(path, purpose, "must not be listed: events say by their rule what the store has of them")
		case !slices.Contains(r.Purposes, purpose):
			check.Problem(path, purpose, "is not among the recipient's purposes")
		}
	}
}

func validateIdentifiers(check *strict.Check, name string, r Recipient) {
	for i, identifier := range r.Identifiers {
		category := schemas.Field(identifier).Definition().Category
		path := fmt.Sprintf("%s.identifiers[%d]", strict.Join("recipients", name), i)
		switch {
		case name == Store:
			check.Problem(path, identifier, "must not be listed: the store has pseudonyms only")
		case slices.Contains(r.Identifiers[:i], identifier):
			check.Problem(path, identifier, "is listed twice")
		case !slices.Contains(r.Categories, category):
			check.Problem(path, identifier, "is of the category "+category.String()+", which is not among the recipient's categories")
		}
	}
}

func (p *Policy) validateSignals(check *strict.Check) {
	for _, purpose := range []schemas.Purpose{schemas.Analytics, schemas.Advertising, schemas.Social} {
		checkTCF(check, "signals.tcf."+purpose.String(), p.Signals.TCF.Of(purpose))
	}
	checkPlatforms(check, "signals.categories", p.Signals.Categories)
	for _, name := range slices.Sorted(maps.Keys(p.Recipients)) {
		r, path := p.Recipients[name], strict.Join("recipients", name)
		if r.TCF != nil {
			if r.TCF.Vendor < 1 || r.TCF.Vendor > 65535 {
				check.Problem(path+".tcf.vendor", r.TCF.Vendor, "must be from 1 to 65535")
			}
			checkTCF(check, path+".tcf.consent", r.TCF.Consent)
			checkTCF(check, path+".tcf.legitimate_interest", r.TCF.LegitimateInterest)
			checkTCF(check, path+".tcf.flexible", r.TCF.Flexible)
		}
		if r.AdditionalConsent < 0 {
			check.Problem(path+".additional_consent", r.AdditionalConsent, "must be a number of Google's list")
		}
	}
}

// checkTCF reports numbers that are no TCF purposes.
func checkTCF(check *strict.Check, path string, purposes []int) {
	for i, n := range purposes {
		if n < 1 || n > 11 {
			check.Problem(fmt.Sprintf("%s[%d]", path, i), n, "must be a TCF purpose, 1 to 11")
		}
	}
}

func checkPlatforms(check *strict.Check, path string, platforms map[string]Platform) {
	for _, name := range slices.Sorted(maps.Keys(platforms)) {
		if !slices.Contains(Platforms[:], name) {
			check.Problem(strict.Join(path, name), name, "must be one of "+strings.Join(Platforms[:], ", "))
		}
	}
}

func (p *Policy) validateSite(check *strict.Check, name string) {
	site, path := p.Sites[name], strict.Join("sites", name)
	if !namePattern.MatchString(name) {
		check.Problem(path, name, `must be lower-case letters, digits and "_.-"`)
	}
	for i, origin := range site.Origins {
		if !validOrigin(origin) {
			check.Problem(fmt.Sprintf("%s.origins[%d]", path, i), origin, "must be scheme://host or scheme://host:port, without a path; the port may be * on localhost only")
		}
	}
	if _, ok := p.Jurisdictions[site.Jurisdiction]; site.Jurisdiction != "" && !ok {
		check.Problem(path+".jurisdiction", site.Jurisdiction, "must be one of "+strings.Join(slices.Sorted(maps.Keys(p.Jurisdictions)), ", "))
	}
	for i, r := range site.Recipients {
		if _, ok := p.Recipients[r]; !ok {
			check.Problem(fmt.Sprintf("%s.recipients[%d]", path, i), r, "must be one of "+strings.Join(slices.Sorted(maps.Keys(p.Recipients)), ", "))
		}
	}
	for i, q := range site.Query {
		if q == "" || q == "*" || !queryPattern.MatchString(q) {
			check.Problem(fmt.Sprintf("%s.query[%d]", path, i), q, "must be a parameter's name, or its beginning followed by *")
		}
	}
	if site.RetentionDays < 1 || site.RetentionDays > 3650 {
		check.Problem(path+".retention_days", site.RetentionDays, "must be from 1 to 3650")
	}
	for _, property := range slices.Sorted(maps.Keys(site.Properties)) {
		if !namePattern.MatchString(property) {
			check.Problem(strict.Join(path+".properties", property), property, `must be lower-case letters, digits and "_.-"`)
		}
	}
	checkPlatforms(check, path+".categories", site.Categories)
	for _, event := range slices.Sorted(maps.Keys(site.Events)) {
		if !namePattern.MatchString(event) {
			check.Problem(strict.Join(path+".events", event), event, "must be an event type or the name of a custom event")
		}
		if event == schemas.ConsentGiven.String() && site.Events[event].Purpose != schemas.Necessary {
			check.Problem(path+".events.consent.purpose", site.Events[event].Purpose, "must be necessary: a choice is recorded whatever it is")
		}
	}
}

// validOrigin accepts what a browser sends as Origin, and any port of the
// local host for demonstrations and tests.
func validOrigin(origin string) bool {
	if host, ok := strings.CutSuffix(origin, ":*"); ok {
		u, err := url.Parse(host)
		return err == nil && isLocal(u.Hostname()) && u.Port() == "" && isOrigin(u)
	}
	u, err := url.Parse(origin)
	return err == nil && isOrigin(u) && u.String() == strings.ToLower(origin)
}

func isOrigin(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && !strings.Contains(u.Host, "*") && u.Path == "" &&
		u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// JSONSchema returns the published JSON Schema (draft 2020-12) of policy
// files. The file policy.schema.json is its output.
func JSONSchema() []byte {
	return strict.JSONSchema(&Policy{}, "Sekisho handling policy", "https://sekisho.example/schemas/policy/1")
}
