package replay_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse"
	"sekisho/sinks/clickhouse/embedded"
	"sekisho/sinks/replay"
	"sekisho/stream"
	"sekisho/stream/kafkatest"
)

// The servers that all tests share; each test has a database and topics of its
// own.
var (
	server *embedded.Server
	broker *kafkatest.Kafka
	names  atomic.Int64
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == embedded.Command {
		os.Exit(embedded.Main(os.Args[2:]))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sekisho-replay-")
	if err == nil {
		defer os.RemoveAll(dir)
		// The first start on a machine fetches the engine.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		server, err = embedded.Start(ctx, embedded.Options{Dir: dir + "/clickhouse", Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
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

// world is a deployment: topics, tables, keys, and today's policy and resets.
type world struct {
	cluster   *stream.Cluster
	store     *clickhouse.Store
	keys      *enforcer.Keys
	table     atomic.Pointer[enforcer.Table]
	withdrawn *enforcer.Withdrawn
	resets    *stream.Resets
	letters   *stream.DeadLetters
	producer  *stream.Producer
}

const partitions = 2

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, broker.Address())
}

// newWorldOn is newWorld for a Kafka of the test's own.
func newWorldOn(t testing.TB, address string) *world {
	t.Helper()
	w := &world{withdrawn: new(enforcer.Withdrawn)}
	p := examplePolicy(t)
	w.table.Store(enforcer.Compile(p))
	var err error
	if w.keys, err = enforcer.NewKeys("k1", make([]byte, enforcer.MinSecret)); err != nil {
		t.Fatal(err)
	}
	k := stream.DefaultConfig()
	k.Brokers, k.Partitions, k.Timeout = []string{address}, partitions, time.Minute
	k.Retention = 10 * 365 * 24 * time.Hour // a broker looks for what has expired when it likes, and the tests' events are old
	n := names.Add(1)
	for i, topic := range []*string{&k.Topics.Events, &k.Topics.Resets, &k.Topics.Consents, &k.Topics.Progress, &k.Topics.DeadLetters} {
		*topic = fmt.Sprintf("test-%d-%d", n, i)
	}
	if w.cluster, err = stream.Connect(k); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.cluster.Close)
	if _, err := w.cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.store = w.connect(t, n)
	if err := w.store.Migrate(t.Context(), clickhouse.RetentionOf(p)); err != nil {
		t.Fatal(err)
	}
	w.resets = stream.NewResets(w.cluster, w.withdrawn.Put, discard)
	follow, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	go w.resets.Follow(follow)
	w.letters = stream.NewDeadLetters(w.cluster, nil)
	w.producer = stream.NewProducer(w.cluster, partitions, stream.ProducerOptions{Log: discard})
	t.Cleanup(w.producer.Close)
	return w
}

func (w *world) connect(t testing.TB, n int64) *clickhouse.Store {
	t.Helper()
	c := clickhouse.DefaultConfig()
	c.Addresses, c.Database, c.Group = []string{server.NativeAddr()}, fmt.Sprintf("test_%d", n), fmt.Sprintf("sink-%d", n)
	c.Batch.MaxWait = 50 * time.Millisecond
	store, err := clickhouse.Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = store.Conn().Exec(context.Background(), "DROP DATABASE IF EXISTS "+c.Database+" SYNC")
		store.Close()
	})
	return store
}

var discard = slog.New(slog.DiscardHandler)

func (w *world) reviewer() *replay.Reviewer {
	return replay.NewReviewer(w.table.Load, w.keys, w.withdrawn, w.resets)
}

func (w *world) gate() *clickhouse.Gate {
	return clickhouse.NewGate(w.table.Load, w.keys, w.withdrawn, w.resets)
}

// startSink runs the live sink until the test ends or stop is called.
func (w *world) startSink(t testing.TB) (stop func()) {
	t.Helper()
	sink := clickhouse.NewSink(w.store, w.cluster, clickhouse.SinkOptions{Gate: w.gate(), Log: discard, Metrics: metrics.NewSet(), Dead: w.letters.Append})
	return kafkatest.Run(t, sink.Run)
}

// when is the time of the tests' first events. Kafka takes none that are of the
// future.
var when = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -110)

// visit is a page view of the n-th visitor at a time, allowed for the store and
// for google.
func (w *world) visit(t testing.TB, n int, at time.Time) *schemas.Record {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	r := &schemas.Record{
		Outcome: schemas.Allowed, Reason: schemas.ReasonGranted, Policy: "2026-10-01", Jurisdiction: "japan",
		Purposes: schemas.PurposesOf(schemas.Necessary, schemas.Analytics),
		Grants: []schemas.Grant{
			{Recipient: policy.Store, Categories: schemas.AllCategories},
			{Recipient: "google", Categories: schemas.CategoriesOf(schemas.UsageHistory, schemas.TerminalIdentification)},
		},
	}
	r.Event.Type, r.Event.Time = schemas.Pageview, at
	r.Event.Set(schemas.ID, id.String())
	r.Event.Set(schemas.Type, "pageview")
	r.Event.Set(schemas.Site, "shop")
	r.Event.Set(schemas.Time, string(schemas.FormatTime(nil, at)))
	r.Event.Set(schemas.URL, fmt.Sprintf("https://shop.example.jp/page/%c", 'a'+n%26))
	r.Event.Set(schemas.VisitorID, w.pseudonym(n))
	return r
}

func (w *world) pseudonym(n int) string {
	return string(w.keys.AppendPseudonym(nil, schemas.VisitorID, fmt.Sprintf("visitor-%d", n)))
}

// send puts records on the events topic with the account of their arrival.
func (w *world) send(t testing.TB, records ...*schemas.Record) {
	t.Helper()
	var messages []stream.Message
	for _, r := range records {
		messages = append(messages, stream.Message{
			Key: []byte(enforcer.Key(r)), Value: r.AppendJSON(nil), Time: r.Event.Time,
			Decisions: []schemas.Decision{{
				Minute: schemas.MinuteOf(when), Site: r.Event.Get(schemas.Site), Type: r.Event.Type, Outcome: r.Outcome, Reason: r.Reason,
			}},
		})
	}
	if err := w.producer.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// reset resets the n-th visitor, durably.
func (w *world) reset(t testing.TB, n int) {
	t.Helper()
	r := schemas.Reset{Field: schemas.VisitorID, Hash: [16]byte{byte(n), byte(n >> 8)}, At: time.Now(), Pseudonyms: []string{w.pseudonym(n)}}
	if _, err := w.resets.Append(t.Context(), []schemas.Reset{r}); err != nil {
		t.Fatal(err)
	}
}

// expire has Kafka forget the spans of the events topic, as it does when they are
// older than its retention.
func (w *world) expire(t testing.TB, spans []stream.Span) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.Config().Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = w.cluster.Config().Topics.Events
	for _, span := range spans {
		p := kmsg.NewDeleteRecordsRequestTopicPartition()
		p.Partition, p.Offset = int32(span.Partition), span.To
		topic.Partitions = append(topic.Partitions, p)
	}
	request := kmsg.NewDeleteRecordsRequest()
	request.Topics, request.TimeoutMillis = append(request.Topics, topic), 30_000
	answer, err := request.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range answer.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			t.Fatal(err)
		}
	}
}

// ask returns the single number that the query asks for.
func (w *world) ask(t testing.TB, query string) (n uint64) {
	t.Helper()
	if err := w.store.Conn().QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (w *world) execute(t testing.TB, statement string) {
	t.Helper()
	if err := w.store.Conn().Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func (w *world) rows(t testing.TB) uint64 {
	return w.ask(t, "SELECT count() FROM "+w.store.Table("events"))
}

// open returns the dead letters that are not settled.
func (w *world) open(t testing.TB) (list []schemas.DeadLetter) {
	t.Helper()
	err := w.letters.Each(t.Context(), func(l *schemas.DeadLetter) error {
		if l.Settled == schemas.Unsettled {
			list = append(list, *l)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func examplePolicy(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func headers(kind string) []kafka.Header {
	return []kafka.Header{{Key: schemas.HeaderKind, Value: []byte(kind)}, {Key: schemas.HeaderSchema, Value: []byte("1")}}
}

// topic returns all messages of a topic.
func (w *world) topic(t testing.TB, name string) (list []kafka.Message) {
	t.Helper()
	spans, err := w.cluster.Spans(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range spans {
		err := w.cluster.Read(t.Context(), name, span, func(m *kafka.Message) error {
			list = append(list, *m)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func decoded(t testing.TB, value []byte) (r schemas.Record) {
	t.Helper()
	if err := new(schemas.RecordDecoder).Decode(value, &r); err != nil {
		t.Fatal(err)
	}
	return r
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
