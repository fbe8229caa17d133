package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/pierrec/lz4/v4"

	"sekisho/schemas"
)

// encoder writes batches as Kafka has them: record batches of version 2 (KIP-98),
// which every broker since 0.11 takes. The client would make one from a list of
// records, too, at several times the cost.
type encoder struct {
	out     []byte // the record batch, with its length before it
	records []byte // those of a batch that is compressed
	lz4     *lz4.Writer
	reader  bytes.Reader // of out, for the client
}

func newEncoder() *encoder {
	z := lz4.NewWriter(io.Discard)
	// The batch has a checksum of its own. Smaller blocks than the usual ones of
	// 4 MiB take less memory here and wherever they are read.
	err := z.Apply(lz4.ChecksumOption(false), lz4.BlockSizeOption(lz4.Block256Kb))
	if err != nil {
		panic(err) // the options are constants
	}
	return &encoder{lz4: z}
}

// Places in a record batch, from the length before it on.
const (
	atBase    = 4 // the offset of the first record, which the broker sets
	atLength  = atBase + 8
	atEpoch   = atLength + 4
	atMagic   = atEpoch + 4
	atCRC     = atMagic + 1
	atKind    = atCRC + 4 // attributes, of which the lowest bits are the compression
	atLast    = atKind + 2
	atFirst   = atLast + 4
	atLatest  = atFirst + 8
	atID      = atLatest + 8 // of the producer, its epoch and its sequence: none
	atCount   = atID + 8 + 2 + 4
	atRecords = atCount + 4

	compressedLZ4 = 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode returns the batch with accounts at its end, valid until the next call.
// There must be at least one record.
func (e *encoder) encode(b *batch, accounts []account, now time.Time) (io.Reader, error) {
	compress := b.size >= minCompressed
	e.out = append(e.out[:0], make([]byte, atRecords)...)
	to := &e.out
	if compress {
		e.records = e.records[:0]
		to = &e.records
	}
	first, latest := int64(0), int64(0)
	n := 0
	at := func(t time.Time) (delta int64) {
		ms := t.UnixMilli()
		if n == 0 {
			first, latest = ms, ms
		}
		latest = max(latest, ms)
		return ms - first
	}
	for i := range b.records {
		r := &b.records[i]
		*to = appendRecord(*to, n, at(notAhead(r.time, now)), b.bytes[r.key:r.value], b.bytes[r.value:r.end], eventHeaders)
		n++
	}
	for i := range accounts {
		a := &accounts[i]
		*to = appendRecord(*to, n, at(notAhead(a.time, now)), nil, a.value, accountHeaders, a.id[:]...)
		n++
	}
	if compress {
		if err := e.compress(); err != nil {
			return nil, err
		}
	}
	h := e.out
	binary.BigEndian.PutUint32(h, uint32(len(h)-atBase))
	binary.BigEndian.PutUint32(h[atLength:], uint32(len(h)-atEpoch))
	binary.BigEndian.PutUint32(h[atEpoch:], 1<<32-1) // of the leader, which the broker sets
	h[atMagic] = 2
	if compress {
		h[atKind+1] = compressedLZ4
	}
	binary.BigEndian.PutUint32(h[atLast:], uint32(n-1))
	binary.BigEndian.PutUint64(h[atFirst:], uint64(first))
	binary.BigEndian.PutUint64(h[atLatest:], uint64(latest))
	for i := atID; i < atCount; i++ {
		h[i] = 0xff
	}
	binary.BigEndian.PutUint32(h[atCount:], uint32(n))
	binary.BigEndian.PutUint32(h[atCRC:], crc32.Checksum(h[atKind:], castagnoli))
	e.reader.Reset(h)
	return &e.reader, nil
}

func (e *encoder) compress() error {
	out := bytes.NewBuffer(e.out)
	e.lz4.Reset(out)
	_, err := e.lz4.Write(e.records)
	if err == nil {
		err = e.lz4.Close()
	}
	if err != nil {
		return fmt.Errorf("cannot compress a batch: %w", err)
	}
	e.out = out.Bytes()
	return nil
}

// appendRecord appends a record (KIP-98). A nil key is none; the value of the
// last header follows the headers.
func appendRecord(b []byte, n int, delta int64, key, value, headers []byte, last ...byte) []byte {
	keySize := int64(len(key))
	if key == nil {
		keySize = -1
	}
	size := 1 + varintSize(delta) + varintSize(int64(n)) + varintSize(keySize) + len(key) +
		varintSize(int64(len(value))) + len(value) + len(headers) + len(last)
	b = binary.AppendVarint(b, int64(size))
	b = append(b, 0) // attributes: none are defined
	b = binary.AppendVarint(b, delta)
	b = binary.AppendVarint(b, int64(n))
	b = append(binary.AppendVarint(b, keySize), key...)
	b = append(binary.AppendVarint(b, int64(len(value))), value...)
	b = append(b, headers...)
	return append(b, last...)
}

// varintSize is how many bytes binary.AppendVarint takes.
func varintSize(n int64) int {
	size := 1
	for u := uint64(n<<1) ^ uint64(n>>63); u >= 0x80; u >>= 7 {
		size++
	}
	return size
}

// The headers of messages on the events topic, encoded. Of an account's, the value
// of the last one is missing.
var (
	eventHeaders = appendHeaders(nil, 2,
		schemas.HeaderKind, schemas.KindEvent, schemas.HeaderSchema, schemaVersion)
	accountHeaders = appendAccountHeaders()
)

func appendAccountHeaders() []byte {
	b := appendHeaders(nil, 3, schemas.HeaderKind, schemas.KindAccount, schemas.HeaderSchema, schemaVersion)
	b = append(binary.AppendVarint(b, int64(len(schemas.HeaderBatch))), schemas.HeaderBatch...)
	return binary.AppendVarint(b, int64(len(account{}.id)))
}

// appendHeaders appends how many headers there are, and names and values of some.
func appendHeaders(b []byte, count int64, texts ...string) []byte {
	b = binary.AppendVarint(b, count)
	for _, text := range texts {
		b = append(binary.AppendVarint(b, int64(len(text))), text...)
	}
	return b
}

// notAhead returns a time of which Kafka takes a message. Clocks of clients are
// ahead, and so was ours where it was set back since, as of an account that had to
// wait; and for a message of the future Kafka refuses the whole batch. The hour that
// has begun is as coarse as what is anonymised is.
func notAhead(t, now time.Time) time.Time {
	if t.After(now) {
		return now.Truncate(time.Hour)
	}
	return t
}
