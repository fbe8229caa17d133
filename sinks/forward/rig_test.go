package forward_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
	"sekisho/sinks/ga4"
	"sekisho/sinks/meta"
	"sekisho/sinks/standin"
	"sekisho/sinks/webhook"
	"sekisho/stream"
	"sekisho/stream/embedded"
	"sekisho/stream/kafkatest"
)

// broker is the Kafka that all tests share; each has topics of its own.
var (
	broker *embedded.Kafka
	names  atomic.Int64
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sekisho-forward-")
	if err == nil {
		defer os.RemoveAll(dir)
		broker, err = embedded.Start(dir, 0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer broker.Close()
	return m.Run()
}

const partitions = 2

// world is a deployment: topics, keys, and today's policy and resets.
type world struct {
	config    stream.Config
	cluster   *stream.Cluster
	keys      *enforcer.Keys
	policy    *policy.Policy
	table     atomic.Pointer[enforcer.Table]
	withdrawn *enforcer.Withdrawn
	resets    *stream.Resets
	producer  *stream.Producer
	check     func() error
	log       *slog.Logger
}

// policyOf is the example policy, with all its recipients for every site.
func policyOf(t testing.TB) *policy.Policy {
	t.Helper()
	text := strings.ReplaceAll(string(policy.Example), "recipients: [google, meta]", "recipients: [google, meta, partner]")
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, broker.Address())
}

// newWorldOn is newWorld for a Kafka of the test's own.
func newWorldOn(t testing.TB, address string) *world {
	t.Helper()
	w := &world{log: discard, withdrawn: new(enforcer.Withdrawn), policy: policyOf(t)}
	w.table.Store(enforcer.Compile(w.policy))
	w.keys = testKeys(t)
	w.config = stream.DefaultConfig()
	w.config.Brokers, w.config.Partitions, w.config.Timeout = []string{address}, partitions, 30*time.Second
	n := names.Add(1)
	topics := &w.config.Topics
	for i, topic := range []*string{&topics.Events, &topics.Resets, &topics.Consents, &topics.Progress, &topics.DeadLetters} {
		*topic = fmt.Sprintf("test-%d-%d", n, i)
	}
	var err error
	if w.cluster, err = stream.Connect(w.config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.cluster.Close)
	if _, err := w.cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.resets = stream.NewResets(w.cluster, w.withdrawn.Put, discard)
	follow, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	go w.resets.Follow(follow)
	w.producer = stream.NewProducer(w.cluster, partitions, stream.ProducerOptions{Log: discard})
	t.Cleanup(w.producer.Close)
	return w
}

func testKeys(t testing.TB) *enforcer.Keys {
	t.Helper()
	keys, err := enforcer.NewKeys("k1", make([]byte, enforcer.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// atomicError is an error that changes.
type atomicError struct{ held atomic.Pointer[error] }

func (e *atomicError) set(err error) { e.held.Store(&err) }
func (e *atomicError) get() error    { return *e.held.Load() }

// lockedWriter is a log that many write.
type lockedWriter struct {
	mu sync.Mutex
	to *strings.Builder
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

func (l *lockedWriter) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.String()
}

func (l *lockedWriter) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

var discard = slog.New(slog.DiscardHandler)

// forwarder is a runner that runs, and what it tells.
type forwarder struct {
	*forward.Runner
	recipient string
	set       *metrics.Set
	stop      func()
}

// start runs a forwarder until the test ends or stop is called.
func (w *world) start(t testing.TB, recipient string, kind forward.Kind, change ...func(*forward.Config)) *forwarder {
	t.Helper()
	f := w.prepare(t, recipient, kind, change...)
	f.stop = kafkatest.Run(t, f.Run)
	return f
}

// prepare makes a forwarder that does not run.
func (w *world) prepare(t testing.TB, recipient string, kind forward.Kind, change ...func(*forward.Config)) *forwarder {
	t.Helper()
	f := &forwarder{recipient: recipient, set: metrics.NewSet()}
	var c forward.Config
	c.SetDefaults()
	c.AllowPrivate, c.MaxWait, c.Timeout = []string{"127.0.0.1"}, 20*time.Millisecond, 30*time.Second
	c.Group = fmt.Sprintf("%s-%s", recipient, w.config.Topics.Events)
	for _, set := range change {
		set(&c)
	}
	var err error
	f.Runner, err = forward.New(w.cluster, forward.Options{
		Recipient: recipient, Kind: kind, Config: c, Keys: w.keys, Table: w.table.Load, Withdrawn: w.withdrawn, Resets: w.resets,
		Check: w.check, Log: w.log, Metrics: f.set,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Hurry()
	return f
}

// stopAll stops forwarders at the same time.
func stopAll(list []*forwarder) {
	var all sync.WaitGroup
	for _, f := range list {
		all.Go(f.stop)
	}
	all.Wait()
}

// count returns the sum of a metric over the labels that contain all parts.
func (f *forwarder) count(metric string, parts ...string) (sum float64) {
	var text strings.Builder
	f.set.WritePrometheus(&text)
lines:
	for line := range strings.Lines(text.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if !strings.HasPrefix(name, metric+"{") {
			continue
		}
		for _, part := range parts {
			if !strings.Contains(name, part) {
				continue lines
			}
		}
		var n float64
		fmt.Sscan(value, &n)
		sum += n
	}
	return sum
}

func (f *forwarder) events(outcome string) float64 {
	return f.count("sekisho_forward_events_total", `outcome="`+outcome+`"`)
}

// vendor is one of the three: its stand-in, and a kind that sends to it.
type vendor struct {
	recipient string
	kind      forward.Kind
	*standin.Server
}

const secret = "whsec_c2VraXNob3Nla2lzaG9zZWtpc2hvc2VraXNobyEh"

// vendors starts a stand-in of each.
func vendors(t testing.TB) (list []vendor) {
	t.Helper()
	for _, name := range []string{"google", "meta", "partner"} {
		list = append(list, vendorOf(t, name, standin.Options{Listen: "127.0.0.1:0", Keep: 5000}))
	}
	return list
}

func vendorOf(t testing.TB, name string, o standin.Options) vendor {
	t.Helper()
	v := vendor{recipient: name}
	var err error
	switch name {
	case "google":
		v.Server, err = standin.StartGoogle(o, standin.Google{Secrets: map[string]string{"G-TEST": "api-secret"}, Property: "1", Token: "admin-token"})
	case "meta":
		v.Server, err = standin.StartMeta(o, standin.Meta{Pixel: "1", Token: "meta-token"})
	default:
		v.Server, err = standin.StartWebhook(o, standin.Webhook{Secrets: []string{secret}})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Stop(context.Background()) })
	v.kind = kindOf(t, name, v.URL())
	return v
}

func kindOf(t testing.TB, name, url string) forward.Kind {
	t.Helper()
	switch name {
	case "google":
		var c ga4.Config
		c.SetDefaults()
		c.Endpoint, c.Deletion.Endpoint, c.Deletion.Property, c.Deletion.Token = url, url, "1", strict.NewSecret("admin-token")
		c.Streams = map[string]ga4.Stream{"*": {MeasurementID: "G-TEST", APISecret: strict.NewSecret("api-secret")}}
		return ga4.New(c, name, metrics.NewSet())
	case "meta":
		var c meta.Config
		c.SetDefaults()
		c.Endpoint, c.Pixels = url, map[string]meta.Pixel{"*": {ID: "1", Token: strict.NewSecret("meta-token")}}
		return meta.New(c, name, metrics.NewSet())
	}
	c := webhook.Config{URL: url + "/events", Secrets: []strict.Secret{strict.NewSecret(secret)}, MaxEvents: 20, Resets: true}
	kind, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return kind
}

// receiver takes webhooks as answer says, and knows what it took.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	taken map[string]int // by event id
}

func startReceiver(t testing.TB, answer func(w http.ResponseWriter, body string) (take bool)) *receiver {
	t.Helper()
	r := &receiver{taken: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		text, err := io.ReadAll(request.Body)
		if err != nil || !answer(w, string(text)) {
			return
		}
		var body struct{ Data []struct{ ID string } }
		if err := json.Unmarshal(text, &body); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range body.Data {
			r.taken[e.ID]++
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// events returns how many events were taken, and how often again.
func (r *receiver) events() (n, again int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, times := range r.taken {
		again += times - 1
	}
	return len(r.taken), again
}

// refuse answers with a status.
func refuse(w http.ResponseWriter, status int) bool {
	w.WriteHeader(status)
	return false
}

// buy is an event that all three may have: the conversion of the n-th visitor.
func buy(n int) string {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"id":%q,"type":"conversion","site":"shop","name":"purchase","title":"title-%d-","url":"https://shop.example.jp/cart?page=2&gclid=abc",`+
		`"visitor_id":"visitor-%d","session_id":"session-%d","ga":"11%d.22","fbp":"fb.1.1596403881668.1%d","user_id":"user-%d","order_id":"order-%d","value":12.5,"currency":"JPY",`+
		`"user_agent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0","consent":{"analytics":true,"advertising":true,"social":true}}`, id, n, n, n, n, n, n, n)
}

// send decides about events and puts what was let through on the events topic.
func (w *world) send(t testing.TB, at time.Time, bodies ...string) {
	t.Helper()
	var messages []stream.Message
	for _, body := range bodies {
		r := w.record(t, at, body)
		messages = append(messages, stream.Message{Key: []byte(enforcer.Key(r)), Value: r.AppendJSON(nil), Time: at})
	}
	if err := w.producer.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

func (w *world) record(t testing.TB, at time.Time, body string) *schemas.Record {
	t.Helper()
	var d schemas.Decoder
	var e schemas.Event
	if _, err := d.Parse([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if bad := d.Event(0, &e); bad != nil {
		t.Fatal(bad)
	}
	e.Time = at
	enforcer.Normalise(&e)
	var v enforcer.Verdict
	table := w.table.Load()
	table.Decide(table.Site(e.Get(schemas.Site)), &e, &enforcer.Request{Now: at}, nil, &v)
	r := new(enforcer.Projector).Record(w.keys, &e, &v, schemas.Allowed)
	if r == nil {
		t.Fatal("the event is not let through")
	}
	return r
}

func (w *world) buys(t testing.TB, n int) {
	t.Helper()
	var bodies []string
	for i := range n {
		bodies = append(bodies, buy(i))
	}
	w.send(t, time.Now(), bodies...)
}

// reset resets an identifier, durably, and returns its offset.
func (w *world) reset(t testing.TB, f schemas.Field, identifier, recipient string) int64 {
	t.Helper()
	r := schemas.Reset{Field: f, Hash: [16]byte([]byte(identifier + "................")[:16]), At: time.Now(), Recipient: recipient, Pseudonyms: w.keys.Pseudonyms(f, identifier)}
	offset, err := w.resets.Append(t.Context(), []schemas.Reset{r})
	if err != nil {
		t.Fatal(err)
	}
	return offset
}

// topic returns all messages of a topic.
func (w *world) topic(t testing.TB, name string) (list []kafka.Message) {
	t.Helper()
	spans, err := w.cluster.Spans(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range spans {
		if err := w.cluster.Read(t.Context(), name, span, func(m *kafka.Message) error {
			list = append(list, *m)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// letters returns the dead letters.
func (w *world) letters(t testing.TB) (list []schemas.DeadLetter) {
	t.Helper()
	if err := stream.NewDeadLetters(w.cluster, nil).Each(t.Context(), func(l *schemas.DeadLetter) error {
		list = append(list, *l)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// eventually asks until it is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("not within two minutes: %s", what)
		case <-tick.C:
		}
	}
}
