package schemas

func (t *tape) grants(at int, r *Record) bool {
	if t.kind(at) != isObject || t.hasMore(at, MaxRecipients) || len(r.Grants) > 0 {
		return false
	}
	for at, end := t.inside(at); at < end; at = t.after(at + 1) {
		bits, ok := t.count(at + 1)
		if !ok || bits > uint64(AllCategories) {
			return false
		}
		r.Grants = append(r.Grants, Grant{Recipient: t.name(at), Categories: Categories(bits)})
	}
	return true
}

// grantFlags reads the member `flags`; at 0 there is none.
func (t *tape) grantFlags(at int, r *Record) bool {
	return t.eachGrant(at, r, func(g *Grant, at int) bool {
		bits, ok := t.count(at)
		g.Flags = GrantFlags(bits) & allFlags // later ones are passed over
		return ok
	})
}

// grantOwn reads the member `own`; at 0 there is none.
func (d *RecordDecoder) grantOwn(at int, r *Record) bool {
	d.own = d.own[:0]
	t := &d.tape
	return t.eachGrant(at, r, func(g *Grant, at int) bool {
		if t.kind(at) != isObject || len(g.Own) > 0 {
			return false
		}
		var seen FieldSet
		start := len(d.own)
		for at, end := t.inside(at); at < end; at = t.after(at + 1) {
			f, known := fieldNamed(t.name(at))
			text, _ := t.text(at + 1)
			if !known || !OwnIdentifiers.Has(f) || seen.Has(f) || text == "" || !isText(text, t.known(at+1)) {
				return false
			}
			// What the record's fields and the grant's categories do not bear
			// out is given to nobody.
			fields := FieldsIn(g.Categories) | envelope
			if seen |= 1 << f; fields.Has(f) && r.Event.Fields.Has(f) {
				d.own = append(d.own, OwnIdentifier{f, text})
			}
		}
		g.Own = d.own[start:len(d.own):len(d.own)]
		return true
	})
}

// eachGrant reads an object whose keys are recipients of the record.
func (t *tape) eachGrant(at int, r *Record, read func(*Grant, int) bool) bool {
	if at == 0 {
		return true
	}
	if t.kind(at) != isObject {
		return false
	}
	for at, end := t.inside(at); at < end; at = t.after(at + 1) {
		if g := r.Grant(t.name(at)); g == nil || !read(g, at+1) {
			return false
		}
	}
	return true
}
