package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sekisho/schemas"
)

// madeOf makes a batch and accounts out of bytes, and what a consumer is to see.
func madeOf(data []byte, now time.Time) (*batch, []account, []kafka.Record) {
	b := &batch{}
	var accounts []account
	var want []kafka.Record
	take := func(n int) (taken []byte) {
		n = min(n, len(data))
		taken, data = data[:n:n], data[n:]
		return taken
	}
	number := func() (n uint64) {
		for _, c := range take(2) {
			n = n<<8 | uint64(c)
		}
		return n
	}
	text := func(b []byte) protocol.Bytes {
		if b == nil {
			return nil
		}
		return protocol.NewBytes(b)
	}
	header := func(kind string) []kafka.Header {
		return []kafka.Header{{Key: schemas.HeaderKind, Value: []byte(kind)}, {Key: schemas.HeaderSchema, Value: []byte(schemaVersion)}}
	}
	for len(data) > 0 {
		kind, ago := number(), time.Duration(number())*time.Duration(1+number())*time.Millisecond
		at := now.Add(-ago).Truncate(time.Millisecond)
		key, value := append([]byte("k"), take(int(kind%64))...), bytes.Repeat(take(1+int(kind>>3)%100), 1+int(kind>>8)%30)
		if kind%5 == 0 {
			if kind%3 == 0 {
				at = now.Add(ago + 2*time.Hour) // the clock was set back since
			}
			a := account{time: at.Truncate(time.Minute), value: value}
			copy(a.id[:], key)
			accounts = append(accounts, a)
			continue
		}
		if kind%7 == 0 {
			at = now.Add(ago + time.Second) // a clock that is ahead
		}
		r := record{key: len(b.bytes), time: at}
		b.bytes = append(b.bytes, key...)
		r.value = len(b.bytes)
		b.bytes = append(b.bytes, value...)
		r.end = len(b.bytes)
		b.records = append(b.records, r)
		b.size += 80 + len(key) + len(value)
		want = append(want, kafka.Record{Time: notAhead(at, now), Key: text(key), Value: text(value), Headers: header(schemas.KindEvent)})
	}
	for i := range accounts {
		want = append(want, kafka.Record{
			Time: notAhead(accounts[i].time, now), Value: text(accounts[i].value),
			Headers: append(header(schemas.KindAccount), kafka.Header{Key: schemas.HeaderBatch, Value: accounts[i].id[:]}),
		})
	}
	return b, accounts, want
}

// checkEncoded compares a batch with what the Kafka client makes of the same
// records, byte by byte, or, where it is compressed, with what it reads.
func checkEncoded(t *testing.T, e *encoder, data []byte) {
	t.Helper()
	now := time.UnixMilli(1790000000000)
	b, accounts, want := madeOf(data, now)
	if len(want) == 0 {
		return
	}
	reader, err := e.encode(b, accounts, now)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(reader)
	if sum := crc32.Checksum(got[atKind:], crc32.MakeTable(crc32.Castagnoli)); binary.BigEndian.Uint32(got[atCRC:]) != sum {
		t.Fatal("the checksum is wrong")
	}
	if b.size < minCompressed {
		var theirs bytes.Buffer
		set := protocol.RecordSet{Version: 2, Records: protocol.NewRecordReader(want...)}
		if _, err := set.WriteTo(&theirs); err != nil {
			t.Fatal(err)
		}
		for _, r := range want { // they have been read
			for _, text := range []protocol.Bytes{r.Key, r.Value} {
				if text != nil {
					_, _ = text.(io.Seeker).Seek(0, io.SeekStart)
				}
			}
		}
		if !bytes.Equal(got, theirs.Bytes()) {
			t.Fatalf("the batch is\n%x, the client's is\n%x", got, theirs.Bytes())
		}
	}
	var set protocol.RecordSet
	if _, err := set.ReadFrom(bytes.NewReader(got)); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		r, err := set.Records.ReadRecord()
		if err != nil {
			t.Fatal(err)
		}
		if r.Offset != int64(i) || !r.Time.Equal(want[i].Time) || (r.Key == nil) != (want[i].Key == nil) ||
			!bytes.Equal(all(r.Key), all(want[i].Key)) || !bytes.Equal(all(r.Value), all(want[i].Value)) ||
			!slices.EqualFunc(r.Headers, want[i].Headers, func(a, b kafka.Header) bool {
				return a.Key == b.Key && bytes.Equal(a.Value, b.Value)
			}) {
			t.Fatalf("record %d of %d is read as %+v, want %+v", i, len(want), r, want[i])
		}
	}
	if _, err := set.Records.ReadRecord(); !errors.Is(err, io.EOF) {
		t.Fatal("there are more records")
	}
}

func all(text protocol.Bytes) []byte {
	b, _ := protocol.ReadAll(text)
	return b
}

func TestRecordBatch(t *testing.T) {
	e := newEncoder()
	random := rand.New(rand.NewPCG(1, 2))
	compressed := 0
	for range 500 {
		data := make([]byte, 1+random.IntN(1<<(4+random.IntN(10))))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		checkEncoded(t, e, data)
		if b, _, _ := madeOf(data, time.Now()); b.size >= minCompressed {
			compressed++
		}
	}
	if compressed < 50 || compressed > 450 {
		t.Errorf("%d of 500 batches were compressed", compressed)
	}
}

func FuzzRecordBatch(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x02\x00\x03key and value, which come in any number"))
	f.Add(bytes.Repeat([]byte("\xff\x0b\x01\x02\x03\x04 a batch that is compressed "), 40))
	e := newEncoder()
	f.Fuzz(func(t *testing.T, data []byte) { checkEncoded(t, e, data) })
}

func BenchmarkRecordBatch(b *testing.B) {
	for name, records := range map[string]int{"6 records": 6, "200 records, compressed": 200} {
		b.Run(name, func(b *testing.B) {
			from := &batch{}
			value := bytes.Repeat([]byte(`"url":"https://shop.example.jp/items/1",`), 25)
			for range records {
				r := record{key: len(from.bytes), time: time.Now()}
				from.bytes = append(from.bytes, "k1.0123456789abcdef0123456789abcdef"...)
				r.value = len(from.bytes)
				from.bytes = append(from.bytes, value...)
				r.end = len(from.bytes)
				from.records = append(from.records, r)
				from.size += 80 + len(value)
			}
			accounts := []account{{id: uuid.New(), time: time.Now(), value: value[:200]}}
			e := newEncoder()
			b.ReportAllocs()
			b.SetBytes(int64(len(from.bytes)))
			for b.Loop() {
				if _, err := e.encode(from, accounts, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
