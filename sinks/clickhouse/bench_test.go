package clickhouse

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/stream"
)

// browserRecord is a page view as a browser sends it, about 900 bytes in Kafka.
func browserRecord(id uuid.UUID, i int, at time.Time) *schemas.Record {
	r := newRecord(id)
	r.Event.Set(schemas.Time, string(schemas.FormatTime(nil, at)))
	r.Event.Set(schemas.VisitorID, fmt.Sprintf("k1.%032x", i%100_000*7919))
	r.Event.Set(schemas.SessionID, fmt.Sprintf("k1.%032x", i/5*104729))
	r.Event.Set(schemas.URL, "https://shop.example.jp/items/"+strconv.Itoa(i%5000)+"?page=2&utm_source=mail")
	r.Event.Set(schemas.Title, "Item "+strconv.Itoa(i%5000)+" – Example Shop")
	r.Event.Set(schemas.Referrer, "https://www.google.com/")
	r.Event.Set(schemas.UTMSource, "mail")
	r.Event.Set(schemas.ScreenWidth, "1920")
	r.Event.Set(schemas.ScreenHeight, "1080")
	r.Event.Set(schemas.ViewportWidth, strconv.Itoa(1200+i%700))
	r.Event.Set(schemas.ViewportHeight, "900")
	r.Event.Set(schemas.Language, "ja-JP")
	r.Event.Set(schemas.Timezone, "Asia/Tokyo")
	r.Event.Set(schemas.UserAgent, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36")
	r.Event.Set(schemas.Country, "JP")
	r.Event.Properties = []schemas.Property{{Name: "plan", Text: "gold"}, {Name: "items", Kind: schemas.PropertyNumber, Text: "3"}}
	r.PropertyCategories = []schemas.Category{schemas.Attribute, schemas.UsageHistory}
	return r
}

const benchRows = 10_000

func benchValues(b *testing.B) (values [][]byte) {
	for i, id := range ids7(b, benchRows) {
		values = append(values, browserRecord(id, i, when).AppendJSON(nil))
	}
	b.SetBytes(int64(len(values[0])))
	return values
}

func decodeInto(e *events, value []byte) error {
	r, err := e.decode(value)
	if err != nil {
		return err
	}
	return e.add(r, 0)
}

// BenchmarkDecode is from a Kafka value to a row to be, for one event.
func BenchmarkDecode(b *testing.B) {
	values := benchValues(b)
	var e events
	e.reset()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%benchRows == 0 {
			e.reset()
		}
		if err := decodeInto(&e, values[i%benchRows]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReview is what it costs to hold an event against a million resets,
// of which it is none: to be compared with BenchmarkDecode.
func BenchmarkReview(b *testing.B) {
	table := enforcer.Compile(examplePolicy(b))
	withdrawn := new(enforcer.Withdrawn)
	for i := range 1_000_000 {
		withdrawn.Put(&schemas.Reset{At: when, Pseudonyms: []string{visitor(i)}})
	}
	gate := NewGate(func() *enforcer.Table { return table }, testKeys(), withdrawn, nil)
	var e events
	e.reset()
	var records []schemas.Record
	var project enforcer.Projector
	for i, id := range ids7(b, benchRows) {
		records = append(records, *browserRecord(id, i, when))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := &records[i%benchRows]
		if gate.review(r, &project) != r {
			b.Fatal("an event that was not reset is withheld")
		}
	}
}

// BenchmarkColumns is from a row to be to what is sent, before it is compressed,
// for one event.
func BenchmarkColumns(b *testing.B) {
	var e events
	e.reset()
	chosen := make([]int32, 0, benchRows)
	for i, value := range benchValues(b) {
		if err := decodeInto(&e, value); err != nil {
			b.Fatal(err)
		}
		chosen = append(chosen, int32(i))
	}
	block, to := newBlock(), proto.Buffer{}
	for _, f := range []schemas.Field{schemas.Site, schemas.Type} { // as the table has them
		_ = block.input[f].Data.(proto.Inferable).Infer(label)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += benchRows {
		to.Reset()
		e.sort(chosen)
		block.begin(&e, chosen)
		if err := (proto.Block{Rows: len(chosen), Columns: len(columns)}).EncodeRawBlock(&to, proto.Version, block.input); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKafkaToClickHouse stores 500,000 events of a topic of 4 partitions,
// once, and reports events a second. Run it with -benchtime 1x.
func BenchmarkKafkaToClickHouse(b *testing.B) {
	const n = 500_000
	s, cluster := migratedStore(b), topicOf(b, 4)
	s.config.Batch = DefaultConfig().Batch
	producer := stream.NewProducer(cluster, 4, stream.ProducerOptions{Log: slog.New(slog.DiscardHandler)})
	decision := schemas.Decision{Minute: schemas.MinuteOf(when), Site: "shop", Type: schemas.Pageview, Outcome: schemas.Allowed}
	i := 0
	for chunk := range slices.Chunk(ids7(b, n), 1000) {
		var messages []stream.Message
		for _, id := range chunk {
			at := when.Add(time.Duration(i) * 100 * time.Microsecond)
			messages = append(messages, stream.Message{Key: id[:], Value: browserRecord(id, i, at).AppendJSON(nil), Time: at, Decisions: []schemas.Decision{decision}})
			i++
		}
		if err := producer.Write(b.Context(), messages); err != nil {
			b.Fatal(err)
		}
	}
	producer.Close()
	for b.Loop() {
		k := newSink(b, s, cluster)
		stop := start(b, k)
		for k.consumer.Assigned() == 0 {
			time.Sleep(time.Millisecond)
		}
		assigned := time.Now()
		for k.metrics.rows.Get() < n {
			time.Sleep(time.Millisecond)
		}
		b.ReportMetric(n/time.Since(assigned).Seconds(), "events/s")
		stop()
	}
	wantRows(b, s, n)
	if got := received(b, s); got != n {
		b.Errorf("%d accounted for", got)
	}
}

// BenchmarkSmallRun is a run of ten events and an account: what a second of
// little traffic takes.
func BenchmarkSmallRun(b *testing.B) {
	s := migratedStore(b)
	k := newSink(b, s, topicOf(b, 1))
	for i := 0; b.Loop(); i++ {
		messages := append(viewMessages(ids7(b, 10)...), accountMessage(uuid.New(), 10))
		for j := range messages {
			messages[j].Offset = int64(i*len(messages) + j)
			messages[j].HighWaterMark = messages[j].Offset + 1
		}
		if err := k.Handle(b.Context(), 0, messages); err != nil {
			b.Fatal(err)
		}
	}
}
