// Package policy is the handling policy as its file says it: who controls the
// data, which sites there are, what each purpose may use, who may receive
// what, and what becomes of an event without consent. The enforcer compiles
// it to a decision table.
//
// The file is YAML and is read strictly; policy.schema.json is its published
// JSON Schema, made from these types by `go generate ./schemas/policy`.
package policy

import (
	"time"

	"sekisho/schemas"
	"sekisho/schemas/strict"
)

//go:generate go run ./internal/publish

// Policy is a handling policy.
type Policy struct {
	Schema        int                     `yaml:"schema" required:"true" doc:"Version of this file's form: 1."`
	Controller    Controller              `yaml:"controller" required:"true" doc:"Who is responsible for the data."`
	Established   strict.Date             `yaml:"established" required:"true" doc:"Date on which the policy was established."`
	Revisions     []Revision              `yaml:"revisions" doc:"Dates on which it was revised, oldest first. The last one names the policy's version."`
	Purposes      Purposes                `yaml:"purposes" required:"true" doc:"What each utilization purpose may use."`
	Signals       Signals                 `yaml:"signals" doc:"What consent signals of third parties mean for the purposes."`
	Jurisdictions map[string]Jurisdiction `yaml:"jurisdictions" required:"true" doc:"Rules of law by place. An unknown place has the strictest of them."`
	Recipients    map[string]Recipient    `yaml:"recipients" required:"true" doc:"Who may receive events. The recipient store, the gateway's own ClickHouse, is required."`
	Events        Events                  `yaml:"events" required:"true" doc:"The purpose of each event type, and what becomes of it without consent."`
	Reset         Action                  `yaml:"reset" required:"true" doc:"What becomes of an event that carries a reset identifier: drop or anonymise."`
	Erasure       Action                  `yaml:"erasure" doc:"What becomes of what ClickHouse has under an identifier that is reset: drop (default) deletes the rows, anonymise puts anonymised ones in their place, so that counts survive."`
	Anonymous     Anonymous               `yaml:"anonymous" doc:"What anonymised events keep."`
	Sites         map[string]Site         `yaml:"sites" required:"true" doc:"The sites (services), by the name that their events bear."`
}

// Controller is who is responsible for the data.
type Controller struct {
	Name    string `yaml:"name" required:"true" doc:"Name of the company."`
	Contact string `yaml:"contact" required:"true" doc:"Where users turn with questions and complaints."`
	URL     string `yaml:"url" doc:"Address of the published privacy policy."`
}

// Revision is a date on which the policy was revised.
type Revision struct {
	Date     strict.Date `yaml:"date" required:"true" doc:"Date on which the revision came into force."`
	Material bool        `yaml:"material" doc:"Whether consent given before it no longer counts."`
	Note     string      `yaml:"note" doc:"What changed."`
}

// Purposes says what each purpose may use.
type Purposes struct {
	Necessary   Purpose `yaml:"necessary" required:"true" doc:"What is strictly required for a site to work; passes without consent."`
	Analytics   Purpose `yaml:"analytics" required:"true" doc:"Marketing survey and analysis."`
	Advertising Purpose `yaml:"advertising" required:"true" doc:"Advertisement delivery."`
	Social      Purpose `yaml:"social" required:"true" doc:"Shared functions of social media."`
}

// Of returns the rules of the purpose.
func (p *Purposes) Of(purpose schemas.Purpose) *Purpose {
	return [schemas.NumPurposes]*Purpose{&p.Necessary, &p.Analytics, &p.Advertising, &p.Social}[purpose]
}

// Purpose says what a purpose may use.
type Purpose struct {
	Categories []schemas.Category `yaml:"categories" required:"true" doc:"Data categories that may be used for it."`
}

// Jurisdiction is the rules of law of a place.
type Jurisdiction struct {
	Default Default           `yaml:"default" required:"true" doc:"What silence means: opt_in (refused) or opt_out (granted)."`
	Places  []string          `yaml:"places" doc:"Countries (JP) and regions (US-CA) that it covers."`
	GPC     []schemas.Purpose `yaml:"gpc" doc:"Purposes that Global Privacy Control refuses."`
	DNT     []schemas.Purpose `yaml:"dnt" doc:"Purposes that Do Not Track refuses."`
}

// Recipient is who may receive events.
type Recipient struct {
	Operator    string             `yaml:"operator" required:"true" doc:"Company that runs it."`
	Purposes    []schemas.Purpose  `yaml:"purposes" required:"true" doc:"Purposes for which it may receive events."`
	Requires    []schemas.Purpose  `yaml:"requires" doc:"Purposes that all it is sent serves, whatever else it is for: without consent to each of them it has nothing. Of Google Analytics that is analytics."`
	Categories  []schemas.Category `yaml:"categories" required:"true" doc:"Data categories that it may receive."`
	Identifiers []Identifier       `yaml:"identifiers" doc:"Identifiers that it may have as they came, when consent covers them. All others reach it as pseudonyms made for it alone, so that no two recipients can join what they have."`
	OptOut      string             `yaml:"opt_out" doc:"Address of its own opt-out page."`
	TCF         *TCFVendor         `yaml:"tcf" doc:"Its entry in the IAB's global vendor list. With a TC string it has only what the string permits this vendor."`
	// AdditionalConsent is only looked at where a TC string is present.
	AdditionalConsent int `yaml:"additional_consent" doc:"Its number in Google's list of ad technology providers, for a recipient outside the vendor list. With a TC string it has nothing unless the Additional Consent string names it."`
}

// TCFVendor is what a vendor registered in the IAB's global vendor list.
type TCFVendor struct {
	Vendor             int   `yaml:"vendor" required:"true" doc:"Number of the vendor."`
	Consent            []int `yaml:"consent" doc:"TCF purposes for which it asks for consent."`
	LegitimateInterest []int `yaml:"legitimate_interest" doc:"TCF purposes that it bases on legitimate interest."`
	Flexible           []int `yaml:"flexible" doc:"TCF purposes for which it takes the other basis if the publisher demands it."`
}

// Signals says what consent signals of third parties mean for the purposes. A
// signal that it does not mention grants nothing.
type Signals struct {
	TCF        TCFPurposes         `yaml:"tcf" doc:"TCF purposes (1 to 11) that each purpose needs, all of them."`
	OptOut     []schemas.Purpose   `yaml:"opt_out" doc:"Purposes that an opt-out by IAB GPP or US Privacy refuses."`
	Mobile     []schemas.Purpose   `yaml:"mobile" doc:"Purposes that App Tracking Transparency and limit-ad-tracking refuse."`
	Categories map[string]Platform `yaml:"categories" doc:"Categories of consent management platforms, by platform: onetrust, cookiebot, didomi, usercentrics, segment, cookieyes."`
}

// TCFPurposes are the TCF purposes that each purpose needs.
type TCFPurposes struct {
	Analytics   []int `yaml:"analytics" doc:"For analytics."`
	Advertising []int `yaml:"advertising" doc:"For advertising."`
	Social      []int `yaml:"social" doc:"For social."`
}

// Of returns the TCF purposes that the purpose needs.
func (t *TCFPurposes) Of(p schemas.Purpose) []int {
	return [schemas.NumPurposes][]int{nil, t.Analytics, t.Advertising, t.Social}[p]
}

// Platform maps a platform's categories to purposes. A category that it does
// not mention grants nothing.
type Platform map[string][]schemas.Purpose

// Platforms are the names of the platforms that [Signals] may map.
var Platforms = [...]string{"onetrust", "cookiebot", "didomi", "usercentrics", "segment", "cookieyes"}

// Store is the recipient that every policy has: the gateway's own ClickHouse.
const Store = "store"

// Events says what each event type is for.
type Events struct {
	Pageview     Rule            `yaml:"pageview" required:"true" doc:"Page views."`
	AdImpression Rule            `yaml:"ad_impression" required:"true" doc:"Advertisements seen."`
	AdClick      Rule            `yaml:"ad_click" required:"true" doc:"Advertisements clicked."`
	Conversion   Rule            `yaml:"conversion" required:"true" doc:"Conversions."`
	Consent      Rule            `yaml:"consent" required:"true" doc:"Choices made in the banner."`
	Custom       Rule            `yaml:"custom" required:"true" doc:"A site's own events that are not named below."`
	Named        map[string]Rule `yaml:"named" doc:"A site's own events by name, such as share."`
}

// Of returns the rule of the event type.
func (e *Events) Of(t schemas.EventType) *Rule {
	return [schemas.NumEventTypes]*Rule{&e.Pageview, &e.AdImpression, &e.AdClick, &e.Conversion, &e.Consent, &e.Custom}[t]
}

// Rule is what an event is for, and what becomes of it without consent.
type Rule struct {
	Purpose        schemas.Purpose `yaml:"purpose" required:"true" doc:"Purpose that must be granted."`
	WithoutConsent Action          `yaml:"without_consent" doc:"drop (default) or anonymise."`
}

// Anonymous is what anonymised events keep.
type Anonymous struct {
	Granularity time.Duration `yaml:"granularity" doc:"Finest time that is kept, 1m to 24h. Default 1h."`
}

// Site is a site (service).
type Site struct {
	Name          string              `yaml:"name" doc:"Name for people."`
	Origins       []string            `yaml:"origins" doc:"Origins whose pages may send its events, such as https://www.example.jp. On localhost the port may be *."`
	Jurisdiction  string              `yaml:"jurisdiction" doc:"Jurisdiction of its users where nothing better is known. Default: the strictest."`
	Recipients    []string            `yaml:"recipients" doc:"Recipients of its events beside store."`
	Query         []string            `yaml:"query" doc:"Query parameters kept in the addresses of anonymised events. A trailing * matches the rest of a name."`
	RetentionDays int                 `yaml:"retention_days" required:"true" doc:"Days for which its events are kept, 1 to 3650."`
	Properties    map[string]Property `yaml:"properties" doc:"Properties that its events may carry."`
	Categories    map[string]Platform `yaml:"categories" doc:"Categories of its own consent management platform, instead of those of the whole policy."`
	Events        map[string]Rule     `yaml:"events" doc:"Rules of its own, by event type or name of a custom event, instead of those of the whole policy."`
}

// Property declares one of a site's own properties.
type Property struct {
	Type     schemas.PropertyKind `yaml:"type" required:"true" doc:"text, number or bool."`
	Category schemas.Category     `yaml:"category" required:"true" doc:"Data category that it belongs to."`
}
