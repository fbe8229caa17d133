package enforcer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"sync"
)

// mac is HMAC-SHA-256 under a key derived for one use. Safe for concurrent use.
//
// It has the hash's states after each of the two blocks that are made of the key, as
// FIPS 198-1 allows in its section 6, and pads what is hashed itself, so that
// little is copied: package hmac takes a third longer for the few bytes of an
// identifier.
type mac struct{ inner, outer []byte }

// digest is SHA-256 of which the state can be had and set.
type digest interface {
	hash.Hash
	encoding.BinaryUnmarshaler
	encoding.BinaryAppender
}

// macState is what a sum is made in, reused by all keys.
type macState struct {
	digest
	in    []byte                 // what is hashed
	outer [sha256.BlockSize]byte // the sum of that, padded
	state [128]byte              // of the digest
}

var macStates = sync.Pool{New: func() any {
	s := &macState{digest: sha256.New().(digest)}
	pad(s.outer[:sha256.Size], sha256.BlockSize)
	return s
}}

func newMAC(secret []byte, use string) *mac {
	key := derived(secret, use)
	after := func(mask byte) []byte {
		var block [sha256.BlockSize]byte
		copy(block[:], key)
		for i := range block {
			block[i] ^= mask
		}
		d := sha256.New().(digest)
		d.Write(block[:])
		state, err := d.AppendBinary(nil)
		if err != nil {
			panic(err) // it never fails
		}
		return state
	}
	return &mac{inner: after(0x36), outer: after(0x5c)}
}

// derived returns the key of 32 bytes for one use of a secret.
func derived(secret []byte, use string) []byte {
	derive := hmac.New(sha256.New, secret)
	derive.Write([]byte(use))
	return derive.Sum(nil)
}

func (m *mac) sum(kind byte, text string) (sum [sha256.Size]byte) {
	s := macStates.Get().(*macState)
	s.in = pad(append(append(s.in[:0], kind), text...), sha256.BlockSize)
	copy(s.outer[:], s.after(m.inner, s.in))
	clear(s.in)
	copy(sum[:], s.after(m.outer, s.outer[:]))
	macStates.Put(s)
	return sum
}

// after returns the sum of whole blocks that come after a state.
func (s *macState) after(state, blocks []byte) []byte {
	const magic = 4 // bytes; the words of the sum follow
	if err := s.UnmarshalBinary(state); err != nil {
		panic(err) // it is its own
	}
	s.Write(blocks)
	marshalled, _ := s.AppendBinary(s.state[:0])
	return marshalled[magic : magic+sha256.Size]
}

// pad pads a text to whole blocks (FIPS 180-4, section 5.1.1), of which so many
// bytes have been hashed before.
func pad(text []byte, before int) []byte {
	const lengthBytes = 8
	var zeros [sha256.BlockSize]byte
	length := before + len(text)
	text = append(text, 0x80)
	if rest := (len(text) + lengthBytes) % sha256.BlockSize; rest > 0 {
		text = append(text, zeros[rest:]...)
	}
	return binary.BigEndian.AppendUint64(text, uint64(length)*8)
}
