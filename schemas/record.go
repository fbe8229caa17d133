package schemas

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
)

// MaxRecipients is the most recipients that a policy can name.
const MaxRecipients = 16

// Grant is what one recipient may have of a record.
type Grant struct {
	Recipient  string
	Categories Categories
}

// Record is an enforced event, the value of a message on the events topic:
// what the enforcer let through, and for whom. A recipient is given only the
// fields whose category its grant has; see [Record.For].
//
// In JSON it is one flat object: `schema`, `outcome`, `reason`, `policy`,
// `jurisdiction`, `purposes` (list of names), `grants` (recipient to the
// numbers of its categories as bits), the fields under their own names, and
// `properties` (name to [category number, value]). Identifiers are pseudonyms.
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

// For returns the fields that the recipient may have, and whether the record
// is for it at all.
func (r *Record) For(recipient string) (FieldSet, Categories, bool) {
	for i := range r.Grants {
		if r.Grants[i].Recipient == recipient {
			c := r.Grants[i].Categories
			return r.Event.Fields & (FieldsIn(c) | envelope), c, true
		}
	}
	return 0, 0, false
}

// envelope are the fields without which a record is none: they go wherever
// the record goes.
var envelope = SetOf(ID, Type, Site, Time)

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
	b = append(b, `],"grants":{`...)
	for i := range r.Grants {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, r.Grants[i].Recipient)
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(r.Grants[i].Categories), 10)
	}
	b = append(b, '}')
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
		d := f.Definition()
		b = append(b, ',', '"')
		b = append(b, d.Name...)
		b = append(b, '"', ':')
		if d.Kind.Numeric() {
			b = append(b, e.text[f]...)
		} else {
			b = appendString(b, e.text[f])
		}
	}
	return b
}

// AppendValue appends the property's value as JSON.
func (p *Property) AppendValue(b []byte) []byte {
	if p.Kind == PropertyText {
		return appendString(b, p.Text)
	}
	return append(b, p.Text...)
}

// FormatTime appends the time in the form that records carry: RFC 3339 in
// UTC with milliseconds.
func FormatTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
}

var errNotRecord = errors.New("not a record of this schema")

// RecordDecoder reads records. The zero value is ready; it serves one
// goroutine and is best reused.
type RecordDecoder struct {
	events Decoder
}

// Decode reads a message's value into r, whose texts share memory with value
// or the decoder and are valid until the next Decode. An error says what is
// wrong and quotes nothing of the value.
func (d *RecordDecoder) Decode(value []byte, r *Record) error {
	d.events.scratch = d.events.scratch[:0]
	root, err := d.events.parser.ParseBytes(value)
	if err != nil {
		return fmt.Errorf("cannot decode record: %w", ErrNotJSON)
	}
	object, err := root.Object()
	if err != nil {
		return fmt.Errorf("cannot decode record: %w", errNotRecord)
	}
	r.reset()
	version := 0
	problem := ""
	object.Visit(func(key []byte, v *fastjson.Value) {
		if problem != "" {
			return
		}
		if f, ok := FieldNamed(key); ok {
			text, bad := d.events.fieldText(f, v)
			if bad != nil {
				problem = bad.Error()
				return
			}
			r.Event.Set(f, text)
			return
		}
		if string(key) == "schema" {
			version, _ = v.Int()
			return
		}
		if !d.member(string(key), v, r) {
			problem = "a member is not what it should be"
		}
	})
	switch {
	case problem != "":
		return fmt.Errorf("cannot decode record: %w: %s", errNotRecord, problem)
	case version < 1:
		return fmt.Errorf("cannot decode record: %w: it has no schema version", errNotRecord)
	case version > Version:
		return fmt.Errorf("cannot decode record: %w: it has schema version %d, newer than this program's %d; upgrade the consumer", errNotRecord, version, Version)
	case r.Event.Fields&envelope != envelope:
		return fmt.Errorf("cannot decode record: %w: id, type, site or time is missing", errNotRecord)
	}
	_ = r.Event.Type.UnmarshalText([]byte(r.Event.text[Type])) // checked with the field
	r.Event.Time, _ = ParseTime(r.Event.text[Time])
	return nil
}

func (r *Record) reset() {
	r.Event.Reset()
	*r = Record{Event: r.Event, Grants: r.Grants[:0], PropertyCategories: r.PropertyCategories[:0]}
}

// member reads what is not a field. Members of later minor versions that this
// one does not know are passed over, as the compatibility rule says.
func (d *RecordDecoder) member(key string, v *fastjson.Value, r *Record) bool {
	raw, _ := v.StringBytes()
	switch key {
	case "outcome":
		return r.Outcome.UnmarshalText(raw) == nil
	case "reason":
		return r.Reason.UnmarshalText(raw) == nil
	case "policy":
		r.Policy = share(raw)
	case "jurisdiction":
		r.Jurisdiction = share(raw)
	case "purposes":
		list, err := v.Array()
		for _, item := range list {
			var p Purpose
			name, _ := item.StringBytes()
			if p.UnmarshalText(name) != nil {
				return false
			}
			r.Purposes |= 1 << p
		}
		return err == nil
	case "grants":
		return decodeGrants(v, r)
	case "properties":
		return d.properties(v, r)
	}
	return true
}

func decodeGrants(v *fastjson.Value, r *Record) bool {
	object, err := v.Object()
	if err != nil || object.Len() > MaxRecipients {
		return false
	}
	ok := true
	object.Visit(func(key []byte, v *fastjson.Value) {
		bits, err := v.Uint()
		if err != nil || bits > uint(AllCategories) {
			ok = false
			return
		}
		r.Grants = append(r.Grants, Grant{Recipient: share(key), Categories: Categories(bits)})
	})
	return ok
}

func (d *RecordDecoder) properties(v *fastjson.Value, r *Record) bool {
	object, err := v.Object()
	if err != nil {
		return false
	}
	ok := true
	object.Visit(func(key []byte, v *fastjson.Value) {
		pair, err := v.Array()
		if err != nil || len(pair) != 2 {
			ok = false
			return
		}
		category, err := pair[0].Uint()
		property, kindOK := d.events.property(share(key), pair[1])
		if err != nil || category >= NumCategories || !kindOK {
			ok = false
			return
		}
		r.Event.Properties = append(r.Event.Properties, property)
		r.PropertyCategories = append(r.PropertyCategories, Category(category))
	})
	return ok
}
