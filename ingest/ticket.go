package ingest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Ticket names resets by their place on the resets topic, so that whoever asked
// for them can ask how far they are. It tells nobody whose they are.
type Ticket struct {
	// From and To (excluded) are the offsets of the resets. Others' resets may
	// be among those of a long run.
	From, To int64
	// At is when the last of them was acknowledged.
	At time.Time
	// Many: they are of a file, of which the first ones may have been acknowledged,
	// and carried out, long before.
	Many bool
}

// Tickets seals tickets: what is not sealed under the deployment's secret is no
// ticket, and a sealed one tells nothing, not even how many resets there are.
// Safe for concurrent use.
type Tickets struct{ aead cipher.AEAD }

// NewTickets derives the key from the registry's secret, which every process
// that answers for a ticket has.
func NewTickets(secret []byte) (*Tickets, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "sekisho reset ticket", 32)
	if err != nil {
		return nil, fmt.Errorf("cannot derive the key of tickets: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the key of tickets: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("cannot use the key of tickets: %w", err)
	}
	return &Tickets{aead}, nil
}

const ticketLen = 3 * 8

// Seal returns the ticket's text, 72 letters that need no escaping in a URL.
func (t *Tickets) Seal(k Ticket) string {
	var b [ticketLen]byte
	from := k.From
	if k.Many {
		from = ^from // below 0, which no offset is
	}
	binary.BigEndian.PutUint64(b[0:], uint64(from))
	binary.BigEndian.PutUint64(b[8:], uint64(k.To))
	binary.BigEndian.PutUint64(b[16:], uint64(k.At.UnixMilli()))
	for {
		// None begins with "-": a command would take it for an option.
		if text := base64.RawURLEncoding.EncodeToString(t.aead.Seal(nil, nil, b[:], nil)); text[0] != '-' {
			return text
		}
	}
}

// ErrNoTicket: the text is no ticket of this deployment.
var ErrNoTicket = errors.New("this is no ticket of a reset, or not of this deployment")

// Open reads a ticket's text.
func (t *Tickets) Open(text string) (Ticket, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Ticket{}, ErrNoTicket
	}
	b, err := t.aead.Open(nil, nil, sealed, nil)
	if err != nil || len(b) != ticketLen {
		return Ticket{}, ErrNoTicket
	}
	k := Ticket{
		From: int64(binary.BigEndian.Uint64(b[0:])), To: int64(binary.BigEndian.Uint64(b[8:])),
		At: time.UnixMilli(int64(binary.BigEndian.Uint64(b[16:]))).UTC(),
	}
	if k.From < 0 {
		k.From, k.Many = ^k.From, true
	}
	return k, nil
}
