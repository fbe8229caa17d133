package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Receipt says what was agreed to, when, under which policy and by which
// signal, for one identifier. It is a message on the compacted consents topic:
// Key is the message's key, AppendJSON its value.
//
// In JSON: `{"schema":1,"kind":"visitor_id","pseudonym":"k1.…","at":"…",
// "site":"shop","policy":"2026-10-01","agreed":"2026-10-01",
// "jurisdiction":"japan","purposes":["analytics"],"signals":["event's consent"]}`.
type Receipt struct {
	// Field is the kind of identifier, and Pseudonym what stands for it.
	Field     Field
	Pseudonym string
	// At is when it was agreed to, by the client's clock.
	At   time.Time
	Site string
	// Policy is the version in force, and Agreed the version that the client
	// says was agreed to, "" where it does not say.
	Policy, Agreed string
	Jurisdiction   string
	// Purposes that were granted.
	Purposes Purposes
	// Signals that granted them, by where they were found, as explained
	// decisions name them.
	Signals []string
}

type receiptJSON struct {
	Schema       int       `json:"schema"`
	Kind         string    `json:"kind"`
	Pseudonym    string    `json:"pseudonym"`
	At           time.Time `json:"at"`
	Site         string    `json:"site"`
	Policy       string    `json:"policy"`
	Agreed       string    `json:"agreed,omitempty"`
	Jurisdiction string    `json:"jurisdiction"`
	Purposes     []Purpose `json:"purposes"`
	Signals      []string  `json:"signals"`
}

// Key returns the key of the message: the pseudonym, the site, the policy and
// the purposes, joined by "/". Of a choice that is made again the last receipt
// is kept, of each different choice one.
func (r *Receipt) Key() []byte {
	return fmt.Appendf(nil, "%s/%s/%s/%s", r.Pseudonym, r.Site, r.Policy, strings.Join(r.Purposes.Names(), "+"))
}

// ReceiptPseudonym returns the pseudonym in the key of a receipt's message,
// which is all that is left of one that was taken back.
func ReceiptPseudonym(key []byte) string {
	pseudonym, _, _ := strings.Cut(string(key), "/")
	return pseudonym
}

// AppendJSON appends the receipt's JSON form.
func (r *Receipt) AppendJSON(b []byte) []byte { return append(b, r.json()...) }

// MarshalJSON returns the receipt's JSON form.
func (r Receipt) MarshalJSON() ([]byte, error) { return r.json(), nil }

func (r *Receipt) json() []byte {
	purposes := []Purpose{}
	for p := Purpose(0); p < NumPurposes; p++ {
		if r.Purposes.Has(p) {
			purposes = append(purposes, p)
		}
	}
	out, err := json.Marshal(receiptJSON{
		Version, r.Field.String(), r.Pseudonym, r.At.UTC().Truncate(time.Millisecond), r.Site, r.Policy, r.Agreed,
		r.Jurisdiction, purposes, r.Signals,
	})
	if err != nil {
		panic(err) // only strings and a time of this age are in it
	}
	return out
}

var errNotReceipt = errors.New("not a receipt of this schema")

// DecodeReceipt reads the value of a message on the consents topic.
func DecodeReceipt(value []byte) (Receipt, error) {
	var in receiptJSON
	if json.Unmarshal(value, &in) != nil {
		return Receipt{}, fmt.Errorf("cannot decode receipt: %w", ErrNotJSON)
	}
	field, ok := FieldNamed([]byte(in.Kind))
	if in.Schema < 1 || in.Schema > Version || !ok || !Identifiers.Has(field) ||
		in.Pseudonym == "" || strings.Contains(in.Pseudonym, "/") || in.At.IsZero() {
		return Receipt{}, fmt.Errorf("cannot decode receipt: %w", errNotReceipt)
	}
	return Receipt{
		Field: field, Pseudonym: in.Pseudonym, At: in.At, Site: in.Site, Policy: in.Policy, Agreed: in.Agreed,
		Jurisdiction: in.Jurisdiction, Purposes: PurposesOf(in.Purposes...), Signals: in.Signals,
	}, nil
}
