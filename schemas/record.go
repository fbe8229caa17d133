package schemas

import "strconv"

// Record is an enforced event, the value of a message on the events topic:
// what the enforcer let through, and for whom. A recipient is given only the
// fields whose category its grant has; see [Record.For].
//
// In JSON it is one flat object: `schema`, `outcome`, `reason`, `policy`,
// `jurisdiction`, `purposes` (list of names), `grants` (recipient to the
// numbers of its categories as bits), `flags` (recipient to flags as bits) and
// `own` (recipient to identifiers as they came) where there are any, the fields
// under their own names, and `properties` (name to [category number, value]).
// Identifiers among the fields are pseudonyms.
type Record struct {
	Event        Event
	Outcome      Outcome
	Reason       Reason
	Policy       string // version (date) of the policy that decided
	Jurisdiction string
	Purposes     Purposes
	Grants       []Grant
	// PropertyCategories has the category of each of Event.Properties.
	PropertyCategories []Category
}

// AppendJSON appends the record's JSON form.
func (r *Record) AppendJSON(b []byte) []byte {
	b = append(b, `{"schema":`...)
	b = strconv.AppendInt(b, Version, 10)
	b = append(b, `,"outcome":"`...)
	b = append(b, r.Outcome.String()...)
	b = append(b, `","reason":"`...)
	b = append(b, r.Reason.String()...)
	b = append(b, `","policy":`...)
	b = appendString(b, r.Policy)
	b = append(b, `,"jurisdiction":`...)
	b = appendString(b, r.Jurisdiction)
	b = append(b, `,"purposes":[`...)
	for p := Purpose(0); p < NumPurposes; p++ {
		if r.Purposes.Has(p) {
			if b[len(b)-1] != '[' {
				b = append(b, ',')
			}
			b = append(b, '"')
			b = append(b, p.String()...)
			b = append(b, '"')
		}
	}
	b = appendGrants(append(b, ']', ','), r.Grants)
	b = appendFields(b, &r.Event)
	if len(r.Event.Properties) > 0 {
		b = append(b, `,"properties":{`...)
		for i := range r.Event.Properties {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, r.Event.Properties[i].Name)
			b = append(b, ":["...)
			b = strconv.AppendUint(b, uint64(r.PropertyCategories[i]), 10)
			b = append(b, ',')
			b = r.Event.Properties[i].AppendValue(b)
			b = append(b, ']')
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendFields(b []byte, e *Event) []byte {
	for f := range e.Fields.Each {
		b = append(b, members[f]...)
		if numeric.Has(f) {
			b = append(b, e.text[f]...)
		} else {
			b = appendString(b, e.text[f])
		}
	}
	return b
}

// members are how the fields' members begin in JSON, with the comma before them.
var members = func() (table [NumFields]string) {
	for f := range table {
		table[f] = `,"` + definitions[f].Name + `":`
	}
	return table
}()

// numeric are the fields that are numbers in JSON.
var numeric = func() (set FieldSet) {
	for f := range definitions {
		if definitions[f].Kind.Numeric() {
			set |= 1 << f
		}
	}
	return set
}()

// AppendValue appends the property's value as JSON.
func (p *Property) AppendValue(b []byte) []byte {
	if p.Kind == PropertyText {
		return appendString(b, p.Text)
	}
	return append(b, p.Text...)
}
