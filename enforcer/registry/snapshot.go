package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A snapshot is, with all numbers little-endian:
//
//	header   magic, version uint32, n uint32, position [n]byte, checksum
//	section  shard uint32, n uint64, n × (head uint64, tail uint64), checksum
//	end      256 uint32, entries of all sections uint64, checksum
//
// There is a section for each shard that has entries, in order. A checksum is the
// CRC-32C of its part. Another shape of heads or tails, or another number of
// shards, is another version.
const (
	magic           = "sekisho\x00"
	snapshotVersion = 1
	prefixLen       = len(magic) + 4 + 4
	sectionLen      = 4 + 8
	entryLen        = 16

	// MaxPosition is the greatest length of a snapshot's position, in bytes.
	MaxPosition = 1 << 20
)

// ErrUnusable is in the error of ReadSnapshot when the snapshot and not the
// reader is at fault: it is truncated, damaged, or of another version. The set
// must then be built from its source.
var ErrUnusable = errors.New("the snapshot cannot be used; remove it, and the registry is built anew")

// WriteSnapshot writes the set and a position, which is the caller's own note
// of what the set reflects. It holds up neither readers nor writers: the
// snapshot has every entry whose Add returned before the call, and perhaps later
// ones. So the position is taken before, and what came after it is added again
// when the snapshot is read.
//
// The caller should put into the position which keys the hashes were made with
// ([Hasher.KeyID]): a set of hashes under another key holds nobody back.
func (s *Set) WriteSnapshot(w io.Writer, position []byte) error {
	if len(position) > MaxPosition {
		return fmt.Errorf("cannot write registry snapshot: the position has %d bytes, want at most %d", len(position), MaxPosition)
	}
	part := append([]byte(nil), magic...)
	part = binary.LittleEndian.AppendUint32(part, snapshotVersion)
	part = binary.LittleEndian.AppendUint32(part, uint32(len(position)))
	part = append(part, position...)
	if err := writePart(w, part); err != nil {
		return err
	}
	total := 0
	for shard := range s.shards {
		t := s.shards[shard].Load()
		if t == nil {
			continue
		}
		part = append(part[:0], make([]byte, sectionLen)...)
		for head, tail := range t.each {
			part = binary.LittleEndian.AppendUint64(part, head)
			part = binary.LittleEndian.AppendUint64(part, tail)
		}
		entries := (len(part) - sectionLen) / entryLen
		total += entries
		putSection(part, shard, entries)
		if err := writePart(w, part); err != nil {
			return err
		}
	}
	part = part[:sectionLen]
	putSection(part, numShards, total)
	return writePart(w, part)
}

func putSection(part []byte, shard, entries int) {
	binary.LittleEndian.PutUint32(part, uint32(shard))
	binary.LittleEndian.PutUint64(part[4:], uint64(entries))
}

func writePart(w io.Writer, part []byte) error {
	part = binary.LittleEndian.AppendUint32(part, checksum(part))
	if _, err := w.Write(part); err != nil {
		return fmt.Errorf("cannot write registry snapshot: %w", err)
	}
	return nil
}

func checksum(part []byte) uint32 {
	return crc32.Checksum(part, crc32.MakeTable(crc32.Castagnoli))
}
