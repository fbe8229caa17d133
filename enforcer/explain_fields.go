package enforcer

import (
	"sync"

	"sekisho/enforcer/identifiers"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// ExplainedRecipient is what a recipient has of the event, and why.
type ExplainedRecipient struct {
	Recipient string          `json:"recipient"`
	Outcome   schemas.Outcome `json:"outcome"`
	Reason    schemas.Reason  `json:"reason"`
	// Why is the rule that led to it, in words.
	Why string `json:"why"`
	// Flags are the vendors' own, of an event that is allowed.
	Flags *ExplainedFlags `json:"flags,omitempty"`
	// Fields are those that the event has, in the model's order, then its
	// properties.
	Fields []ExplainedField `json:"fields"`
}

// ExplainedFlags are the vendors' own flags; see [RecipientVerdict].
type ExplainedFlags struct {
	AdUserData        bool `json:"ad_user_data"`
	AdPersonalisation bool `json:"ad_personalization"`
	LimitedDataUse    bool `json:"limited_data_use"`
	TrackingPermitted bool `json:"tracking_permitted"`
}

// ExplainedField is the fate of a field.
type ExplainedField struct {
	Field    string           `json:"field"`
	Category schemas.Category `json:"category"`
	Fate     string           `json:"fate"`
	// Value is what is written in the field's place, where that is not an id.
	Value string `json:"value,omitempty"`
	Why   string `json:"why,omitempty"`
}

// The fates of fields.
const (
	FateKept        = "kept"
	FatePseudonym   = "pseudonym"   // a keyed hash stands in its place
	FateMasked      = "masked"      // without the direct identifiers in it
	FateGeneralised = "generalised" // only so much as singles nobody out
	FateReplaced    = "replaced"    // an id that does not lead back
	FateStripped    = "stripped"    // taken away
	FateDropped     = "dropped"     // with the whole event
)

// explainingKeys stand in for the deployment's: no pseudonym is shown.
var explainingKeys = sync.OnceValue(func() *Keys {
	keys, err := NewKeys("x", make([]byte, MinSecret))
	if err != nil {
		panic(err) // the arguments are constants
	}
	return keys
})

func (x *Explanation) explainRecipients(t *Table, e *schemas.Event, v *Verdict) {
	keys := explainingKeys()
	var records [schemas.NumOutcomes]*schemas.Record
	for _, form := range [...]schemas.Outcome{schemas.Anonymised, schemas.Allowed} {
		records[form] = new(Projector).Record(keys, e, v, form)
	}
	for i := range v.Recipients {
		rv := &v.Recipients[i]
		r := ExplainedRecipient{
			Recipient: t.Recipients[rv.Recipient], Outcome: rv.Outcome, Reason: rv.Reason,
			Why: x.why(t, v, i, rv),
		}
		if rv.Outcome == schemas.Allowed {
			r.Flags = &ExplainedFlags{rv.AdUserData, rv.AdPersonalisation, rv.LimitedDataUse, rv.TrackingPermitted}
		}
		f := fates{recipient: r.Recipient, site: v.Site, record: records[rv.Outcome], mayHave: v.Site.categories[i][schemas.AllPurposes]}
		for field := range e.Fields.Each {
			r.Fields = append(r.Fields, f.field(e, field))
		}
		for p := range e.Properties {
			r.Fields = append(r.Fields, f.property(v.Site, &e.Properties[p]))
		}
		x.Recipients = append(x.Recipients, r)
	}
}

// why puts the rule that led to a recipient's outcome in words.
func (x *Explanation) why(t *Table, v *Verdict, i int, rv *RecipientVerdict) string {
	site := v.Site
	purpose := x.Rule.Purpose.String()
	needs := x.Rule.Event + " is for " + purpose
	switch {
	case rv.Reason == schemas.ReasonRecipient:
		return needs + ", for which the policy gives this recipient nothing; it is given " + list(site.purposes[i].Names())
	case rv.Reason == schemas.ReasonReset:
		return "an identifier of the event has been reset, and the policy says " + t.reset.String()
	case rv.Reason == schemas.ReasonOptedOut:
		return "the user opted out of this recipient"
	case rv.Outcome != schemas.Allowed && v.Purposes.Has(x.Rule.Purpose) && !(v.Purposes &^ v.heard.vendorRefused[i]).HasAll(site.requires[i]):
		return "all that this recipient is sent serves " + list(site.requires[i].Names()) + ", which is not granted to it"
	case rv.Reason == schemas.ReasonVendorRefused:
		return needs + ", which is granted, but an IAB signal does not permit this recipient's vendor to process for it"
	case rv.Outcome == schemas.Allowed:
		return needs + ", which is granted"
	case x.Type == schemas.ConsentGiven && rv.Reason == schemas.ReasonRefused:
		return "a refusal is counted, and who refused is not kept"
	case i > 0 && x.Rule.WithoutConsent == policy.Anonymise:
		return needs + ", which is not granted; only the store is given anonymised events"
	}
	return needs + ", which is not granted; without consent the policy says " + x.Rule.WithoutConsent.String()
}

// fates tells what became of fields by what was written for a recipient.
type fates struct {
	recipient string
	site      *Site
	record    *schemas.Record // nil: nothing was written for it
	mayHave   schemas.Categories
}

// field tells a field's fate. To third parties, pseudonyms are made of those of
// the record when it is sent.
func (t *fates) field(e *schemas.Event, f schemas.Field) ExplainedField {
	x := ExplainedField{Field: f.String(), Category: f.Definition().Category}
	if t.record == nil {
		x.Fate = FateDropped
		return x
	}
	fields, categories, _ := t.record.For(t.recipient)
	written := t.record.Event.Get(f)
	own, isOwn := t.record.Grant(t.recipient).OwnText(f)
	thirdParty := t.recipient != policy.Store
	switch {
	case !fields.Has(f):
		x.Fate, x.Why = FateStripped, t.whyStripped(x.Category, categories)
	case isOwn && (own == e.Get(f) || schemas.Identifiers.Has(f)): // sealed for it
		x.Fate, x.Why = FateKept, "the policy lets this recipient have it as it came"
	case thirdParty && f == schemas.ID:
		x.Fate, x.Why = FateReplaced, "no two recipients have the same"
	case thirdParty && f == schemas.OrderID && !isOwn:
		x.Fate, x.Why = FatePseudonym, "no two recipients have the same"
	case thirdParty && t.shared(f, written) != written:
		x.Fate, x.Value = FateGeneralised, t.shared(f, written)
	case written == e.Get(f), f == schemas.Time && t.record.Event.Time.Equal(e.Time):
		x.Fate = FateKept
	case f == schemas.ID:
		x.Fate = FateReplaced
	case schemas.Identifiers.Has(f):
		x.Fate, x.Why = FatePseudonym, whyPseudonym(e.Get(f))
	case t.record.Outcome == schemas.Anonymised:
		x.Fate, x.Value = FateGeneralised, written
	default:
		x.Fate, x.Value = FateMasked, written
	}
	return x
}

// whyPseudonym warns of an identifier that is a direct one by its form. It does
// not go on as it came, but whoever knows it and the key can make its pseudonym.
func whyPseudonym(text string) string {
	var found identifiers.Counts
	identifiers.MaskText(nil, text, &found)
	for kind, n := range found {
		if k := identifiers.Kind(kind); n > 0 && k != identifiers.Secret { // as many an identifier looks
			return "it looks like " + k.Noun() + "; only the keyed hash goes on, and a number of your own would be better"
		}
	}
	return ""
}

// shared returns what third parties have of the text of a field that is no
// identifier.
func (t *fates) shared(f schemas.Field, text string) string {
	switch f {
	case schemas.URL:
		return t.site.SharedAddress(text)
	case schemas.Referrer:
		return SharedReferrer(text)
	}
	return text
}

func (t *fates) property(site *Site, p *schemas.Property) ExplainedField {
	x := ExplainedField{Field: "properties." + p.Name, Category: site.properties[p.Name].Category}
	if t.record == nil {
		x.Fate = FateDropped
		return x
	}
	_, categories, _ := t.record.For(t.recipient)
	for i := range t.record.Event.Properties {
		written := &t.record.Event.Properties[i]
		switch {
		case written.Name != p.Name || !categories.Has(t.record.PropertyCategories[i]):
			continue
		case t.recipient != policy.Store && Identifies(x.Category):
			x.Fate = FatePseudonym
		case written.Text == p.Text:
			x.Fate = FateKept
		default:
			x.Fate, x.Value = FateMasked, written.Text
		}
		return x
	}
	x.Fate, x.Why = FateStripped, t.whyStripped(x.Category, categories)
	return x
}

func (t *fates) whyStripped(c schemas.Category, granted schemas.Categories) string {
	switch {
	case t.record.Outcome == schemas.Anonymised:
		return "could single a user out"
	case !t.mayHave.Has(c):
		return "the policy does not give this recipient " + c.String()
	case !granted.Has(c):
		return "no granted purpose covers " + c.String()
	}
	return "it is a direct identifier"
}
