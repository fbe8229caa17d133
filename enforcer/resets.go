package enforcer

import (
	"strings"
	"time"

	"sekisho/enforcer/registry"
	"sekisho/schemas"
)

// Resets answers whether an identifier has been reset, and whether its user
// opted out of a recipient. Nil knows of neither. Any number may read, without
// a lock, while others write.
type Resets struct {
	hasher *registry.Hasher
	set    *registry.Set
	// optOuts has the identifier's hash with the mark of the recipient.
	optOuts *registry.Set
}

// NewResets makes an empty registry that hashes under the given key.
func NewResets(hasher *registry.Hasher) *Resets {
	return &Resets{hasher: hasher, set: new(registry.Set), optOuts: new(registry.Set)}
}

// Set returns the set of reset identifiers.
func (r *Resets) Set() *registry.Set { return r.set }

// OptOuts returns the set of identifiers whose users opted out of a recipient.
func (r *Resets) OptOuts() *registry.Set { return r.optOuts }

// Sets returns both sets, by name, for who keeps snapshots of them.
func (r *Resets) Sets() map[string]*registry.Set {
	return map[string]*registry.Set{"resets": r.set, "optouts": r.optOuts}
}

// KeyID names the key under which identifiers are hashed.
func (r *Resets) KeyID() string { return r.hasher.KeyID() }

// Hash returns the registry's hash of an identifier in its normal form.
func (r *Resets) Hash(f schemas.Field, identifier string) [16]byte {
	return r.hasher.Sum(kindOf(f).String(), identifier).Bytes()
}

// Has reports whether an identifier in its normal form has been reset.
func (r *Resets) Has(f schemas.Field, identifier string) bool {
	return r.set.Len() > 0 && r.set.Contains(r.hasher.Sum(kindOf(f).String(), identifier))
}

// lifetime is how long a reset identifier could still turn up: a cookie lives
// 400 days at most (rfc6265bis), an event is stored for ten years at most, and
// may be queued and replayed for a year.
const lifetime = (400 + 3650 + 366) * 24 * time.Hour

// Put makes a reset or an opt-out hold, or no longer hold when it is revoked.
// Opt-outs of one identifier must come in the order of their topic.
func (r *Resets) Put(reset *schemas.Reset) {
	h := registry.HashFrom(reset.Hash)
	switch {
	case reset.Recipient == "":
		r.set.Add(h, reset.At.Add(lifetime))
	case reset.Revoked:
		r.optOuts.Remove(h.With(registry.Mark(reset.Recipient)))
	default:
		r.optOuts.Add(h.With(registry.Mark(reset.Recipient)), reset.At.Add(lifetime))
	}
}

// recipientSet is a set of a site's recipients, by their place.
type recipientSet uint16

func (s recipientSet) has(i int) bool { return s&(1<<i) != 0 }

// namedIn are the recipients of the site that a cookie of opt-outs names.
func (t *Table) namedIn(cookie string, site *Site) (set recipientSet) {
	for name := range strings.SplitSeq(cookie, "+") {
		for i := 1; i < len(site.recipients); i++ {
			if t.Recipients[site.recipients[i]] == name {
				set |= 1 << i
			}
		}
	}
	return set
}

// Any reports whether one of the hashes is that of a reset identifier.
func (r *Resets) Any(hashes [][16]byte) bool {
	for _, h := range hashes {
		if r.set.Contains(registry.HashFrom(h)) {
			return true
		}
	}
	return false
}

// of reports whether the event bears a reset identifier, and of which of the
// site's recipients a user whose identifier it bears opted out. The verdict gets
// the hashes, by which this can be asked again when the identifiers are gone.
func (r *Resets) of(e *schemas.Event, t *Table, site *Site, v *Verdict) (reset bool, optedOut recipientSet) {
	v.Hashes = v.Hashes[:0]
	if r == nil || e.Fields&schemas.Identifiers == 0 {
		return false, 0
	}
	for f := range (e.Fields & schemas.Identifiers).Each {
		v.Hashes = append(v.Hashes, v.hash(r, f, e.Get(f)))
	}
	// One right after the other: memory is waited for once, not for each.
	if r.set.Len() > 0 && r.Any(v.Hashes) {
		return true, 0 // nobody has it, whatever else was said
	}
	if r.optOuts.Len() == 0 {
		return false, 0
	}
	for _, hash := range v.Hashes {
		h := registry.HashFrom(hash)
		for i := 1; i < len(site.recipients); i++ {
			if r.optOuts.Contains(h.With(t.marks[site.recipients[i]])) {
				optedOut |= 1 << i
			}
		}
	}
	return false, optedOut
}

func (v *Verdict) hash(r *Resets, f schemas.Field, identifier string) (hash [16]byte) {
	last := v.recall.of(r, "", f)
	if last.is(identifier) {
		copy(hash[:], last.made)
		return hash
	}
	hash = r.Hash(f, identifier)
	last.note(identifier, share(hash[:]))
	return hash
}
