package enforcer

import (
	"maps"
	"slices"
	"time"

	"sekisho/enforcer/registry"
	"sekisho/enforcer/tcf"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// Table is a handling policy compiled for deciding: immutable, and all look-ups
// by small numbers. Anyone may read it at any time.
type Table struct {
	// Version names the policy: the date of its last revision.
	Version string
	// Material is the date before which consent counts as silence.
	Material   string
	materialAt int64 // its midnight UTC, in Unix milliseconds
	// Recipients are the names of the policy's recipients; store is the first.
	Recipients []string
	// Erasure is what becomes of what is stored under a reset identifier.
	Erasure policy.Action

	sites         map[string]*Site
	jurisdictions []jurisdiction
	byName        map[string]int
	byPlace       map[string]int
	reset         policy.Action
	granularity   time.Duration
	origins       origins                            // of all sites
	tcfNeeds      [schemas.NumPurposes][]tcf.Purpose // all of which a purpose needs
	optOut        schemas.Purposes                   // refused by an opt-out of GPP or US Privacy
	mobile        schemas.Purposes                   // refused by a phone
	vendors       []vendor                           // by place in Recipients
	own           []schemas.FieldSet                 // identifiers that a recipient may have as they came
	marks         []registry.Hash                    // by place in Recipients
}

// vendor is what IAB signals know a recipient as; zero where they do not.
type vendor struct {
	tcf        tcf.Vendor
	additional uint32
}

// category is a category of a consent management platform.
type category struct {
	name     string
	purposes schemas.Purposes
}

// jurisdiction is the rules of a place.
type jurisdiction struct {
	name     string
	place    string           // the only one whose rules they are, "" of none or several
	granted  schemas.Purposes // by silence
	gpc, dnt schemas.Purposes // refused by the signal
}

// Site is what the table knows of a site.
type Site struct {
	Name          string
	RetentionDays int

	index        int
	jurisdiction int
	noClicks     string // the name of the way in which addresses have no click identifiers
	origins      origins
	recipients   []int // places in Table.Recipients
	rules        [schemas.NumEventTypes]rule
	named        map[string]rule
	query        queryList
	properties   map[string]policy.Property
	// categories a recipient may have, by its place in recipients and the set
	// of granted purposes.
	categories [][schemas.NumPurposeSets]schemas.Categories
	// categoriesOf has the categories of each platform, in the order of
	// policy.Platforms.
	categoriesOf [len(policy.Platforms)][]category
	// purposes for which a recipient may have events at all, and those that all
	// of them serve.
	purposes, requires []schemas.Purposes
}

type rule struct {
	purpose schemas.Purpose
	without policy.Action
}

// midnight is when a date begins, in Unix milliseconds; 0 for none.
func midnight(date string) int64 {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return 0
	}
	return t.UnixMilli()
}

// Compile makes the decision table of a policy that [policy.Parse] accepted.
func Compile(p *policy.Policy) *Table {
	t := &Table{
		Version:     p.Version(),
		Material:    p.LastMaterial(),
		materialAt:  midnight(p.LastMaterial()),
		Recipients:  recipientNames(p),
		Erasure:     p.Erasure,
		sites:       make(map[string]*Site, len(p.Sites)),
		byName:      make(map[string]int, len(p.Jurisdictions)),
		byPlace:     make(map[string]int),
		reset:       p.Reset,
		granularity: p.Anonymous.Granularity,
		origins:     compileOrigins(nil),
	}
	t.compileJurisdictions(p)
	t.compileSignals(p)
	names := slices.Sorted(maps.Keys(p.Sites))
	for i, name := range names {
		t.sites[name] = t.compileSite(p, name, i)
		t.origins.add(p.Sites[name].Origins)
	}
	return t
}

func recipientNames(p *policy.Policy) []string {
	names := []string{policy.Store}
	for _, name := range slices.Sorted(maps.Keys(p.Recipients)) {
		if name != policy.Store {
			names = append(names, name)
		}
	}
	return names
}

// compileJurisdictions puts the unknown place first: silence grants only what
// it grants everywhere, and a signal refuses what it refuses anywhere.
func (t *Table) compileJurisdictions(p *policy.Policy) {
	unknown := jurisdiction{name: "unknown", granted: schemas.AllPurposes}
	t.jurisdictions = append(t.jurisdictions, unknown)
	for i, name := range slices.Sorted(maps.Keys(p.Jurisdictions)) {
		rules := p.Jurisdictions[name]
		j := jurisdiction{
			name:    name,
			granted: schemas.PurposesOf(schemas.Necessary),
			gpc:     schemas.PurposesOf(rules.GPC...) & schemas.OptionalPurposes,
			dnt:     schemas.PurposesOf(rules.DNT...) & schemas.OptionalPurposes,
		}
		if rules.Default == policy.OptOut {
			j.granted = schemas.AllPurposes
		}
		if len(rules.Places) == 1 {
			j.place = rules.Places[0]
		}
		unknown.granted &= j.granted
		unknown.gpc |= j.gpc
		unknown.dnt |= j.dnt
		t.jurisdictions = append(t.jurisdictions, j)
		t.byName[name] = i + 1
		for _, place := range rules.Places {
			t.byPlace[place] = i + 1
		}
	}
	t.jurisdictions[0] = unknown
}

func (t *Table) compileSignals(p *policy.Policy) {
	for purpose := range t.tcfNeeds {
		t.tcfNeeds[purpose] = tcfPurposes(p.Signals.TCF.Of(schemas.Purpose(purpose)))
	}
	t.optOut = schemas.PurposesOf(p.Signals.OptOut...) & schemas.OptionalPurposes
	t.mobile = schemas.PurposesOf(p.Signals.Mobile...) & schemas.OptionalPurposes
	for _, name := range t.Recipients {
		t.marks = append(t.marks, registry.Mark(name))
		r := p.Recipients[name]
		v := vendor{additional: uint32(r.AdditionalConsent)}
		if r.TCF != nil {
			v.tcf = tcf.Vendor{
				ID:                 uint16(r.TCF.Vendor),
				Consent:            tcf.Purposes(tcfPurposes(r.TCF.Consent)...),
				LegitimateInterest: tcf.Purposes(tcfPurposes(r.TCF.LegitimateInterest)...),
				Flexible:           tcf.Purposes(tcfPurposes(r.TCF.Flexible)...),
			}
		}
		t.vendors = append(t.vendors, v)
		t.own = append(t.own, ownIdentifiers(r.Identifiers))
	}
}

func tcfPurposes(numbers []int) (purposes []tcf.Purpose) {
	for _, n := range numbers {
		purposes = append(purposes, tcf.Purpose(n))
	}
	return purposes
}

func (t *Table) compileSite(p *policy.Policy, name string, index int) *Site {
	from := p.Sites[name]
	site := &Site{
		Name:          name,
		noClicks:      name + " without clicks",
		RetentionDays: from.RetentionDays,
		index:         index,
		jurisdiction:  t.byName[from.Jurisdiction], // the unknown one when empty
		origins:       compileOrigins(from.Origins),
		query:         compileQuery(from.Query),
		properties:    from.Properties,
		named:         make(map[string]rule),
	}
	for i, platform := range policy.Platforms {
		categories := p.Signals.Categories[platform]
		if own, ok := from.Categories[platform]; ok {
			categories = own
		}
		for _, name := range slices.Sorted(maps.Keys(categories)) {
			purposes := schemas.PurposesOf(categories[name]...) & schemas.OptionalPurposes
			site.categoriesOf[i] = append(site.categoriesOf[i], category{name, purposes})
		}
	}
	for event := range site.rules {
		site.rules[event] = compileRule(*p.Events.Of(schemas.EventType(event)))
	}
	for event, r := range p.Events.Named {
		site.named[event] = compileRule(r)
	}
	for event, r := range from.Events {
		var known schemas.EventType
		if known.UnmarshalText([]byte(event)) == nil {
			site.rules[known] = compileRule(r)
		} else {
			site.named[event] = compileRule(r)
		}
	}
	for i, recipient := range t.Recipients {
		if i == 0 || slices.Contains(from.Recipients, recipient) {
			site.recipients = append(site.recipients, i)
			site.compileRecipient(p, p.Recipients[recipient])
		}
	}
	return site
}

func (s *Site) compileRecipient(p *policy.Policy, r policy.Recipient) {
	mayHave := schemas.CategoriesOf(r.Categories...)
	mayFor := schemas.PurposesOf(r.Purposes...)
	var table [schemas.NumPurposeSets]schemas.Categories
	for granted := range table {
		for purpose := schemas.Purpose(0); purpose < schemas.NumPurposes; purpose++ {
			if (mayFor & schemas.Purposes(granted)).Has(purpose) {
				table[granted] |= schemas.CategoriesOf(p.Purposes.Of(purpose).Categories...) & mayHave
			}
		}
	}
	s.categories = append(s.categories, table)
	s.purposes, s.requires = append(s.purposes, mayFor), append(s.requires, schemas.PurposesOf(r.Requires...))
}

func compileRule(r policy.Rule) rule { return rule{purpose: r.Purpose, without: r.WithoutConsent} }

// Site returns the site of the name, or nil.
func (t *Table) Site(name string) *Site { return t.sites[name] }

// Sites returns the sites, ordered by name.
func (t *Table) Sites() []*Site {
	list := make([]*Site, 0, len(t.sites))
	for _, name := range t.SiteNames() {
		list = append(list, t.sites[name])
	}
	return list
}

// SiteNames returns the sites' names, ordered.
func (t *Table) SiteNames() []string { return slices.Sorted(maps.Keys(t.sites)) }

// rule returns what the event is for. A custom event has the rule of its name
// where there is one.
func (s *Site) rule(e *schemas.Event) (r rule, named bool) {
	if e.Type == schemas.Custom || e.Type == schemas.Conversion {
		if r, ok := s.named[e.Get(schemas.Name)]; ok {
			if e.Type == schemas.Custom {
				return r, true
			}
			named = true
		}
	}
	return s.rules[e.Type], named
}

// Place returns the one place (US-CA) whose rules a jurisdiction is, "" where it is of
// several or of none.
func (t *Table) Place(jurisdiction string) string {
	return t.jurisdictions[t.byName[jurisdiction]].place
}

// Own returns the identifiers that a recipient may have as they came.
func (t *Table) Own(recipient string) schemas.FieldSet {
	if i := slices.Index(t.Recipients, recipient); i >= 0 {
		return t.own[i]
	}
	return 0
}

// Origin reports whether pages of the origin may send the site's events. The
// port of an origin of the local host may be declared as any.
func (s *Site) Origin(origin string) bool { return s.origins.have(origin) }

// KnowsOrigin reports whether pages of the origin may send some site's events.
func (t *Table) KnowsOrigin(origin string) bool { return t.origins.have(origin) }

// PropertyCategory names the data category of one of the site's own properties;
// "unknown" when the policy no longer declares it. The site may be nil.
func (s *Site) PropertyCategory(name string) string {
	if s != nil {
		if p, ok := s.properties[name]; ok {
			return p.Category.String()
		}
	}
	return "unknown"
}

// CheckProperties reports the first property that the site has not declared,
// or that is not of the declared type; nil when there is none.
func (s *Site) CheckProperties(e *schemas.Event) *schemas.Invalid {
	for i := range e.Properties {
		p := &e.Properties[i]
		declared, ok := s.properties[p.Name]
		if !ok {
			return &schemas.Invalid{Path: "properties." + p.Name, Problem: "is not declared for the site in the handling policy"}
		}
		if declared.Type != p.Kind {
			return &schemas.Invalid{Path: "properties." + p.Name, Problem: "must be a " + declared.Type.String() + ", as the handling policy declares it"}
		}
	}
	return nil
}
