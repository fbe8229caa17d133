package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// The names of a segment's files.
const (
	openSuffix    = ".open"
	sealedSuffix  = ".seg"
	doneSuffix    = ".done"
	damagedSuffix = ".damaged"
)

func fileName(number uint64, suffix string) string { return fmt.Sprintf("%016x%s", number, suffix) }

// numberOf returns the number in the name of a segment's file.
func numberOf(name string) (number uint64, suffix string, ok bool) {
	digits, _, _ := strings.Cut(name, ".")
	suffix = name[len(digits):]
	digits, _, _ = strings.Cut(digits, "-") // the offset of what is damaged
	number, err := strconv.ParseUint(digits, 16, 64)
	return number, suffix, err == nil && len(digits) == 16
}

// segment is a file of records. Its fields are guarded by the spool's lock.
type segment struct {
	number  uint64
	suffix  string
	size    int64 // of what is synced
	cost    int64 // that it counts against the limit
	left    int   // records that are not done
	writing bool
	damage  []extent // not set aside yet
	// unreadable: the disk does not give all of it, so the file is kept.
	unreadable bool
	journal    File
}

func (s *segment) name() string { return fileName(s.number, s.suffix) }

const doneSize = 8

func appendDone(b []byte, segment uint64, offset uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, offset)
	return binary.LittleEndian.AppendUint32(b, doneCheck(segment, offset))
}

func doneCheck(segment uint64, offset uint32) uint32 {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[:], segment)
	binary.LittleEndian.PutUint32(b[8:], offset)
	return crc32.Checksum(b[:], castagnoli)
}

// doneOf reads a journal. An entry that does not check is left out: its record
// comes out once more.
func doneOf(data []byte, segment uint64) map[int64]bool {
	done := map[int64]bool{}
	for ; len(data) >= doneSize; data = data[doneSize:] {
		offset := binary.LittleEndian.Uint32(data)
		if binary.LittleEndian.Uint32(data[4:]) == doneCheck(segment, offset) {
			done[int64(offset)] = true
		}
	}
	return done
}
