package speed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fastjson"

	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/ingest"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// ServerCommand is the first argument that makes a process a server to compare
// with; its second one is a serverOptions as JSON.
const ServerCommand = "speed-server"

// What to compare with.
const (
	bareFasthttp      = "bare fasthttp"
	netHTTP           = "net/http"
	withoutEnforcing  = "without enforcement"
	withoutKafka      = "without Kafka"
	sekisho           = "sekisho"
	unenforcedTopic   = "speed.unenforced"
	maxConcurrency    = 4096
	pseudonymKeyID    = "k1"
	collectorSnapshot = "collector.resets.snapshot"
)

type serverOptions struct {
	Kind, Listen, Admin string
	Brokers             []string // of withoutEnforcing
	Partitions          int
	Policy, Snapshot    string // files, of withoutKafka
	Secret, Registry    string
}

// ServerMain serves until it is told to stop.
func ServerMain(arguments []string) int {
	err := func() error {
		var o serverOptions
		if len(arguments) != 1 {
			return fmt.Errorf("got %d arguments, want 1", len(arguments))
		}
		if err := json.Unmarshal([]byte(arguments[0]), &o); err != nil {
			return err
		}
		return o.serve()
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (o *serverOptions) serve() error {
	serve := map[string]func(net.Listener) error{
		bareFasthttp: o.serveBare, netHTTP: o.serveNetHTTP, withoutEnforcing: o.serveUnenforced, withoutKafka: o.serveUnkept,
	}[o.Kind]
	if serve == nil {
		return fmt.Errorf("there is no server %q", o.Kind)
	}
	admin, err := net.Listen("tcp", o.Admin)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	ended := make(chan error, 2)
	go func() { ended <- http.Serve(admin, http.HandlerFunc(adminPages)) }()
	go func() { ended <- serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-stop:
		return nil
	}
}

func adminPages(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" {
		metrics.WriteProcessMetrics(w)
	}
}

// serveBare reads nothing of a request.
func (o *serverOptions) serveBare(l net.Listener) error {
	s := &fasthttp.Server{
		Handler:     func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(fasthttp.StatusNoContent) },
		Concurrency: maxConcurrency, NoDefaultServerHeader: true, NoDefaultDate: true,
	}
	return s.Serve(l)
}

func (o *serverOptions) serveNetHTTP(l net.Listener) error {
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
}

// serveUnenforced parses the events and gives them to Kafka as they came.
func (o *serverOptions) serveUnenforced(l net.Listener) error {
	c := stream.DefaultConfig()
	c.Brokers, c.Partitions, c.Topics.Events = o.Brokers, o.Partitions, unenforcedTopic
	cluster, err := stream.Connect(c)
	if err != nil {
		return err
	}
	producer := stream.NewProducer(cluster, o.Partitions, stream.ProducerOptions{Log: slog.Default()})
	type session struct {
		parser   fastjson.Parser
		messages []stream.Message
		values   []byte
	}
	sessions := sync.Pool{New: func() any { return new(session) }}
	s := &fasthttp.Server{Concurrency: maxConcurrency, NoDefaultServerHeader: true, NoDefaultDate: true, Handler: func(ctx *fasthttp.RequestCtx) {
		s := sessions.Get().(*session)
		defer sessions.Put(s)
		s.messages, s.values = s.messages[:0], s.values[:0]
		body := ctx.Request.Body()
		value, err := s.parser.ParseBytes(body)
		if err != nil {
			ctx.SetStatusCode(fasthttp.StatusBadRequest)
			return
		}
		if events, err := value.Array(); err == nil {
			for _, event := range events {
				start := len(s.values)
				s.values = event.MarshalTo(s.values)
				s.messages = append(s.messages, stream.Message{Key: event.GetStringBytes("id"), Value: s.values[start:]})
			}
		} else {
			s.messages = append(s.messages, stream.Message{Key: value.GetStringBytes("id"), Value: body})
		}
		if producer.Write(context.Background(), s.messages) != nil {
			ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
			return
		}
		ctx.SetStatusCode(fasthttp.StatusNoContent)
	}}
	return s.Serve(l)
}

// nowhere is where messages are durable at once.
type nowhere struct{}

func (nowhere) Submit([]stream.Message) (*stream.Waiter, error) { return stream.Durable(), nil }
func (nowhere) Count(schemas.Decision) bool                     { return true }
func (nowhere) Settle()                                         {}

// serveUnkept is the collector in all but what makes events durable.
func (o *serverOptions) serveUnkept(l net.Listener) error {
	c, err := o.unkept()
	if err != nil {
		return err
	}
	return c.Serve(l)
}

func (o *serverOptions) unkept() (*ingest.Collector, error) {
	text, err := os.ReadFile(o.Policy)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(text)
	if err != nil {
		return nil, err
	}
	keys, errKeys := enforcer.NewKeys(pseudonymKeyID, []byte(o.Secret))
	hasher, errHasher := registry.NewHasher([]byte(o.Registry))
	if err := errors.Join(errKeys, errHasher); err != nil {
		return nil, err
	}
	resets := enforcer.NewResets(hasher)
	if o.Snapshot != "" {
		file, err := os.Open(o.Snapshot)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		set, _, err := registry.ReadSnapshot(file)
		if err != nil {
			return nil, err
		}
		resets.Set().Replace(set)
	}
	config := ingest.DefaultConfig()
	config.Rate, config.MaxConnectionsPerAddress = 0, 0
	return ingest.New(ingest.Options{
		Config: config, Enforcer: enforcer.New(enforcer.Compile(p), keys, resets), Keys: keys, Events: nowhere{},
		Ready: func() error { return nil }, Metrics: metrics.NewSet(), Log: slog.Default(),
	}), nil
}
