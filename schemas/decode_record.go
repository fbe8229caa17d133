package schemas

import (
	"errors"
	"fmt"
	"math"
	"unsafe"
)

var errNotRecord = errors.New("not a record of this schema")

// RecordDecoder reads records. The zero value is ready; it serves one
// goroutine and is best reused.
type RecordDecoder struct {
	tape tape
	own  []OwnIdentifier
}

// Decode reads a message's value into r, whose texts share memory with the value
// and the decoder: they are valid until the next Decode, and the value must stay
// unchanged as long. An error says what is wrong and quotes nothing of the value.
func (d *RecordDecoder) Decode(value []byte, r *Record) error {
	r.reset()
	t := &d.tape
	if err := t.scan(value, math.MaxInt); err != nil {
		return fmt.Errorf("cannot decode record: %w", err)
	}
	if t.kind(0) != isObject {
		return fmt.Errorf("cannot decode record: %w", errNotRecord)
	}
	version, problem := uint64(0), ""
	var flags, own int // the document is at 0, so that is none
	for at, end := t.inside(0); at < end; at = t.after(at + 1) {
		key := t.name(at)
		f, isField := fieldNamed(key)
		switch {
		case isField && problem == "":
			text, bad := t.field(f, at+1)
			switch {
			case bad != nil:
			case f == Time:
				r.Event.Time, bad = checkTime(f, text)
			default:
				bad = checkRecorded(f, text, t.known(at+1))
			}
			if bad != nil {
				problem = bad.Error()
				continue
			}
			r.Event.Set(f, text)
		case isField:
		case key == "schema":
			version, _ = t.count(at + 1)
		case key == "flags":
			flags = at + 1
		case key == "own":
			own = at + 1
		case problem == "" && !t.recordMember(key, at+1, r):
			problem = "a member is not what it should be"
		}
	}
	switch {
	case version > Version:
		return fmt.Errorf("cannot decode record: %w: its schema version is newer than this program's %d; upgrade the consumer", errNotRecord, Version)
	case problem != "":
		return fmt.Errorf("cannot decode record: %w: %s", errNotRecord, problem)
	case version < 1:
		return fmt.Errorf("cannot decode record: %w: it has no schema version", errNotRecord)
	case r.Outcome != Allowed && r.Outcome != Anonymised:
		return fmt.Errorf("cannot decode record: %w: it does not say that it was let through", errNotRecord)
	case !t.grantFlags(flags, r), !d.grantOwn(own, r):
		return fmt.Errorf("cannot decode record: %w: a grant is not what it should be", errNotRecord)
	case r.Event.Fields&envelope != envelope:
		return fmt.Errorf("cannot decode record: %w: id, type, site or time is missing", errNotRecord)
	}
	_ = r.Event.Type.UnmarshalText([]byte(r.Event.text[Type])) // checked with the field
	return nil
}

// checkRecorded checks what readers of records rely on. That is less than
// [Check] does: a pseudonym or a masked text may be longer than what it stands
// for, and of another shape.
func checkRecorded(f Field, text string, known knowledge) *Invalid {
	switch f.Definition().Kind {
	case KindIdentifier, KindName, KindURI, KindText:
		if !isText(text, known) {
			return invalid(f, "must be UTF-8 without control characters")
		}
		return nil
	}
	return check(f, text, known)
}

func (r *Record) reset() {
	r.Event.Reset()
	r.Outcome, r.Reason, r.Policy, r.Jurisdiction, r.Purposes = 0, 0, "", "", 0
	r.Grants, r.PropertyCategories = r.Grants[:0], r.PropertyCategories[:0]
}

// recordMember reads what is not a field. Members of later minor versions that this
// one does not know are passed over, as the compatibility rule says.
func (t *tape) recordMember(key string, at int, r *Record) (ok bool) {
	switch key {
	case "outcome":
		return r.Outcome.UnmarshalText(t.bytes(at)) == nil
	case "reason":
		return r.Reason.UnmarshalText(t.bytes(at)) == nil
	case "policy":
		r.Policy, ok = t.text(at)
		return ok
	case "jurisdiction":
		r.Jurisdiction, ok = t.text(at)
		return ok
	case "purposes":
		return t.purposes(at, r)
	case "grants":
		return t.grants(at, r)
	case "properties":
		return t.recordProperties(at, r)
	}
	return true
}

// bytes returns the text of a string, nil of anything else.
func (t *tape) bytes(at int) []byte {
	text, _ := t.text(at)
	return unsafe.Slice(unsafe.StringData(text), len(text))
}

func (t *tape) purposes(at int, r *Record) bool {
	if t.kind(at) != isArray {
		return false
	}
	for at, end := t.inside(at); at < end; at = t.after(at) {
		var p Purpose
		if p.UnmarshalText(t.bytes(at)) != nil {
			return false
		}
		r.Purposes |= 1 << p
	}
	return true
}

func (t *tape) recordProperties(at int, r *Record) bool {
	if t.kind(at) != isObject {
		return false
	}
	for at, end := t.inside(at); at < end; at = t.after(at + 1) {
		from, to := t.inside(at + 1)
		if t.kind(at+1) != isArray || to-from < 2 {
			return false
		}
		category, ok := t.count(from)
		if !ok || category >= NumCategories || t.after(from+1) != to {
			return false
		}
		property, problem := t.property(t.name(at), from+1)
		if problem != "" || !isText(property.Text, t.known(from+1)) {
			return false
		}
		r.Event.Properties = append(r.Event.Properties, property)
		r.PropertyCategories = append(r.PropertyCategories, Category(category))
	}
	return true
}
