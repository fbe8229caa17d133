package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// batchesOf has messages written to a topic of one partition, some batches in each
// of the compressions, and returns what Kafka answers.
func batchesOf(t testing.TB) (*Cluster, []kafka.Message, *records) {
	t.Helper()
	c := testConfig(startBroker(t))
	c.Partitions = 1
	cluster := open(t, c)
	var want []kafka.Message
	for i, compression := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd, 0} {
		var batch []kafka.Record
		for j := range 1 + 20*i {
			m := kafka.Message{
				Topic: c.Topics.Events, Offset: int64(len(want)), Time: time.UnixMilli(1_790_000_000_000 + int64(j*j) - 50),
				Value: []byte(strings.Repeat(fmt.Sprint(i, j), j*10)), Headers: []kafka.Header{{Key: "kind", Value: []byte{byte(j)}}, {Key: "none", Value: []byte{}}},
			}
			if j%3 > 0 {
				m.Key = []byte(fmt.Sprint(j))
			}
			if j%5 == 4 {
				m.Headers = nil
			}
			r := kafka.Record{Time: m.Time, Value: kafka.NewBytes(m.Value), Headers: m.Headers}
			if m.Key != nil {
				r.Key = kafka.NewBytes(m.Key)
			}
			batch, want = append(batch, r), append(want, m)
		}
		answer, err := cluster.client.Produce(t.Context(), &kafka.ProduceRequest{
			Topic: c.Topics.Events, RequiredAcks: kafka.RequireAll, Compression: compression, Records: kafka.NewRecordReader(batch...),
		})
		if err := produced(answer, err); err != nil {
			t.Fatal(err)
		}
	}
	for i := range want {
		want[i].HighWaterMark = int64(len(want))
	}
	r, err := cluster.fetchRecords(t.Context(), c.Topics.Events, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return cluster, want, r
}

func readRecords(r *records, offset int64) (messages []kafka.Message, after int64, err error) {
	for err == nil && len(r.rest) > 0 {
		messages, offset, err = r.next(messages, offset)
	}
	return messages, offset, err
}

func same(a, b kafka.Message) bool {
	return a.Topic == b.Topic && a.Partition == b.Partition && a.Offset == b.Offset && a.HighWaterMark == b.HighWaterMark && a.Time.Equal(b.Time) &&
		bytes.Equal(a.Key, b.Key) && (a.Key == nil) == (b.Key == nil) && bytes.Equal(a.Value, b.Value) &&
		slices.EqualFunc(a.Headers, b.Headers, func(x, y kafka.Header) bool { return x.Key == y.Key && bytes.Equal(x.Value, y.Value) })
}

// What was written is read, in every compression, from any offset.
func TestRecordsAsWritten(t *testing.T) {
	t.Parallel()
	cluster, want, all := batchesOf(t)
	topic, end := cluster.config.Topics.Events, int64(len(want))
	if got, err := all.end(0); got != end || err != nil {
		t.Errorf("they end at %d, want %d: %v", got, end, err)
	}
	for offset := int64(0); offset < end; offset += 7 {
		r, err := cluster.fetchRecords(t.Context(), topic, 0, offset)
		if err != nil {
			t.Fatal(err)
		}
		got, after, err := readRecords(r, offset)
		if err != nil || after != end || !slices.EqualFunc(got, want[offset:], same) {
			t.Errorf("from %d there are %d messages up to %d, want %d: %v", offset, len(got), after, end-offset, err)
		}
	}
	if _, err := cluster.fetchRecords(t.Context(), topic, 0, end+1); !errors.Is(err, kafka.OffsetOutOfRange) {
		t.Errorf("beyond the end: %v", err)
	}
	if _, err := cluster.fetchRecords(t.Context(), topic, 9, 0); err == nil {
		t.Error("there is no partition 9")
	}
}

// A batch that was cut off is not there, and one that was changed is an error.
func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	_, want, all := batchesOf(t)
	whole := bytes.Clone(all.rest)
	for n := 0; n < len(whole); n += 1 + n/50 {
		got, _, err := readRecords(&records{topic: want[0].Topic, mark: want[0].HighWaterMark, rest: whole[:n]}, 0)
		if err != nil || len(got) >= len(want) || len(got) > 0 && !slices.EqualFunc(got, want[:len(got)], same) {
			t.Fatalf("of %d bytes: %d messages, %v", n, len(got), err)
		}
	}
	for r := (&records{rest: whole}); len(r.rest) > 0; {
		length, err := r.length()
		if err != nil {
			t.Fatal(err)
		}
		start := len(whole) - len(r.rest)
		for n := atCRC - atBase; n < length; n += 1 + n/20 { // the checksum and what it is of
			changed := bytes.Clone(whole)
			changed[start+n] ^= 0x10
			if _, _, err := readRecords(&records{rest: changed}, 0); !errors.Is(err, errBatch) {
				t.Fatalf("byte %d of the batch at %d was changed: %v", n, start, err)
			}
		}
		r.rest = r.rest[length:]
	}
}

// FuzzRecords: whatever a broker sends, reading it ends, with messages that are
// within it or an error.
func FuzzRecords(f *testing.F) {
	// What batchesOf writes, as a broker keeps it. A broker beside the fuzzing would
	// make it take everything for new.
	batches, err := os.ReadFile("testdata/batches.bin")
	if err != nil {
		f.Fatal(err)
	}
	for r := (&records{rest: batches}); len(r.rest) > 0; {
		length, err := r.length()
		if err != nil || length == 0 {
			f.Fatal("the file is not what it should be: ", err)
		}
		if length < 8<<10 { // making large ones smaller takes all the time there is
			f.Add(r.rest[:length:length], int64(0))
			f.Add(r.rest[:min(len(r.rest), length+batchHead)], int64(30))
		}
		r.rest = r.rest[length:]
	}
	f.Add([]byte{}, int64(0))
	f.Fuzz(func(t *testing.T, text []byte, offset int64) {
		text = bytes.Clone(text)
		mend(text)
		r := &records{rest: text}
		if _, err := (&records{rest: text}).end(offset); err == nil && !reflect.DeepEqual(r.rest, text) {
			t.Fatal("looking ahead changed something")
		}
		messages, after, err := readRecords(r, offset)
		if after < offset {
			t.Fatalf("it goes back from %d to %d: %v", offset, after, err)
		}
		for i := range messages {
			if messages[i].Offset < offset {
				t.Fatalf("message %d is not wanted", messages[i].Offset)
			}
		}
		answer := fetchResponse{version: int16(offset&7) + firstFetch, body: text}
		_, _ = answer.records()
	})
}

// mend gives the first batch the checksum that it should have, so that what is
// behind it is tried too.
func mend(text []byte) {
	length, err := (&records{rest: text}).length()
	if err != nil || length == 0 {
		return
	}
	binary.BigEndian.PutUint32(text[atCRC-atBase:], crc32.Checksum(text[atKind-atBase:length], castagnoli))
}
