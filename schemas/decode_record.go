package schemas

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

var errNotRecord = errors.New("not a record of this schema")

// RecordDecoder reads records. The zero value is ready; it serves one
// goroutine and is best reused.
type RecordDecoder struct {
	events Decoder
	own    []OwnIdentifier
}

// Decode reads a message's value into r, whose texts share memory with the
// decoder and are valid until the next Decode. An error says what is wrong and
// quotes nothing of the value.
func (d *RecordDecoder) Decode(value []byte, r *Record) error {
	r.reset()
	d.events.scratch = d.events.scratch[:0]
	if !utf8.Valid(value) {
		return fmt.Errorf("cannot decode record: %w", ErrNotUTF8)
	}
	root, err := d.events.parser.ParseBytes(value)
	if err != nil {
		return fmt.Errorf("cannot decode record: %w", ErrNotJSON)
	}
	object, err := root.Object()
	if err != nil {
		return fmt.Errorf("cannot decode record: %w", errNotRecord)
	}
	version, problem := 0, ""
	var flags, own *fastjson.Value
	object.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "schema":
			version, _ = v.Int()
			return
		case "flags":
			flags = v
			return
		case "own":
			own = v
			return
		}
		if problem != "" {
			return
		}
		if f, ok := FieldNamed(key); ok {
			text, bad := d.events.fieldText(f, v)
			if bad == nil {
				bad = checkRecorded(f, text)
			}
			if bad != nil {
				problem = bad.Error()
				return
			}
			r.Event.Set(f, text)
			return
		}
		if !d.member(string(key), v, r) {
			problem = "a member is not what it should be"
		}
	})
	switch {
	case version > Version:
		return fmt.Errorf("cannot decode record: %w: its schema version is newer than this program's %d; upgrade the consumer", errNotRecord, Version)
	case problem != "":
		return fmt.Errorf("cannot decode record: %w: %s", errNotRecord, problem)
	case version < 1:
		return fmt.Errorf("cannot decode record: %w: it has no schema version", errNotRecord)
	case r.Outcome != Allowed && r.Outcome != Anonymised:
		return fmt.Errorf("cannot decode record: %w: it does not say that it was let through", errNotRecord)
	case !decodeFlags(flags, r), !d.decodeOwn(own, r):
		return fmt.Errorf("cannot decode record: %w: a grant is not what it should be", errNotRecord)
	case r.Event.Fields&envelope != envelope:
		return fmt.Errorf("cannot decode record: %w: id, type, site or time is missing", errNotRecord)
	}
	_ = r.Event.Type.UnmarshalText([]byte(r.Event.text[Type])) // checked with the field
	r.Event.Time, _ = ParseTime(r.Event.text[Time])
	return nil
}

// checkRecorded checks what readers of records rely on. That is less than
// [Check] does: a pseudonym or a masked text may be longer than what it stands
// for, and of another shape.
func checkRecorded(f Field, text string) *Invalid {
	switch f.Definition().Kind {
	case KindIdentifier, KindName, KindURI, KindText:
		if !isText(text) {
			return invalid(f, "must be UTF-8 without control characters")
		}
		return nil
	}
	return Check(f, text)
}

func (r *Record) reset() {
	r.Event.Reset()
	*r = Record{Event: r.Event, Grants: r.Grants[:0], PropertyCategories: r.PropertyCategories[:0]}
}

// member reads what is not a field. Members of later minor versions that this
// one does not know are passed over, as the compatibility rule says.
func (d *RecordDecoder) member(key string, v *fastjson.Value, r *Record) bool {
	switch key {
	case "outcome":
		return r.Outcome.UnmarshalText(textOf(v)) == nil
	case "reason":
		return r.Reason.UnmarshalText(textOf(v)) == nil
	case "policy":
		r.Policy = share(textOf(v))
		return v.Type() == fastjson.TypeString
	case "jurisdiction":
		r.Jurisdiction = share(textOf(v))
		return v.Type() == fastjson.TypeString
	case "purposes":
		return decodePurposes(v, r)
	case "grants":
		return decodeGrants(v, r)
	case "properties":
		return d.properties(v, r)
	}
	return true
}

// textOf returns the text of a string, nil of anything else.
func textOf(v *fastjson.Value) []byte {
	if v.Type() != fastjson.TypeString {
		return nil // without the error that StringBytes would make
	}
	raw, _ := v.StringBytes()
	return raw
}

func decodePurposes(v *fastjson.Value, r *Record) bool {
	list, err := v.Array()
	for _, item := range list {
		var p Purpose
		if p.UnmarshalText(textOf(item)) != nil {
			return false
		}
		r.Purposes |= 1 << p
	}
	return err == nil
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
		property, problem := d.events.property(share(key), pair[1])
		if err != nil || category >= NumCategories || problem != "" || !isText(property.Text) {
			ok = false
			return
		}
		r.Event.Properties = append(r.Event.Properties, property)
		r.PropertyCategories = append(r.PropertyCategories, Category(category))
	})
	return ok
}
