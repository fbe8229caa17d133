package clickhouse

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	client "github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// poisoned makes ClickHouse refuse records whose title is "poison".
func poisoned(t *testing.T, s *Store) {
	t.Helper()
	execute(t, s, "ALTER TABLE "+s.Table("events")+" ADD CONSTRAINT wholesome CHECK title != 'poison'")
}

func execute(t testing.TB, s *Store, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// poison is a message that ClickHouse refuses.
func poison(id uuid.UUID) kafka.Message {
	r := newRecord(id)
	r.Event.Set(schemas.Title, "poison")
	return eventMessage(r)
}

// lettered is a sink and the letters that it writes.
func lettered(t *testing.T, s *Store, cluster *stream.Cluster) (*Sink, func() []schemas.DeadLetter) {
	t.Helper()
	letters := stream.NewDeadLetters(cluster, nil)
	k := NewSink(s, cluster, SinkOptions{Gate: newGate(t, cluster), Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(), Dead: letters.Append})
	return k, func() (list []schemas.DeadLetter) {
		err := letters.Each(t.Context(), func(l *schemas.DeadLetter) error {
			list = append(list, *l)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
}

// One row that ClickHouse refuses costs nobody else anything, wherever it is.
func TestRefusedRowsKeepTheirNeighbours(t *testing.T) {
	for _, at := range [][]int64{{50}, {0, 13, 51, 52, 99}} {
		s := migratedStore(t)
		poisoned(t, s)
		k, letters := lettered(t, s, topicOf(t, 1))
		messages := viewMessages(ids7(t, 100)...)
		for _, i := range at {
			messages[i] = poison(uuid.New())
		}
		messages = partitionLog(append(messages, accountMessage(uuid.New(), 100))...)
		handle(t, k, messages)
		wantRows(t, s, uint64(100-len(at)))
		wantReceived(t, s, 100)
		var given []int64
		for _, l := range letters() {
			given = append(given, l.Offset)
			var r schemas.Record
			var decoder schemas.RecordDecoder
			if err := decoder.Decode(l.Value, &r); err != nil || r.Event.Get(schemas.Title) != "poison" {
				t.Errorf("the letter has not the record: %v", err)
			}
			if l.Reason != schemas.DeadRefused || l.Detail != "ClickHouse refuses it: VIOLATED_CONSTRAINT (469)" ||
				l.Site != "shop" || l.Type != schemas.Pageview || l.Minute != schemas.MinuteOf(when) || l.Recipient != "store" {
				l.Value = nil
				t.Errorf("got %+v", l)
			}
		}
		slices.Sort(given)
		if !slices.Equal(given, at) {
			t.Errorf("dead letters of %v, want %v", given, at)
		}
		// The same run again, since it was not committed.
		handle(t, k, messages)
		wantRows(t, s, uint64(100-len(at)))
		wantReceived(t, s, 100)
		if n := len(letters()); n != len(at) {
			t.Errorf("%d letters after another time, want %d", n, len(at))
		}
	}
}

// A table that takes nothing is not the rows' fault: nothing is given up.
func TestTableThatRefusesEverything(t *testing.T) {
	s := migratedStore(t)
	execute(t, s, "ALTER TABLE "+s.Table("events")+" ADD CONSTRAINT mistake CHECK title = 'of the operator'")
	k, letters := lettered(t, s, topicOf(t, 1))
	messages := partitionLog(viewMessages(ids7(t, 2*hopeless)...)...)
	err := k.Handle(t.Context(), 0, messages)
	if err == nil || !strings.Contains(err.Error(), "the table is at fault") {
		t.Errorf("got %v", err)
	}
	if n := len(letters()); n != 0 {
		t.Errorf("%d letters", n)
	}
	execute(t, s, "ALTER TABLE "+s.Table("events")+" DROP CONSTRAINT mistake")
	handle(t, k, messages)
	wantRows(t, s, 2*hopeless)
}

// A view that fails leaves rows in the table; the halves do not double them.
func TestRefusalByView(t *testing.T) {
	s := migratedStore(t)
	execute(t, s, "CREATE MATERIALIZED VIEW "+s.Table("picky")+" ENGINE = MergeTree ORDER BY tuple() AS SELECT throwIf(title = 'poison') AS bad FROM "+s.Table("events"))
	k, letters := lettered(t, s, topicOf(t, 1))
	messages := viewMessages(ids7(t, 20)...)
	messages[7] = poison(uuid.New())
	handle(t, k, partitionLog(messages...))
	wantRows(t, s, 20-uint64(len(letters())))
}

// Of what is no record, nothing is kept but where it is.
func TestUndecodableLetters(t *testing.T) {
	s := migratedStore(t)
	k, letters := lettered(t, s, topicOf(t, 1))
	bad := badMessages()
	handle(t, k, partitionLog(append(bad, viewMessages(ids7(t, 1)...)...)...))
	wantRows(t, s, 1)
	list := letters()
	if len(list) != len(bad) {
		t.Fatalf("%d letters, want %d", len(list), len(bad))
	}
	for i, l := range list {
		if text := string(l.AppendJSON(nil)); strings.Contains(text, "taro") {
			t.Errorf("a payload is in a dead letter: %s", text)
		}
		// A time that cannot be stored is in a record that can be read.
		if tooEarly := i == 7; (l.Value != nil) != tooEarly || (l.Reason == schemas.DeadRefused) != tooEarly {
			t.Errorf("letter %d is %+v", i, l)
		}
	}
}

func TestRefusals(t *testing.T) {
	check := func(err error, want bool) {
		t.Helper()
		if got := refusal(err) != nil; got != want {
			t.Errorf("%v: refusal %v, want %v", err, got, want)
		}
	}
	for code := range refusals {
		check(&client.Exception{Code: code, Message: secret}, true)
		if text := refusal(&client.Exception{Code: code, Message: secret}).Error(); strings.Contains(text, "taro") {
			t.Errorf("ClickHouse is quoted: %s", text)
		}
	}
	for _, code := range []proto.Error{
		60,  // UNKNOWN_TABLE
		159, // TIMEOUT_EXCEEDED
		210, // NETWORK_ERROR
		241, // MEMORY_LIMIT_EXCEEDED
		243, // NOT_ENOUGH_SPACE
		252, // TOO_MANY_PARTS
		319, // UNKNOWN_STATUS_OF_INSERT
		394, // QUERY_WAS_CANCELLED
		516, // AUTHENTICATION_FAILED
	} {
		check(&client.Exception{Code: code}, false)
	}
	check(context.DeadlineExceeded, false)
}
