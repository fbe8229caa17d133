package schemas

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Reset says that an identifier was reset, or that its user opted out of one
// recipient. It is a message on the compacted resets topic: Key is the
// message's key, AppendJSON its value.
//
// In JSON: `{"schema":1,"kind":"visitor_id","hash":"…32 hex digits…","at":"…","pseudonyms":["k1.…"]}`,
// of an opt-out with `"recipient":"…"` and, once it was taken back,
// `"revoked":true`. Who asked and the names of the keys follow.
type Reset struct {
	// Field is the kind of identifier.
	Field Field
	// Hash of the identifier under the registry's key; never the identifier.
	Hash [16]byte
	// At is when it was reset.
	At time.Time
	// Pseudonyms under which events of the identifier are stored, one for
	// every live key.
	Pseudonyms []string
	// Recipient that the user opted out of; "" for a reset, which binds all
	// and cannot be taken back.
	Recipient string
	// Revoked takes an opt-out back.
	Revoked bool
	// By is who asked: "browser", "app", or the operator's name; "" when that is in
	// the audit log already.
	By string
	// Registry names the key of Hash, and Secret that of the first of Pseudonyms,
	// so that who has other keys can tell; "" in what an older version wrote.
	Registry, Secret string
}

// MaxBy is the longest name of who asks, in bytes.
const MaxBy = 128

type resetJSON struct {
	Schema     int       `json:"schema"`
	Kind       string    `json:"kind"`
	Hash       string    `json:"hash"`
	At         time.Time `json:"at"`
	Pseudonyms []string  `json:"pseudonyms"`
	Recipient  string    `json:"recipient,omitempty"`
	Revoked    bool      `json:"revoked,omitempty"`
	By         string    `json:"by,omitempty"`
	Registry   string    `json:"registry,omitempty"`
	Secret     string    `json:"secret,omitempty"`
}

// Key returns the key of the reset's message: its hash in hexadecimal, of an
// opt-out followed by "." and the recipient.
func (r *Reset) Key() []byte {
	key := hex.AppendEncode(nil, r.Hash[:])
	if r.Recipient != "" {
		key = append(append(key, '.'), r.Recipient...)
	}
	return key
}

// AppendJSON appends the reset's JSON form.
func (r *Reset) AppendJSON(b []byte) []byte {
	out, err := json.Marshal(resetJSON{
		Version, r.Field.String(), hex.EncodeToString(r.Hash[:]), r.At.UTC().Truncate(time.Millisecond), r.Pseudonyms,
		r.Recipient, r.Revoked, r.By, r.Registry, r.Secret,
	})
	if err != nil {
		panic(err) // only strings and a time of this age are in it
	}
	return append(b, out...)
}

var errNotReset = errors.New("not a reset of this schema")

// DecodeReset reads the value of a message on the resets topic.
func DecodeReset(value []byte) (Reset, error) {
	var in resetJSON
	if json.Unmarshal(value, &in) != nil {
		return Reset{}, fmt.Errorf("cannot decode reset: %w", ErrNotJSON)
	}
	field, ok := FieldNamed([]byte(in.Kind))
	hash, err := hex.DecodeString(in.Hash)
	if in.Schema < 1 || in.Schema > Version || !ok || !Identifiers.Has(field) ||
		err != nil || len(hash) != 16 || in.At.IsZero() || in.Revoked && in.Recipient == "" {
		return Reset{}, fmt.Errorf("cannot decode reset: %w", errNotReset)
	}
	return Reset{
		Field: field, Hash: [16]byte(hash), At: in.At, Pseudonyms: in.Pseudonyms,
		Recipient: in.Recipient, Revoked: in.Revoked, By: in.By, Registry: in.Registry, Secret: in.Secret,
	}, nil
}
