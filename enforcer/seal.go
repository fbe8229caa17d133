package enforcer

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"strings"
	"sync"

	"sekisho/enforcer/registry"
	"sekisho/schemas"
)

// sealer seals the identifiers that a recipient may have as they came, so that
// they stand in no record in clear: AES-256-GCM, bound to the recipient and the
// field. The nonce is a keyed hash of what is sealed, AES-CMAC as in SIV (RFC 5297): it
// needs no randomness, does not run out however much is sealed, and repeats only
// with the identifier itself, which the pseudonym in the same record shows too.
type sealer struct {
	nonces  *registry.Hasher
	aead    cipher.AEAD
	buffers sync.Pool
}

// sealBuffer has the additional data with the text behind it, and what is made
// of it.
type sealBuffer struct{ in, out []byte }

func newSealer(secret []byte) (*sealer, error) {
	block, err := aes.NewCipher(derived(secret, "sekisho seal"))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonces, err := registry.NewHasher(derived(secret, "sekisho seal nonce"))
	if err != nil {
		return nil, err
	}
	return &sealer{
		nonces: nonces, aead: aead,
		buffers: sync.Pool{New: func() any { return new(sealBuffer) }},
	}, nil
}

// bind begins the additional data.
func (s *sealBuffer) bind(recipient string, f schemas.Field) []byte {
	s.in = append(append(append(s.in[:0], recipient...), 0), f.String()...)
	s.in = append(s.in, 0)
	return s.in
}

// appendSealed appends an identifier for the recipient's eyes: the key's id,
// ".", and the nonce and the sealed text in base64url.
func (k *Keys) appendSealed(b []byte, recipient string, f schemas.Field, text string) []byte {
	s := k.seal.buffers.Get().(*sealBuffer)
	data := len(s.bind(recipient, f))
	s.in = append(s.in, text...)
	sum := k.seal.nonces.Sum(share(s.in[:data]), text).Bytes()
	s.out = append(s.out[:0], sum[:k.seal.aead.NonceSize()]...)
	s.out = k.seal.aead.Seal(s.out, s.out, s.in[data:], s.in[:data])
	b = append(append(b, k.id...), '.')
	b = base64.RawURLEncoding.AppendEncode(b, s.out)
	clear(s.in)
	k.seal.buffers.Put(s)
	return b
}

// Open returns an identifier that a record bears sealed for the recipient, as it
// came; false when it is not sealed for this recipient and field under a live key.
func (r *RecipientKeys) Open(f schemas.Field, sealed string) (text string, ok bool) {
	id, encoded, _ := strings.Cut(sealed, ".")
	sealer := r.seals[id]
	if sealer == nil {
		return "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	size := sealer.aead.NonceSize()
	if err != nil || len(b) < size {
		return "", false
	}
	data := new(sealBuffer).bind(r.name, f)
	opened, err := sealer.aead.Open(nil, b[:size], b[size:], data)
	return string(opened), err == nil
}
