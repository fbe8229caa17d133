package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// rig is a collector as the collect command makes it, with a Kafka of its own.
type rig struct {
	t         testing.TB
	dir       string // of Kafka
	kafka     *kfake.Cluster
	hung      sync.RWMutex // locked while Kafka reads nothing
	cluster   *stream.Cluster
	producer  *stream.Producer
	enforcer  *enforcer.Enforcer
	collector *Collector
	metrics   *metrics.Set
	log       *logged
	address   string
	served    chan error
}

const partitions = 2

// plenty is more time than anything takes, also where the machine has other things to do.
const plenty = time.Minute

// option changes how a rig is made.
type option func(*Config, *stream.Config)

func start(t testing.TB, options ...option) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), log: new(logged), metrics: metrics.NewSet(), served: make(chan error, 1)}
	config, kafkaConfig := DefaultConfig(), stream.DefaultConfig()
	config.Rate, config.MaxConnectionsPerAddress = 0, 0
	kafkaConfig.Partitions, kafkaConfig.Timeout = partitions, plenty/2
	for _, o := range options {
		o(&config, &kafkaConfig)
	}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.startKafka(0)
	kafkaConfig.Brokers = r.kafka.ListenAddrs()
	r.cluster = must(stream.Connect(kafkaConfig))(t)
	t.Cleanup(r.cluster.Close)
	r.ensureTopics(kafkaConfig)
	r.producer = stream.NewProducer(r.cluster, partitions, stream.ProducerOptions{Log: log})
	t.Cleanup(r.producer.Close)

	keys := must(enforcer.NewKeys("k1", []byte(strings.Repeat("p", enforcer.MinSecret))))(t)
	hasher := must(registry.NewHasher([]byte(strings.Repeat("r", registry.MinSecret))))(t)
	known := enforcer.NewResets(hasher)
	r.enforcer = enforcer.New(enforcer.Compile(must(policy.Parse(policy.Example))(t)), keys, known)
	resets := stream.NewResets(r.cluster, known.Put, log)
	ctx, stop := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { resets.Follow(ctx) })
	progress := stream.NewProgress(r.cluster)
	following.Go(func() { progress.Follow(ctx, log) })
	t.Cleanup(func() { stop(); following.Wait() })

	r.collector = New(Options{
		Config: config, Enforcer: r.enforcer, Keys: keys, Events: r.producer, Resets: resets,
		Receipts: stream.NewReceipts(r.cluster), Tickets: must(NewTickets([]byte(strings.Repeat("r", registry.MinSecret))))(t),
		Progress: progress, ResetBound: kafkaConfig.ResetBound(),
		Ready: resets.Ready, Metrics: r.metrics, Log: log,
	})
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	r.address = listener.Addr().String()
	go func() { r.served <- r.collector.Serve(listener) }()
	t.Cleanup(func() {
		client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), plenty)
		defer cancel()
		if err := r.collector.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	wait(t, "the collector is ready", func() bool { return resets.Ready() == nil })
	return r
}

// ensureTopics makes the topics, which takes longer than what some tests have little
// time for.
func (r *rig) ensureTopics(config stream.Config) {
	r.t.Helper()
	config.Timeout = plenty
	patient := must(stream.Connect(config))(r.t)
	defer patient.Close()
	must(patient.EnsureTopics(r.t.Context()))(r.t)
}

func (r *rig) startKafka(port int) {
	r.t.Helper()
	var err error
	// A port of before may be the local one of somebody's connection for a while.
	wait(r.t, "Kafka has its port", func() bool {
		r.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(r.dir), kfake.SyncWrites(), kfake.ListenFn(r.listen))
		return !errors.Is(err, syscall.EADDRINUSE)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(r.kafka.Close)
}

// hang has Kafka read nothing until the returned function is called.
func (r *rig) hang() (release func()) {
	r.hung.Lock()
	release = sync.OnceFunc(r.hung.Unlock)
	r.t.Cleanup(release)
	return release
}

func (r *rig) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return &slowListener{l, r}, err
}

type slowListener struct {
	net.Listener
	rig *rig
}

func (l *slowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &slowConn{c, l.rig}, err
}

type slowConn struct {
	net.Conn
	rig *rig
}

func (c *slowConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.rig.hung.RLock()
	defer c.rig.hung.RUnlock()
	return n, err
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// logged is a log.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait waits until a condition holds.
func wait(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(plenty); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// client keeps connections, follows nothing and undoes nothing.
var client = &http.Client{
	Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
	Timeout:   plenty,
}

// answer is what a request was answered with.
type answer struct {
	status int
	header http.Header
	body   string
	closes bool // the connection
}

// header is a request header, "Name: value".
func (r *rig) do(method, path, body string, headers ...string) answer {
	r.t.Helper()
	a, err := r.try(method, path, body, headers...)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (r *rig) try(method, path, body string, headers ...string) (answer, error) {
	request, err := http.NewRequest(method, "http://"+r.address+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			request.Host = value
			continue
		}
		request.Header.Add(name, value)
	}
	if body != "" && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text), response.Close}, err
}

func (r *rig) post(body string, headers ...string) answer {
	r.t.Helper()
	return r.do("POST", "/v1/events", body, headers...)
}

const represent = "Prefer: return=representation"

// want checks a status and that the answer has a text.
func (a answer) want(t testing.TB, what string, status int, parts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: got %d (%s), want %d", what, a.status, strings.TrimSpace(a.body), status)
	}
	for _, part := range parts {
		if !strings.Contains(a.body, part) {
			t.Errorf("%s: %q is not in the answer: %s", what, part, a.body)
		}
	}
	if (a.status == 429 || a.status == 503) && a.header.Get("Retry-After") == "" {
		t.Errorf("%s: %d without Retry-After", what, a.status)
	}
}

func (a answer) represented(t testing.TB) (r representation) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(a.body))
	decoder.DisallowUnknownFields()
	var raw struct {
		Error   string
		Invalid []invalidEvent
		Events  []struct {
			ID, Outcome, Reason string
			Stripped            []string
		}
	}
	if err := decoder.Decode(&raw); err != nil {
		t.Fatalf("%v in %d %s", err, a.status, a.body)
	}
	r.Error, r.Invalid = raw.Error, raw.Invalid
	for _, e := range raw.Events {
		result := eventResult{ID: e.ID, Stripped: e.Stripped}
		if err := result.Outcome.UnmarshalText([]byte(e.Outcome)); err != nil {
			t.Error(err)
		}
		if err := result.Reason.UnmarshalText([]byte(e.Reason)); err != nil {
			t.Error(err)
		}
		r.Events = append(r.Events, result)
	}
	return r
}

// page is a page view of the shop; more is added to the object.
func page(more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"type":"pageview","site":"shop","url":"https://shop.example.jp/"` + more + `}`
}

const (
	yes = `"consent":{"analytics":true,"advertising":true,"social":true}`
	no  = `"consent":{"analytics":false,"advertising":false,"social":false}`
	// Origins of the example policy's shop.
	shop = "Origin: https://shop.example.jp"
)

// stored is what is in Kafka.
type stored struct {
	messages []kafka.Message // of both topics
	events   []kafka.Message
	sum      schemas.Account
}

// stored reads all of Kafka, once every refusal is in it.
func (r *rig) stored() (s stored) {
	r.t.Helper()
	s.sum = schemas.Account{}
	seen := map[uuid.UUID]bool{}
	topics := r.cluster.Config().Topics
	for partition := range partitions {
		for _, m := range r.readAll(topics.Events, partition) {
			s.messages = append(s.messages, m)
			if string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) == schemas.KindEvent {
				s.events = append(s.events, m)
				continue
			}
			id := must(uuid.FromBytes(stream.HeaderOf(m.Headers, schemas.HeaderBatch)))(r.t)
			if seen[id] {
				continue
			}
			seen[id] = true
			if err := s.sum.Add(m.Value); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	s.messages = append(s.messages, r.readAll(topics.Resets, 0)...)
	return s
}

func (r *rig) readAll(topic string, partition int) (all []kafka.Message) {
	r.t.Helper()
	end := r.kafka.PartitionInfo(topic, int32(partition)).HighWatermark
	if end == 0 {
		return nil
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: r.kafka.ListenAddrs(), Topic: topic, Partition: partition,
		MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 100 * time.Millisecond, ReadLagInterval: -1,
	})
	defer reader.Close()
	ctx, cancel := context.WithTimeout(context.Background(), plenty)
	defer cancel()
	for at := int64(0); at < end; {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			r.t.Fatal(err)
		}
		all, at = append(all, m), m.Offset+1
	}
	return all
}

// counted sums what an account has for the gateway as a whole, by
// "site type outcome reason".
func counted(a schemas.Account) map[string]uint64 {
	sum := map[string]uint64{}
	for d, n := range a {
		if d.Recipient == "" {
			sum[fmt.Sprintf("%s %s %s %s", d.Site, d.Type, d.Outcome, d.Reason)] += n
		}
	}
	return sum
}

// exported reads the same sums from the metrics.
func (r *rig) exported() map[string]uint64 {
	sum := map[string]uint64{}
	for _, line := range strings.Split(r.metricsText(), "\n") {
		var site, kind, outcome, reason string
		var n uint64
		if labels, ok := strings.CutPrefix(line, "sekisho_events_total"); ok {
			if _, err := fmt.Sscanf(labels, "{site=%q,type=%q,outcome=%q,reason=%q} %d", &site, &kind, &outcome, &reason, &n); err != nil {
				r.t.Fatalf("%s: %v", line, err)
			}
			sum[strings.Join([]string{site, kind, outcome, reason}, " ")] += n
		}
	}
	return sum
}

func (r *rig) metricsText() string {
	var text bytes.Buffer
	r.metrics.WritePrometheus(&text)
	return text.String()
}

// metric returns the value of a metric without labels.
func (r *rig) metric(name string) string {
	for _, line := range strings.Split(r.metricsText(), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value
		}
	}
	r.t.Fatalf("there is no metric %s", name)
	return ""
}

// accounted waits until the accounts in Kafka and the metrics are what is
// wanted, and fails when they become anything else.
func (r *rig) accounted(want map[string]uint64) {
	r.t.Helper()
	total := func(m map[string]uint64) (n uint64) {
		for _, count := range m {
			n += count
		}
		return n
	}
	wait(r.t, "every event is in an account", func() bool { return total(counted(r.stored().sum)) >= total(want) })
	for where, have := range map[string]map[string]uint64{"Kafka": counted(r.stored().sum), "the metrics": r.exported()} {
		for _, m := range []map[string]uint64{want, have} {
			for key := range m {
				if have[key] != want[key] {
					r.t.Errorf("%s has %d of %q, want %d", where, have[key], key, want[key])
				}
			}
		}
	}
}

// places are all texts that leave the collector: Kafka's messages, its files,
// the log and the metrics, by name.
func (r *rig) places() map[string]string {
	r.t.Helper()
	places := map[string]string{"the log": r.log.String(), "the metrics": r.metricsText()}
	for _, m := range r.stored().messages {
		text := string(m.Key) + "\n" + string(m.Value)
		for _, h := range m.Headers {
			text += "\n" + h.Key + "\n" + string(h.Value)
		}
		places[fmt.Sprintf("message %s/%d/%d", m.Topic, m.Partition, m.Offset)] = text
	}
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return gone(err)
		}
		content, err := os.ReadFile(path)
		places[path] = string(content)
		return gone(err)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return places
}

// gone passes over a file that Kafka took away while the files were read.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// nowhere fails when one of the secrets is in one of the places.
func (r *rig) nowhere(secrets ...string) {
	r.t.Helper()
	for place, text := range r.places() {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				r.t.Errorf("%s has %s", place, secret)
			}
		}
	}
}

// cookies returns the cookies that an answer sets.
func (a answer) cookies() []*http.Cookie {
	return (&http.Response{Header: a.header}).Cookies()
}

// raw sends bytes over a connection of their own and returns all that comes
// back until it is closed.
func (r *rig) raw(request string) string {
	r.t.Helper()
	c := must(net.Dial("tcp", r.address))(r.t)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(plenty))
	// The collector may have answered and hung up before it has heard all.
	_, _ = io.WriteString(c, request)
	_ = c.(*net.TCPConn).CloseWrite()
	text, _ := io.ReadAll(c)
	return string(text)
}
