package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse/embedded"
	"sekisho/stream"
	"sekisho/stream/kafkatest"
)

// The servers that all tests share; each test has a database and a topic of its
// own.
var (
	server *embedded.Server
	broker *kafkatest.Kafka
	names  atomic.Int64
	// dataDir is ClickHouse's.
	dataDir string
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case embedded.Command:
			os.Exit(embedded.Main(os.Args[2:]))
		case eraserCommand:
			os.Exit(eraserProcess(os.Args[2:]))
		case sinkCommand:
			os.Exit(sinkProcess(os.Args[2:]))
		}
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sekisho-clickhouse-")
	if err == nil {
		defer os.RemoveAll(dir)
		// The first start on a machine fetches the engine.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		dataDir = dir + "/clickhouse"
		// Its end is not expected: what it was is to be read beside the tests that fail.
		server, err = embedded.Start(ctx, embedded.Options{Dir: dataDir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	}
	if err == nil {
		defer func() { _ = server.Stop(context.Background()) }()
		broker, err = kafkatest.Start(dir + "/kafka")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer broker.Close()
	return m.Run()
}

// examplePolicy has the sites shop and news.
func examplePolicy(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// bareStore is a store whose database does not exist yet.
func bareStore(t testing.TB) *Store {
	t.Helper()
	c := DefaultConfig()
	c.Addresses = []string{server.NativeAddr()}
	c.Database = fmt.Sprintf("test_%d", names.Add(1))
	c.Batch.MaxWait = 50 * time.Millisecond
	c.Erasure.Group, c.Erasure.MaxWait = c.Database+"-eraser", 50*time.Millisecond
	c.Timeout = 30 * time.Second
	s, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+c.Database+" SYNC")
		s.Close()
	})
	if err := s.Wait(t.Context(), func(error, time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	return s
}

func migratedStore(t testing.TB) *Store {
	t.Helper()
	s := bareStore(t)
	if err := s.Migrate(t.Context(), RetentionOf(examplePolicy(t))); err != nil {
		t.Fatal(err)
	}
	return s
}

// topicOf makes topics of the given number of partitions.
func topicOf(t testing.TB, partitions int) *stream.Cluster {
	t.Helper()
	c := stream.DefaultConfig()
	c.Brokers = []string{broker.Address()}
	c.Topics.Events = fmt.Sprintf("events.%d", names.Add(1))
	c.Topics.Resets = c.Topics.Events + ".resets"
	c.Topics.Progress = c.Topics.Events + ".progress"
	c.Topics.DeadLetters = c.Topics.Events + ".dead"
	c.Partitions = partitions
	c.Timeout = time.Minute
	c.Retention = 10 * 365 * 24 * time.Hour // a broker looks for what has expired when it likes, and the tests' events are old
	cluster, err := stream.Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	if _, err := cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	return cluster
}

// newSink is a sink over a topic of one partition, and its metrics.
func newSink(t testing.TB, s *Store, cluster *stream.Cluster) *Sink {
	t.Helper()
	return NewSink(s, cluster, SinkOptions{Gate: newGate(t, cluster), Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
}

// newGate follows the cluster's resets until the test ends, under the example
// policy.
func newGate(t testing.TB, cluster *stream.Cluster, change ...func(*policy.Policy)) *Gate {
	t.Helper()
	p := examplePolicy(t)
	for _, f := range change {
		f(p)
	}
	table := enforcer.Compile(p)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return followed(ctx, cluster, table)
}

func followed(ctx context.Context, cluster *stream.Cluster, table *enforcer.Table) *Gate {
	withdrawn := new(enforcer.Withdrawn)
	resets := stream.NewResets(cluster, withdrawn.Put, slog.New(slog.DiscardHandler))
	go resets.Follow(ctx)
	return NewGate(func() *enforcer.Table { return table }, testKeys(), withdrawn, resets)
}

// testKeys are the keys of all tests.
func testKeys() *enforcer.Keys {
	keys, err := enforcer.NewKeys("k1", []byte("an entirely public secret of the tests"))
	if err != nil {
		panic(err)
	}
	return keys
}

// start runs the sink until stop is called or the test ends.
func start(t testing.TB, k *Sink) (stop func()) {
	t.Helper()
	return kafkatest.Run(t, k.Run)
}

// when is the time of the tests' events.
var when = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// newRecord is a record of a page view under a version 7 id.
func newRecord(id uuid.UUID) *schemas.Record {
	r := &schemas.Record{
		Outcome: schemas.Allowed, Reason: schemas.ReasonGranted, Policy: "2026-10-01", Jurisdiction: "japan",
		Purposes: schemas.PurposesOf(schemas.Necessary, schemas.Analytics),
		Grants:   []schemas.Grant{{Recipient: policy.Store, Categories: schemas.AllCategories}},
	}
	r.Event.Set(schemas.ID, id.String())
	r.Event.Set(schemas.Type, "pageview")
	r.Event.Set(schemas.Site, "shop")
	r.Event.Set(schemas.Time, string(schemas.FormatTime(nil, when)))
	r.Event.Set(schemas.URL, "https://shop.example.jp/cart")
	r.Event.Set(schemas.VisitorID, "k1.00112233445566778899aabbccddeeff")
	return r
}

// ids7 makes ids of version 7.
func ids7(t testing.TB, n int) []uuid.UUID {
	t.Helper()
	list := make([]uuid.UUID, n)
	for i := range list {
		id, err := uuid.NewV7()
		if err != nil {
			t.Fatal(err)
		}
		list[i] = id
	}
	return list
}

func header(kind string) []kafka.Header {
	return []kafka.Header{{Key: schemas.HeaderKind, Value: []byte(kind)}, {Key: schemas.HeaderSchema, Value: []byte("1")}}
}

// eventMessage is the record as it comes from Kafka.
func eventMessage(r *schemas.Record) kafka.Message {
	return kafka.Message{Value: r.AppendJSON(nil), Headers: header(schemas.KindEvent)}
}

// viewMessages are page views under the ids.
func viewMessages(ids ...uuid.UUID) []kafka.Message {
	messages := make([]kafka.Message, len(ids))
	for i, id := range ids {
		messages[i] = eventMessage(newRecord(id))
	}
	return messages
}

// accountMessage is an account of n received page views of the shop.
func accountMessage(id uuid.UUID, n uint64) kafka.Message {
	account := schemas.Account{{
		Minute: schemas.MinuteOf(when), Site: "shop", Type: schemas.Pageview, Outcome: schemas.Allowed, Reason: schemas.ReasonGranted,
	}: n}
	return kafka.Message{
		Value:   account.AppendJSON(nil),
		Headers: append(header(schemas.KindAccount), kafka.Header{Key: schemas.HeaderBatch, Value: id[:]}),
	}
}

// partitionLog is a partition as a test writes it: messages get their offsets.
func partitionLog(messages ...kafka.Message) []kafka.Message {
	for i := range messages {
		messages[i].Offset = int64(i)
		messages[i].HighWaterMark = int64(len(messages))
	}
	return messages
}

// handle hands the messages to the sink as a new assignment would.
func handle(t testing.TB, k *Sink, messages []kafka.Message) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := k.Handle(ctx, 0, messages); err != nil {
		t.Fatal(err)
	}
}

// ask returns the single number that the query asks for. It asks again where
// ClickHouse is not there, which some tests see to.
func ask(t testing.TB, s *Store, query string) (n uint64) {
	t.Helper()
	var err error
	eventually(t, "an answer to "+query, func() bool {
		err = s.conn.QueryRow(t.Context(), query).Scan(&n)
		return err == nil || errors.As(err, new(*ch.Exception)) || errors.Is(err, sql.ErrNoRows)
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// wantRows fails unless the events table has n rows, all of different events.
func wantRows(t testing.TB, s *Store, n uint64) {
	t.Helper()
	rows := ask(t, s, "SELECT count() FROM "+s.Table("events"))
	events := ask(t, s, "SELECT uniqExact(site, type, id) FROM "+s.Table("events"))
	if rows != n || events != n {
		t.Errorf("%d rows of %d events are stored, want %d", rows, events, n)
	}
}

func received(t testing.TB, s *Store) uint64 {
	t.Helper()
	return ask(t, s, "SELECT sum(received) FROM "+s.Table("accounts"))
}

// eventually asks until it is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("not within two minutes: %s", what)
		case <-ticker.C:
		}
	}
}
