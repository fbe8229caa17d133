package enforcer

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"sekisho/schemas"
)

// Keys makes pseudonyms. Safe for concurrent use.
type Keys struct {
	id        string
	secret    []byte
	pseudonym *mac
	anonymous *mac
	name      *mac
	seal      *sealer
	previous  []*Keys
}

// MinSecret is the shortest secret that keys are made from, in bytes.
const MinSecret = 32

// NewKeys makes keys from the deployment's secret. The id, 1 to 8 lower-case
// letters and digits, stands before every pseudonym, so that the secret can
// be rotated: previous are the keys under which something may still be stored.
func NewKeys(id string, secret []byte, previous ...*Keys) (*Keys, error) {
	if !isKeyID(id) {
		return nil, errors.New("the key id must be 1 to 8 lower-case letters and digits")
	}
	if len(secret) < MinSecret {
		return nil, errors.New("the secret must be at least 32 bytes; make one with `openssl rand -hex 32`")
	}
	seal, err := newSealer(secret)
	if err != nil {
		return nil, err
	}
	return &Keys{
		id:        id,
		secret:    slices.Clone(secret),
		pseudonym: newMAC(secret, "sekisho pseudonym"),
		anonymous: newMAC(secret, "sekisho anonymous event id"),
		name:      newMAC(secret, "sekisho name of the secret"),
		seal:      seal,
		previous:  previous,
	}, nil
}

func isKeyID(id string) bool {
	for i := 0; i < len(id); i++ {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 8
}

// AppendPseudonym appends what stands for the identifier outside the
// collector: the key's id, ".", and 128 bits of HMAC-SHA-256 over the
// identifier's kind and normal form, in hexadecimal.
func (k *Keys) AppendPseudonym(b []byte, f schemas.Field, identifier string) []byte {
	sum := k.pseudonym.sum(byte(kindOf(f)), identifier)
	b = append(b, k.id...)
	b = append(b, '.')
	return appendHex(appendHex(b, binary.BigEndian.Uint64(sum[:])), binary.BigEndian.Uint64(sum[8:]))
}

// appendHex appends a number's sixteen hexadecimal digits, eight at a time: package
// hex looks each up.
func appendHex(b []byte, n uint64) []byte {
	for _, half := range [...]uint64{n >> 32, n & (1<<32 - 1)} {
		half = (half<<16 | half) & 0x0000ffff0000ffff
		half = (half<<8 | half) & 0x00ff00ff00ff00ff
		half = (half<<4 | half) & 0x0f0f0f0f0f0f0f0f
		letters := (half + 0x0606060606060606) >> 4 & 0x0101010101010101
		b = binary.BigEndian.AppendUint64(b, half+0x3030303030303030+letters*('a'-'9'-1))
	}
	return b
}

// Pseudonyms returns what may stand for the identifier outside the collector:
// its pseudonym under each live key, the current one first.
func (k *Keys) Pseudonyms(f schemas.Field, identifier string) []string {
	all := []string{string(k.AppendPseudonym(nil, f, identifier))}
	for _, p := range k.previous {
		all = append(all, string(p.AppendPseudonym(nil, f, identifier)))
	}
	return all
}

// Name names the current secret without telling anything about it: its id, ":" and
// eight hexadecimal digits.
func (k *Keys) Name() string {
	sum := k.name.sum(0, "")
	return k.id + ":" + hex.EncodeToString(sum[:4])
}

// Differs reports whether a name is that of another secret under an id that these
// keys have, too. Of an id that they do not have nothing can be said.
func (k *Keys) Differs(name string) bool {
	id, _, _ := strings.Cut(name, ":")
	for _, one := range append([]*Keys{k}, k.previous...) {
		if one.id == id {
			return one.Name() != name
		}
	}
	return false
}

// Replaced reports whether the pseudonyms of a reset, see [Keys.Pseudonyms], were
// made by who has the current one of these keys as a previous one, and a newer that is
// not among them. What is stored under that, resets of these keys do not reach.
func (k *Keys) Replaced(pseudonyms []string) bool {
	for i, pseudonym := range pseudonyms {
		id, _, _ := strings.Cut(pseudonym, ".")
		switch {
		case i > 0 && id == k.id:
			return true
		case i == 0 && (id == k.id || slices.ContainsFunc(k.previous, func(p *Keys) bool { return p.id == id })):
			return false
		}
	}
	return false
}

// AppendAnonymousID appends the id of an anonymised event. It is the same for
// every retry of the event and says nothing else: a UUID of version 8 (RFC
// 9562, section 5.8) made of a keyed hash, since a client knows its own ids
// and version 7 tells the time.
func (k *Keys) AppendAnonymousID(b []byte, id string) []byte {
	sum := k.anonymous.sum(0, id)
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	for i, part := range [...][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, sum[part[0]:part[1]])
	}
	return b
}

// AnonymousIDs returns the ids that the event may have in anonymised form: under
// each live key, the current one first.
func (k *Keys) AnonymousIDs(id string) []string {
	all := []string{string(k.AppendAnonymousID(nil, id))}
	for _, p := range k.previous {
		all = append(all, string(p.AppendAnonymousID(nil, id)))
	}
	return all
}
