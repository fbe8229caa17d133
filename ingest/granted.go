package ingest

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"sekisho/schemas"
)

// granted is what the visitor cookie says beside the identifier: on which sites
// for which purposes consent was there, and since when there was that much, by
// the client's clock. So a collector that keeps nothing knows a refusal from a
// withdrawal. It begins with consent and ends with the identifier, of which it
// is no part.
//
// It is entries of nine bytes, the latest site last, in base64url: three of the
// site's hash, and six of the time in milliseconds with the purposes behind it in
// three bits.
type granted string

const (
	grantBytes = 9
	grantLen   = 12 // in base64
	// maxGrants is of how many sites it tells: with an identifier it is 119 bytes,
	// so that the whole cookie can be given wherever a visitor id can.
	maxGrants = 8
)

// of returns what was granted on a site, and since when.
func (g granted) of(site string) (purposes schemas.Purposes, since time.Time) {
	mark := siteMark(site)
	for entry := range g.entries {
		if [3]byte(entry[:3]) == mark {
			return entry.says()
		}
	}
	return 0, time.Time{}
}

// first returns since when the oldest of the grants was there.
func (g granted) first() (since time.Time, ok bool) {
	for entry := range g.entries {
		if _, at := entry.says(); !ok || at.Before(since) {
			since, ok = at, true
		}
	}
	return since, ok
}

// grant is what was granted on a site.
type grant [grantBytes]byte

func (g granted) entries(yield func(grant) bool) {
	for ; len(g) >= grantLen; g = g[grantLen:] {
		var entry grant
		if n, err := base64.RawURLEncoding.Decode(entry[:], []byte(g[:grantLen])); err == nil && n == grantBytes && !yield(entry) {
			return
		}
	}
}

func (g grant) says() (purposes schemas.Purposes, since time.Time) {
	packed := uint64(g[3])<<40 | uint64(binary.BigEndian.Uint32(g[4:8]))<<8 | uint64(g[8])
	return schemas.Purposes(packed&7) << 1, time.UnixMilli(int64(packed >> 3))
}

// with returns it with an entry for the site, in place of an older one.
func (g granted) with(site string, purposes schemas.Purposes, since time.Time) granted {
	mark := siteMark(site)
	entry := append(mark[:], make([]byte, grantBytes-len(mark))...)
	packed := uint64(since.UnixMilli())<<3 | uint64(purposes&schemas.OptionalPurposes)>>1
	entry[3] = byte(packed >> 40)
	binary.BigEndian.PutUint32(entry[4:8], uint32(packed>>8))
	entry[8] = byte(packed)
	latest := granted(base64.RawURLEncoding.EncodeToString(entry))
	var others granted
	for ; len(g) >= grantLen; g = g[grantLen:] {
		if g[:4] != latest[:4] {
			others += g[:grantLen]
		}
	}
	if len(others) > (maxGrants-1)*grantLen {
		others = others[len(others)-(maxGrants-1)*grantLen:]
	}
	return others + latest
}

// siteMark is what stands for a site: of its FNV-1a hash, without the
// allocations of hash/fnv.
func siteMark(site string) [3]byte {
	sum := uint32(2166136261)
	for i := 0; i < len(site); i++ {
		sum = (sum ^ uint32(site[i])) * 16777619
	}
	return [3]byte{byte(sum >> 16), byte(sum >> 8), byte(sum)}
}
