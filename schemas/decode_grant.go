package schemas

import "github.com/valyala/fastjson"

func decodeGrants(v *fastjson.Value, r *Record) bool {
	object, err := v.Object()
	if err != nil || object.Len() > MaxRecipients || len(r.Grants) > 0 {
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

// decodeFlags reads the member `flags`; nil is none.
func decodeFlags(v *fastjson.Value, r *Record) bool {
	return eachGrant(v, r, func(g *Grant, v *fastjson.Value) bool {
		bits, err := v.Uint()
		g.Flags = GrantFlags(bits) & allFlags // later ones are passed over
		return err == nil
	})
}

// decodeOwn reads the member `own`; nil is none.
func (d *RecordDecoder) decodeOwn(v *fastjson.Value, r *Record) bool {
	d.own = d.own[:0]
	return eachGrant(v, r, func(g *Grant, v *fastjson.Value) bool {
		object, err := v.Object()
		if err != nil || len(g.Own) > 0 {
			return false
		}
		var seen FieldSet
		ok, start := true, len(d.own)
		object.Visit(func(key []byte, v *fastjson.Value) {
			f, known := FieldNamed(key)
			text := share(textOf(v))
			if !known || !OwnIdentifiers.Has(f) || seen.Has(f) || text == "" || !isText(text) {
				ok = false
				return
			}
			// What the record's fields and the grant's categories do not bear
			// out is given to nobody.
			fields := FieldsIn(g.Categories) | envelope
			if seen |= 1 << f; fields.Has(f) && r.Event.Fields.Has(f) {
				d.own = append(d.own, OwnIdentifier{f, text})
			}
		})
		g.Own = d.own[start:len(d.own):len(d.own)]
		return ok
	})
}

// eachGrant reads an object whose keys are recipients of the record.
func eachGrant(v *fastjson.Value, r *Record, read func(*Grant, *fastjson.Value) bool) bool {
	if v == nil {
		return true
	}
	object, err := v.Object()
	if err != nil {
		return false
	}
	ok := true
	object.Visit(func(key []byte, v *fastjson.Value) {
		g := r.Grant(share(key))
		ok = ok && g != nil && read(g, v)
	})
	return ok
}
