package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
	"unsafe"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
)

// records reads record batches as Kafka keeps them and sends them, of version 2,
// which Kafka has had since 0.11. Messages share memory with what they are read
// from, or with what that was decompressed to.
type records struct {
	topic     string
	partition int
	mark      int64 // high water mark of the partition
	rest      []byte
	plain     *bytes.Buffer // to decompress in; each its own when nil
}

const (
	appendTime    = 0x08 // an attribute: messages have the time of the broker
	control       = 0x20 // there are no messages, but marks of transactions
	compressions  = 0x07
	maxHeaders    = 64 // of a message
	leastMessage  = 7  // bytes
	maxBatchBytes = 1 << 30

	batchHead = atRecords - atBase
)

var errBatch = errors.New("a batch from Kafka is damaged")

// length returns the length of the batch that comes first, 0 when there is none, as
// there is none where Kafka cut one off.
func (r *records) length() (int, error) {
	if len(r.rest) < batchHead {
		return 0, nil
	}
	if version := r.rest[atMagic-atBase]; version != 2 {
		return 0, fmt.Errorf("%w: it has version %d; only version 2 can be read", errBatch, version)
	}
	length := atEpoch - atBase + int64(int32(binary.BigEndian.Uint32(r.rest[atLength-atBase:])))
	switch {
	case length < batchHead:
		return 0, errBatch
	case length > int64(len(r.rest)):
		return 0, nil
	}
	return int(length), nil
}

// end returns the offset after all that is there; offset when that is nothing.
func (r *records) end(offset int64) (int64, error) {
	for ahead := *r; ; {
		length, err := ahead.length()
		if length == 0 {
			r.rest = r.rest[:len(r.rest)-len(ahead.rest)]
			return offset, err
		}
		offset = max(offset, afterBatch(ahead.rest))
		ahead.rest = ahead.rest[length:]
	}
}

func afterBatch(head []byte) int64 {
	return int64(binary.BigEndian.Uint64(head)) + int64(binary.BigEndian.Uint32(head[atLast-atBase:])) + 1
}

// next appends the messages of the next batch from offset on, and returns the
// offset after the batch. When there is none, as there is none behind one that
// Kafka cut off, it is the offset given.
func (r *records) next(messages []kafka.Message, offset int64) ([]kafka.Message, int64, error) {
	length, err := r.length()
	if length == 0 {
		r.rest = nil
		return messages, offset, err
	}
	big, head := binary.BigEndian, r.rest
	batch := r.rest[:length]
	if crc32.Checksum(batch[atKind-atBase:], castagnoli) != big.Uint32(head[atCRC-atBase:]) {
		return messages, offset, fmt.Errorf("%w: its checksum is wrong", errBatch)
	}
	attributes, after := big.Uint16(head[atKind-atBase:]), afterBatch(head)
	d := messageDecoder{records: r, base: int64(big.Uint64(head)), time: int64(big.Uint64(head[atFirst-atBase:])), from: offset}
	if attributes&appendTime != 0 {
		d.brokers, d.time = true, int64(big.Uint64(head[atLatest-atBase:]))
	}
	r.rest = r.rest[length:]
	if attributes&control != 0 {
		return messages, max(after, offset), nil
	}
	body, err := r.decompress(batch[batchHead:], compress.Compression(attributes&compressions))
	if err != nil {
		return messages, offset, err
	}
	messages, err = d.decode(messages, body, int(int32(big.Uint32(head[atCount-atBase:]))))
	return messages, max(after, offset), err
}

// decompress returns what was compressed, in memory of its own size.
func (r *records) decompress(body []byte, method compress.Compression) ([]byte, error) {
	if method == compress.None {
		return body, nil
	}
	codec := method.Codec()
	if codec == nil {
		return nil, fmt.Errorf("%w: its compression is not known", errBatch)
	}
	reader := codec.NewReader(bytes.NewReader(body))
	defer reader.Close()
	if r.plain == nil {
		r.plain = new(bytes.Buffer)
	}
	r.plain.Reset()
	n, err := r.plain.ReadFrom(io.LimitReader(reader, maxBatchBytes))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBatch, err)
	}
	if n == maxBatchBytes {
		return nil, fmt.Errorf("%w: it is larger than 1 GiB", errBatch)
	}
	return bytes.Clone(r.plain.Bytes()), nil
}

// messageDecoder decodes the messages of one batch.
type messageDecoder struct {
	*records
	base, time int64 // of which messages have the differences
	brokers    bool  // all have that time
	from       int64 // offset of the first that is wanted
	left       []byte
	headers    []kafka.Header // of all messages
	bad        bool
}

func (d *messageDecoder) decode(messages []kafka.Message, body []byte, n int) ([]kafka.Message, error) {
	if n < 0 || n > len(body)/leastMessage {
		return messages, errBatch
	}
	d.left = body
	for range n {
		_, _ = d.number(), d.take(1) // the message's length, and attributes of which it has none
		t := d.time
		if since := d.number(); !d.brokers {
			t += since
		}
		m := kafka.Message{
			Topic: d.topic, Partition: d.partition, HighWaterMark: d.mark,
			Offset: d.base + d.number(), Time: time.UnixMilli(t), Key: d.bytes(), Value: d.bytes(), Headers: d.messageHeaders(),
		}
		if d.bad {
			return messages, errBatch
		}
		if m.Offset >= d.from {
			messages = append(messages, m)
		}
	}
	return messages, nil
}

// number reads a variable-length number in zigzag form.
func (d *messageDecoder) number() int64 {
	n, size := binary.Varint(d.left)
	if size <= 0 {
		d.bad, d.left = true, nil
		return 0
	}
	d.left = d.left[size:]
	return n
}

func (d *messageDecoder) take(n int64) []byte {
	if n < 0 || n > int64(len(d.left)) {
		d.bad, d.left = true, nil
		return nil
	}
	b := d.left[:n:n]
	d.left = d.left[n:]
	return b
}

// bytes reads a length and as many bytes, nil where the length is -1.
func (d *messageDecoder) bytes() []byte {
	n := d.number()
	if n == -1 {
		return nil
	}
	return d.take(n)
}

func (d *messageDecoder) messageHeaders() []kafka.Header {
	n := d.number()
	if n < 0 || n > maxHeaders {
		d.bad = true
		return nil
	}
	if n > int64(cap(d.headers)-len(d.headers)) {
		d.headers = make([]kafka.Header, 0, max(2*cap(d.headers), 256))
	}
	start := len(d.headers)
	for range n {
		name := d.bytes()
		d.headers = append(d.headers, kafka.Header{Key: unsafe.String(unsafe.SliceData(name), len(name)), Value: d.bytes()})
	}
	return d.headers[start:len(d.headers):len(d.headers)]
}
