package enforcer

import (
	"time"

	"sekisho/enforcer/registry"
	"sekisho/schemas"
)

// Resets answers whether an identifier has been reset. Nil knows of none. Any
// number may read while one writes.
type Resets struct {
	hasher *registry.Hasher
	set    *registry.Set
}

// NewResets makes an empty registry that hashes under the given key.
func NewResets(hasher *registry.Hasher) *Resets {
	return &Resets{hasher: hasher, set: new(registry.Set)}
}

// Set returns the set of reset identifiers.
func (r *Resets) Set() *registry.Set { return r.set }

// Hash returns the registry's hash of an identifier in its normal form.
func (r *Resets) Hash(f schemas.Field, identifier string) [16]byte {
	return r.hasher.Sum(f.String(), identifier).Bytes()
}

// lifetime is how long a reset identifier could still turn up: a cookie lives
// 400 days at most (rfc6265bis), an event is stored for ten years at most, and
// may be queued and replayed for a year.
const lifetime = (400 + 3650 + 366) * 24 * time.Hour

// Put makes a reset hold.
func (r *Resets) Put(reset *schemas.Reset) {
	if reset.Recipient != "" {
		return // an opt-out is no reset
	}
	r.set.Add(registry.HashFrom(reset.Hash), reset.At.Add(lifetime))
}

// carries reports whether the event bears a reset identifier.
func (r *Resets) carries(e *schemas.Event) bool {
	if r == nil || e.Fields&schemas.Identifiers == 0 || r.set.Len() == 0 {
		return false
	}
	for f := range (e.Fields & schemas.Identifiers).Each {
		if r.set.Contains(r.hasher.Sum(f.String(), e.Get(f))) {
			return true
		}
	}
	return false
}
