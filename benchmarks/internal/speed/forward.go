package speed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"sekisho/benchmarks/internal/parts"
	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

const (
	forwardOf = "Kafka to a third party's stand-in, 4 partitions, 4 events a visitor"
	// perVisitor is how many events each visitor has, one after the other: Google
	// takes in one request those of one visitor alone.
	perVisitor = 4
)

// forwardScenario has a topic full of orders, which all third parties of the example
// policy may have, sent to the stand-in of each, by one forwarder at a time.
func forwardScenario(ctx context.Context, s *stage, r *Report) error {
	events, repetitions := 200_000, 3
	if s.options.Quick {
		events, repetitions = 40_000, 2
	}
	vendors, configuration, err := s.vendors(ctx)
	if err != nil {
		return err
	}
	for repetition := range repetitions {
		topic := fmt.Sprintf("speed.forward%d", repetition)
		environment := []string{"SEKISHO_KAFKA_TOPICS_EVENTS=" + topic}
		if err := s.once(ctx, environment, "topics"); err != nil {
			return err
		}
		if err := s.orders(ctx, topic, events); err != nil {
			return err
		}
		for _, recipient := range []string{"google", "meta", "partner"} {
			v, err := s.forward(ctx, recipient, configuration, environment, events)
			if err != nil {
				return err
			}
			s.options.say("  %d events to %s at %.0f/s", events, recipient, v[eventsPerSecond])
			r.add(forwardOf, recipient, v)
		}
	}
	return s.end(vendors)
}

// vendors starts the stand-ins, and returns the file that has the configuration of
// forwarders to them.
func (s *stage) vendors(ctx context.Context) (p *server, file string, err error) {
	port := parts.FreePort()
	if port == 0 {
		return nil, "", errPort
	}
	log := s.log("vendors")
	p = &server{name: "stand-ins", Process: &parts.Process{
		Name: "stand-ins", Path: s.program, Log: log, Environment: s.environment,
		Arguments: []string{"vendors", "--data", filepath.Join(s.dir, "vendors"), fmt.Sprintf("--google-port=%d", port), "--meta-port=0", "--webhook-port=0"},
		Ready:     parts.Answers("http://" + parts.Loopback(port) + "/"),
	}}
	s.servers = append(s.servers, p)
	if err := s.run(ctx, p.Process); err != nil {
		return nil, "", err
	}
	// It says what to configure once all of them are there.
	for {
		said, err := os.ReadFile(log)
		if err != nil {
			return nil, "", err
		}
		if _, rest, ok := bytes.Cut(said, []byte("forwarders:\n")); ok && bytes.Contains(rest, []byte("\n\n")) {
			text, _, _ := bytes.Cut(rest, []byte("\n\n"))
			file = filepath.Join(s.dir, "forwarders.yaml")
			return p, file, os.WriteFile(file, fmt.Appendf(nil, "forwarders:\n%s\n", text), 0o600)
		}
		select {
		case <-ctx.Done():
			return nil, "", ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// forward sends the topic's events to a recipient.
func (s *stage) forward(ctx context.Context, recipient, configuration string, environment []string, events int) (Values, error) {
	begun := time.Now()
	p, err := s.role(ctx, "forwarder to "+recipient, environment, "forward", recipient, "--config", configuration)
	if err != nil {
		return nil, err
	}
	if _, err := p.await(ctx, "sekisho_forward_partitions", 1); err != nil {
		return nil, err
	}
	joined := time.Now()
	profiled := p.profile(ctx, "forwarder to "+recipient, 3*time.Second)
	end, err := p.await(ctx, "sekisho_forward_events_total", float64(events))
	if err != nil {
		return nil, err
	}
	seconds := time.Since(joined).Seconds()
	if sent := end.metrics[fmt.Sprintf("sekisho_forward_events_total{recipient=%q,outcome=\"sent\"}", recipient)]; sent != float64(events) {
		return nil, fmt.Errorf("%.0f of %d events were sent to %s within %v", sent, events, recipient, time.Since(begun))
	}
	v := Values{eventsPerSecond: float64(events) / seconds, resident: float64(end.resident) / (1 << 20)}
	if end.cpu > 0 {
		v[cpuOfEvent] = float64(end.cpu.Microseconds()) / float64(events)
	}
	return v, errors.Join(<-profiled, s.end(p))
}

// orders puts events that were let through on a topic, as a collector does.
func (s *stage) orders(ctx context.Context, topic string, n int) error {
	rules, err := policy.Parse(policy.Example)
	if err != nil {
		return err
	}
	keys, err := enforcer.NewKeys(pseudonymKeyID, []byte(s.secret))
	if err != nil {
		return err
	}
	c := stream.DefaultConfig()
	c.Brokers, c.Partitions, c.Topics.Events = []string{s.broker}, numPartitions, topic
	cluster, err := stream.Connect(c)
	if err != nil {
		return err
	}
	defer cluster.Close()
	producer := stream.NewProducer(cluster, numPartitions, stream.ProducerOptions{Log: slog.New(slog.DiscardHandler)})
	defer producer.Close()
	table := enforcer.Compile(rules)
	var decoder schemas.Decoder
	var verdict enforcer.Verdict
	var projector enforcer.Projector
	var messages []stream.Message
	for i := range n {
		now := time.Now()
		body := fmt.Appendf(nil, `{"id":%q,"type":"conversion","site":"travel","name":"order","value":12.5,"currency":"EUR","order_id":"order-%d",`+
			`"visitor_id":"visitor-%d","session_id":"session-%d","ga":"1116446470.%d","fbp":"fb.1.1596403881668.%d","url":"https://travel.example.com/trips/thanks?page=2",`+
			`"title":"Thank you","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0","consent":{"analytics":true,"advertising":true}}`,
			uuid.Must(uuid.NewV7()), i, i/perVisitor, i/perVisitor, 1_700_000_000+i/perVisitor, 1_000_000+i/perVisitor)
		var e schemas.Event
		if _, err := decoder.Parse(body); err != nil {
			return err
		}
		if problem := decoder.Event(0, &e); problem != nil {
			return problem
		}
		e.Time = now
		enforcer.Normalise(&e)
		table.Decide(table.Site(e.Get(schemas.Site)), &e, &enforcer.Request{Now: now}, nil, &verdict)
		record := projector.Record(keys, &e, &verdict, schemas.Allowed)
		if record == nil || len(record.Grants) != 4 {
			return fmt.Errorf("the example policy does not give orders to all its third parties: %v", record)
		}
		messages = append(messages, stream.Message{Key: []byte(enforcer.Key(record)), Value: record.AppendJSON(nil), Time: now})
		if len(messages) == 1000 || i == n-1 {
			if err := producer.Write(ctx, messages); err != nil {
				return err
			}
			messages = messages[:0]
		}
	}
	return nil
}
