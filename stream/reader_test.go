package stream

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// readerOf returns a reader of what was fetched before, in that order.
func readerOf(all ...fetched) *partitionReader {
	r := &partitionReader{fetched: make(chan fetched, len(all)), stop: func() {}}
	for _, f := range all {
		r.fetched <- f
	}
	return r
}

// What cannot be read does not keep what is before it: that is handed out, and
// nothing behind it is, however often the reader is asked.
func TestUnreadableKeepsNothingBeforeIt(t *testing.T) {
	t.Parallel()
	_, want, all := batchesOf(t)
	at := bytes.Clone(all.rest)
	var starts []int // of the batches
	for r := (&records{rest: at}); len(r.rest) > 0; {
		length, err := r.length()
		if err != nil {
			t.Fatal(err)
		}
		starts = append(starts, len(at)-len(r.rest))
		r.rest = r.rest[length:]
	}
	third := starts[2]
	before := slices.IndexFunc(want, func(m kafka.Message) bool { return m.Offset == afterBatch(at[starts[1]:]) })
	changed := func(change func(batch []byte)) []byte {
		rest := bytes.Clone(at)
		change(rest[third:])
		mend(rest[third:])
		return rest
	}
	for name, test := range map[string]struct {
		rest []byte
		want error
	}{
		"its checksum is wrong":  {func() []byte { b := bytes.Clone(at); b[third+atCRC-atBase]++; return b }(), errBatch},
		"it is of an old form":   {func() []byte { b := bytes.Clone(at); b[third+atMagic-atBase] = 1; return b }(), errBatch},
		"unknown compression":    {changed(func(b []byte) { b[atKind-atBase+1] = 7 }), errBatch},
		"it cannot be unpacked":  {changed(func(b []byte) { b[batchHead+20] ^= 0xff }), errBatch},
		"it has no room for all": {changed(func(b []byte) { b[atCount-atBase] = 0x7f }), errBatch},
	} {
		r := &records{topic: want[0].Topic, mark: want[0].HighWaterMark, rest: test.rest}
		end, err := r.end(0)
		if err != nil {
			err = &unreadable{offset: end, why: err}
		}
		reader := readerOf(fetched{r, err}, fetched{records: &records{rest: bytes.Clone(at)}})
		c := &Consumer{options: ConsumerOptions{Topic: "events", MaxMessages: 1000, MaxWait: time.Minute}, cluster: &Cluster{}}
		p := &partition{consumer: c, span: Span{To: math.MaxInt64}}
		got, err := p.gather(t.Context(), reader)
		if err != nil || !slices.EqualFunc(got, want[:before], same) {
			t.Errorf("%s: %d messages, want %d: %v", name, len(got), before, err)
			continue
		}
		var damaged *unreadable
		if !errors.As(reader.err, &damaged) {
			t.Fatalf("%s: behind it is %v", name, reader.err)
		}
		behind, told := afterBatch(at[third:]), "--group g --topic events:3 --reset-offsets --to-offset "
		if test.rest[third+atMagic-atBase] != 2 {
			behind, told = 0, told+"OFFSET"
		} else {
			told += strconv.FormatInt(behind, 10)
		}
		if hint := damaged.hint([]string{"kafka:9092"}, "g", "events", 3); damaged.after != behind || !strings.Contains(hint, told+" --execute") {
			t.Errorf("%s: the batch ends before %d, and the hint is %s", name, damaged.after, hint)
		}
		p.offset = int64(before)
		for range 2 {
			if got, err := p.gather(t.Context(), reader); len(got) > 0 || !errors.Is(err, test.want) {
				t.Errorf("%s: then %d messages: %v", name, len(got), err)
			}
		}
	}
}

// How far it is behind is told of a partition, too, that cannot be read.
func TestLagOfTheUnreadable(t *testing.T) {
	c := testConfig(startBroker(t))
	c.Partitions = 1
	cluster := open(t, c)
	p, _ := produceTo(t, cluster)
	if err := p.Write(t.Context(), []Message{event("k", "a"), event("k", "b"), event("k", "c")}); err != nil {
		t.Fatal(err)
	}
	consumer := NewConsumer(cluster, ConsumerOptions{Group: "g", Log: discard()}, nil)
	_, end, err := cluster.bounds(t.Context(), c.Topics.Events, 0)
	if err != nil {
		t.Fatal(err)
	}
	stuck := &partition{consumer: consumer, span: Span{To: math.MaxInt64}, offset: 1}
	stuck.findLag(t.Context())
	if consumer.Lag() != end-1 {
		t.Errorf("the lag is %d, want %d", consumer.Lag(), end-1)
	}
}
