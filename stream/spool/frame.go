package spool

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	headSize   = 16
	prefixSize = 12 // of a body, before the record
	frameSize  = headSize + prefixSize

	recordMagic = 'S' | 'K'<<8 | 'R'<<16 | '1'<<24
	sealMagic   = 'S' | 'K'<<8 | 'E'<<16 | '1'<<24
)

// MaxRecord is the longest record, in bytes.
const MaxRecord = 8 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends a record's frame, which will be at an offset of a segment.
func appendFrame(b []byte, segment uint64, offset int64, lane uint32, at int64, record []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, headSize)...)
	b = binary.LittleEndian.AppendUint32(b, lane)
	b = binary.LittleEndian.AppendUint64(b, uint64(at))
	b = append(b, record...)
	putHead(b[start:], recordMagic, crc32.Checksum(b[start+headSize:], castagnoli), segment, offset)
	return b
}

// appendSeal appends the frame that ends a segment.
func appendSeal(b []byte, segment uint64, offset int64) []byte {
	start := len(b)
	b = append(b, make([]byte, headSize)...)
	putHead(b[start:], sealMagic, 0, segment, offset)
	return b
}

func putHead(frame []byte, magic, check uint32, segment uint64, offset int64) {
	binary.LittleEndian.PutUint32(frame, magic)
	binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-headSize))
	binary.LittleEndian.PutUint32(frame[8:], check)
	binary.LittleEndian.PutUint32(frame[12:], headCheck(frame, segment, offset))
}

func headCheck(head []byte, segment uint64, offset int64) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], segment)
	binary.LittleEndian.PutUint64(place[8:], uint64(offset))
	return crc32.Update(crc32.Checksum(head[:12], castagnoli), castagnoli, place[:])
}

// head is a frame's beginning.
type head struct {
	seal   bool
	length int // of the body
	check  uint32
}

// readHead reads a frame's head, and reports whether there is one.
func readHead(b []byte, segment uint64, offset int64) (h head, ok bool) {
	if len(b) < headSize {
		return h, false
	}
	magic, length := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	h = head{seal: magic == sealMagic, length: int(length), check: binary.LittleEndian.Uint32(b[8:])}
	switch {
	case magic != recordMagic && magic != sealMagic,
		h.seal && length != 0,
		!h.seal && (length < prefixSize || length > prefixSize+MaxRecord),
		binary.LittleEndian.Uint32(b[12:]) != headCheck(b, segment, offset):
		return h, false
	}
	return h, true
}

// found is a record in a segment.
type found struct {
	offset int64
	size   int // of the frame
	lane   uint32
	at     int64
}

// readFrame reads a record's frame, and reports whether all of it is there and
// as it was written.
func readFrame(b []byte, segment uint64, offset int64) (f found, record []byte, ok bool) {
	h, ok := readHead(b, segment, offset)
	if !ok || h.seal || len(b) < headSize+h.length {
		return f, nil, false
	}
	body := b[headSize : headSize+h.length]
	if crc32.Checksum(body, castagnoli) != h.check {
		return f, nil, false
	}
	return found{
		offset: offset, size: headSize + h.length,
		lane: binary.LittleEndian.Uint32(body), at: int64(binary.LittleEndian.Uint64(body[4:])),
	}, body[prefixSize:], true
}
