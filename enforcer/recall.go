package enforcer

import "sekisho/schemas"

// recall remembers what was last made of each field's text, for the events of one
// request, which are mostly of one visitor. It is off until remember, and from
// forget on: it holds identifiers as they came, which nobody may keep for longer.
type recall struct {
	on      bool
	under   any // what it was made with
	entries []recalled
}

// recalled is what was last made of a field's text, for a recipient or for all.
type recalled struct {
	field      schemas.Field
	recipient  string
	known      bool
	text, made []byte
}

// longestRecalled is the longest text that is remembered, in bytes.
const longestRecalled = 256

func (r *recall) remember() {
	r.forget()
	r.on = true
}

func (r *recall) forget() {
	for i := range r.entries {
		e := &r.entries[i]
		clear(e.text[:cap(e.text)])
		clear(e.made[:cap(e.made)])
	}
	r.on, r.under, r.entries = false, nil, r.entries[:0]
}

// of returns the entry of a field, valid until the next call; nil while nothing is
// remembered. Under other keys than before nothing is known.
func (r *recall) of(under any, recipient string, f schemas.Field) *recalled {
	if !r.on {
		return nil
	}
	if r.under != under {
		r.remember()
		r.under = under
	}
	for i := range r.entries {
		if e := &r.entries[i]; e.field == f && e.recipient == recipient {
			return e
		}
	}
	n := len(r.entries)
	if n < cap(r.entries) {
		r.entries = r.entries[:n+1] // with the buffers of one that is forgotten
	} else {
		r.entries = append(r.entries, recalled{})
	}
	e := &r.entries[n]
	e.field, e.recipient, e.known = f, recipient, false
	return e
}

// is reports whether what was made is known, and was made of the text. The entry
// may be nil, as for note.
func (e *recalled) is(text string) bool { return e != nil && e.known && string(e.text) == text }

// note notes what was made of a text.
func (e *recalled) note(text, made string) {
	if e != nil && len(text) <= longestRecalled {
		clear(e.text) // which may be left to the garbage collector
		e.known, e.text, e.made = true, append(e.text[:0], text...), append(e.made[:0], made...)
	}
}
