package enforcer

import (
	"encoding/hex"
	"strings"
	"sync/atomic"

	"sekisho/enforcer/registry"
	"sekisho/schemas"
)

// Withdrawn knows the pseudonyms of reset identifiers, and those whose users
// opted out of a recipient. It is what [Resets] is downstream of Kafka, where
// records bear pseudonyms and nobody can hash identifiers. The zero value knows
// of none. Any number may read, without a lock, while others write.
type Withdrawn struct {
	resets registry.Set
	// optOuts has the pseudonym's hash with the mark of the recipient.
	optOuts registry.Set
	changes atomic.Uint64
}

// Sets returns the sets, by name, for who keeps snapshots of them.
func (w *Withdrawn) Sets() map[string]*registry.Set {
	return map[string]*registry.Set{"resets": &w.resets, "optouts": &w.optOuts}
}

// Put makes a reset or an opt-out hold, or no longer hold when it is revoked.
func (w *Withdrawn) Put(reset *schemas.Reset) {
	expires := reset.At.Add(lifetime)
	for _, pseudonym := range reset.Pseudonyms {
		h, ok := hashOf(pseudonym)
		switch {
		case !ok:
		case reset.Recipient == "":
			w.resets.Add(h, expires)
		case reset.Revoked:
			w.optOuts.Remove(h.With(registry.Mark(reset.Recipient)))
		default:
			w.optOuts.Add(h.With(registry.Mark(reset.Recipient)), expires)
		}
	}
	w.changes.Add(1)
}

// Changes returns how often Put has changed what is withdrawn: while it is the same,
// what was seen since stays true.
func (w *Withdrawn) Changes() uint64 { return w.changes.Load() }

// Len returns how many pseudonyms have been reset.
func (w *Withdrawn) Len() int { return w.resets.Len() }

// Has reports whether the pseudonym has been reset.
func (w *Withdrawn) Has(pseudonym string) bool {
	h, ok := hashOf(pseudonym)
	return ok && w.resets.Contains(h)
}

// Reset reports whether the record bears a pseudonym that has been reset. Nil
// knows of none.
func (w *Withdrawn) Reset(r *schemas.Record) bool {
	return w != nil && carries(&w.resets, r, registry.Hash{})
}

// OptedOut reports whether the record bears a pseudonym whose user opted out of
// the recipient.
func (w *Withdrawn) OptedOut(r *schemas.Record, recipient string) bool {
	return w != nil && w.optOuts.Len() > 0 && carries(&w.optOuts, r, registry.Mark(recipient))
}

func carries(set *registry.Set, r *schemas.Record, mark registry.Hash) bool {
	if set.Len() == 0 {
		return false
	}
	for f := range (r.Event.Fields & schemas.Identifiers).Each {
		if h, ok := hashOf(r.Event.Get(f)); ok && set.Contains(h.With(mark)) {
			return true
		}
	}
	return false
}

// hashOf returns the 128 bits of a pseudonym, which are as good as a hash of
// it; see [Keys.AppendPseudonym]. Those of two keys do not meet by chance.
func hashOf(pseudonym string) (registry.Hash, bool) {
	_, digits, ok := strings.Cut(pseudonym, ".")
	var bits [16]byte
	if !ok || len(digits) != hex.EncodedLen(len(bits)) {
		return registry.Hash{}, false
	}
	bad := byte(0)
	for i := range bits {
		high, low := hexDigits[digits[2*i]], hexDigits[digits[2*i+1]]
		bits[i] = high<<4 | low
		bad |= high | low
	}
	if bad > 0x0f {
		return registry.Hash{}, false
	}
	return registry.HashFrom(bits), true
}

// hexDigits has the value of each byte that is a digit, 0xff of any other.
var hexDigits = func() (values [256]byte) {
	for i := range values {
		values[i] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		values[c] = byte(i)
	}
	return values
}()
