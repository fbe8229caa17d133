package enforcer

import (
	"strings"

	"sekisho/schemas"
)

// RecipientKeys makes what stands for identifiers with one third party. It is
// derived from what stands for them with the store, so that a reset, which bears
// only that, can be passed on, and differs for every recipient, so that no two
// of them can join what they have. Safe for concurrent use.
type RecipientKeys struct {
	name    string
	current *mac
	byID    map[string]*mac // by the key's id
	seals   map[string]*sealer
}

// Recipient makes the keys of a recipient.
func (k *Keys) Recipient(name string) *RecipientKeys {
	r := &RecipientKeys{name: name, current: k.recipient(name), byID: map[string]*mac{}, seals: map[string]*sealer{}}
	for _, p := range k.previous {
		r.byID[p.id] = p.recipient(name)
		r.seals[p.id] = p.seal
	}
	r.byID[k.id], r.seals[k.id] = r.current, k.seal
	return r
}

func (k *Keys) recipient(name string) *mac { return newMAC(k.secret, "sekisho recipient "+name) }

// Knows reports whether a pseudonym of a record was made under a live key.
func (r *RecipientKeys) Knows(stored string) bool {
	id, _, _ := strings.Cut(stored, ".")
	return r.byID[id] != nil
}

// Pseudonym returns what stands for a pseudonym of a record with the recipient;
// false when it is none of a live key.
func (r *RecipientKeys) Pseudonym(f schemas.Field, stored string) (sum [32]byte, ok bool) {
	id, _, _ := strings.Cut(stored, ".")
	m := r.byID[id]
	if m == nil {
		return sum, false
	}
	return m.sum(byte(kindOf(f)), stored), true
}

// Of returns what stands with the recipient for a text that is no pseudonym but
// names one thing all the same, such as an event's id. It changes with the
// current key.
func (r *RecipientKeys) Of(f schemas.Field, text string) [32]byte {
	return r.current.sum(byte(f), text)
}
