package enforcer

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"sekisho/enforcer/identifiers"
	"sekisho/schemas"
)

// Projector writes what a verdict lets through. The zero value is ready; it
// serves one goroutine and is best reused.
type Projector struct {
	// Masked counts the direct identifiers that were found and replaced.
	Masked identifiers.Counts

	record schemas.Record
	arena  []byte                  // texts of the record that are not the event's own
	own    []schemas.OwnIdentifier // of the grants
	recall recall

	addresses identifiers.Addresses // how they are masked
	way       string                // that tells this from how those of other events are
}

// Remember has the projector reuse what it makes of one event's texts for the same
// texts of those that follow, until Forget: those of the same request.
func (p *Projector) Remember() { p.recall.remember() }

// Forget ends what Remember began. It costs nothing when nothing is remembered.
func (p *Projector) Forget() { p.recall.forget() }

// Record returns what the verdict lets through of the event in the form of the
// given outcome, Allowed or Anonymised, or nil when no recipient has that
// form. The record is valid until the next call and while the event is.
//
// The event must have its id and time. Only what is in the record may be
// written anywhere.
func (p *Projector) Record(k *Keys, e *schemas.Event, v *Verdict, form schemas.Outcome) *schemas.Record {
	p.begin(e, v.Site, form)
	r := &p.record
	r.Policy, r.Jurisdiction, r.Purposes = v.table.Version, v.Jurisdiction, v.Purposes
	for i := range v.Recipients {
		rv := &v.Recipients[i]
		if rv.Outcome != form {
			continue
		}
		if len(r.Grants) == 0 {
			r.Reason = rv.Reason
		}
		grant := schemas.Grant{Recipient: v.table.Recipients[rv.Recipient], Categories: rv.Categories}
		switch {
		case form == schemas.Anonymised:
			grant.Categories = schemas.AllCategories // nothing in it is anyone's
		case rv.Recipient > 0:
			grant.Flags = rv.flags()
			grant.Own = p.ownOf(k, grant.Recipient, e, v.table.own[rv.Recipient], rv.Categories)
		}
		r.Grants = append(r.Grants, grant)
	}
	if len(r.Grants) == 0 {
		return nil
	}
	if form == schemas.Anonymised {
		p.anonymise(k, e, v.Site, v.table.granularity, v.named)
	} else {
		p.allow(k, e, v)
	}
	return r
}

// begin begins a record of the event in the given form.
func (p *Projector) begin(e *schemas.Event, site *Site, form schemas.Outcome) {
	r := &p.record
	r.Event.Reset()
	p.arena = p.arena[:0]
	r.Outcome, r.Grants, r.PropertyCategories, p.own = form, r.Grants[:0], r.PropertyCategories[:0], p.own[:0]
	r.Event.Type = e.Type
	r.Event.Set(schemas.Type, e.Type.String())
	r.Event.Set(schemas.Site, site.Name)
}

// Key returns the message key of a record: its id. So a retry, whatever the visitor
// whose it is by then, comes to the partition where the first one is, and whoever
// reads that partition finds both.
func Key(r *schemas.Record) string { return r.Event.Get(schemas.ID) }

// allow writes the fields of the granted categories: identifiers as
// pseudonyms, texts without direct identifiers. Names are short texts of the
// client, too, but for the names of events that the policy knows.
func (p *Projector) allow(k *Keys, e *schemas.Event, v *Verdict) {
	r := &p.record
	r.Event.Set(schemas.ID, e.Get(schemas.ID))
	p.setTime(e.Time)
	categories := v.categories()
	p.addresses, p.way = identifiers.Addresses{Own: v.Site}, v.Site.Name
	if !v.keepsClicks() {
		p.addresses.NoClicks, p.way = true, v.Site.noClicks
	}
	for f := range (e.Fields & schemas.FieldsIn(categories) &^ always).Each {
		text := e.Get(f)
		switch f.Definition().Kind {
		case schemas.KindIdentifier:
			text = p.pseudonym(k, f, text)
		case schemas.KindURI:
			text = p.maskField(k, p.way, f, schemas.LowerScheme(text), p.maskURL)
		case schemas.KindText:
			text = p.maskField(k, "", f, text, p.maskText)
		case schemas.KindName:
			if f != schemas.Name || !v.named {
				text = p.maskText(text)
			}
		case schemas.KindInteger, schemas.KindDecimal:
			if p.identifies(text) {
				continue
			}
		}
		r.Event.Set(f, text)
	}
	for i := range e.Properties {
		property := e.Properties[i]
		category := v.Site.properties[property.Name].Category
		if !categories.Has(category) {
			continue
		}
		switch property.Kind {
		case schemas.PropertyText:
			property.Text = p.maskText(property.Text)
		case schemas.PropertyNumber:
			if p.identifies(property.Text) {
				continue
			}
		}
		r.Event.Properties = append(r.Event.Properties, property)
		r.PropertyCategories = append(r.PropertyCategories, category)
	}
}

func (p *Projector) setTime(t time.Time) {
	p.record.Event.Time = t
	p.record.Event.Set(schemas.Time, p.keep(schemas.FormatTime(p.arena, t)))
}

func (p *Projector) pseudonym(k *Keys, f schemas.Field, text string) string {
	last := p.recall.of(k, "", f)
	if last.is(text) {
		return share(last.made)
	}
	made := p.keep(k.AppendPseudonym(p.arena, f, text))
	last.note(text, made)
	return made
}

// keepsClicks reports whether addresses keep click identifiers such as gclid, which are
// advertisement identifiers: whether the store may have these, which alone has whole
// addresses, or where it has no such event, whether anyone may.
func (v *Verdict) keepsClicks() bool {
	categories := v.categories()
	if store := &v.Recipients[0]; store.Outcome == schemas.Allowed {
		categories = store.Categories
	}
	return categories.Has(schemas.AdvertisementIdentifier)
}

// maskField masks the text of a field by one of the functions below, which way is
// named. That there was nothing to mask is remembered of texts that take longer to look
// through.
func (p *Projector) maskField(k *Keys, way string, f schemas.Field, text string, mask func(string) string) string {
	const short = 32
	if len(text) < short {
		return mask(text)
	}
	last := p.recall.of(k, way, f)
	if last.is(text) {
		return text
	}
	masked := mask(text)
	if masked == text {
		last.note(text, "")
	}
	return masked
}

func (p *Projector) maskText(text string) string {
	if masked, changed := identifiers.MaskText(p.arena, text, &p.Masked); changed {
		return p.keep(masked)
	}
	return text
}

func (p *Projector) maskURL(text string) string {
	if masked, changed := p.addresses.Mask(p.arena, text, &p.Masked); changed {
		return p.keep(masked)
	}
	return text
}

// identifies reports whether a number is a direct identifier, such as a card
// number. No mark can stand in its place.
func (p *Projector) identifies(number string) bool {
	const (
		shortest = 1e11 // 12 digits, a My Number; a shorter one is like any amount
		longest  = 1e19 // a card number has 19 at most
	)
	if len(number) < 12 && strings.IndexByte(number, 'e') < 0 && strings.IndexByte(number, 'E') < 0 {
		return false
	}
	n, err := strconv.ParseFloat(number, 64)
	if n = math.Abs(n); err != nil || n < shortest || n >= longest {
		return false
	}
	var digits [20]byte
	_, found := identifiers.MaskText(p.arena, string(strconv.AppendFloat(digits[:0], math.Trunc(n), 'f', 0, 64)), &p.Masked)
	return found
}

// keep takes over the arena with a text appended to it and returns that text.
// When the arena moved, texts kept before stay where they were.
func (p *Projector) keep(arena []byte) string {
	added := arena[len(p.arena):]
	p.arena = arena
	return share(added)
}

// share views the bytes as a string, without a copy.
func share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
