package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Cluster is a Kafka cluster and how to speak to it. Safe for concurrent use.
type Cluster struct {
	config    Config
	transport *kafka.Transport
	client    *kafka.Client
	dialer    *kafka.Dialer
}

// Connect prepares to speak to the cluster. It dials nothing yet; it fails
// when the files or names of the configuration are no good.
func Connect(c Config) (*Cluster, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("kafka.brokers is empty: name a broker (host:port), or run `sekisho up`, which brings its own")
	}
	encryption, err := c.TLS.Config("kafka.tls")
	if err != nil {
		return nil, err
	}
	authentication, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	transport := &kafka.Transport{
		TLS:         encryption,
		SASL:        authentication,
		DialTimeout: 5 * time.Second,
		// A moved leader is noticed no earlier than this.
		MetadataTTL: 2 * time.Second,
	}
	return &Cluster{
		config:    c,
		transport: transport,
		client:    &kafka.Client{Addr: kafka.TCP(c.Brokers...), Transport: transport},
		dialer:    &kafka.Dialer{Timeout: 5 * time.Second, DualStack: true, TLS: encryption, SASLMechanism: authentication},
	}, nil
}

// Close ends idle connections.
func (c *Cluster) Close() { c.transport.CloseIdleConnections() }

// Config returns the configuration that the cluster was connected with.
func (c *Cluster) Config() Config { return c.config }

// Wait returns when a broker answers, trying again with growing pauses until
// ctx ends; report is told of each failure.
func (c *Cluster) Wait(ctx context.Context, report func(error, time.Duration)) error {
	err := Retry(ctx, report, func() (again bool, err error) {
		_, err = c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.config.Topics.Events}})
		return true, err
	})
	if err != nil {
		return fmt.Errorf("cannot reach Kafka at %v: %w", c.config.Brokers, err)
	}
	return nil
}

// mechanism returns the SASL mechanism, nil for none.
func (s *SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: s.Username, Password: s.Password.Reveal()}, nil
	}
	algorithm := scram.SHA256
	if s.Mechanism == "scram-sha-512" {
		algorithm = scram.SHA512
	}
	m, err := scram.Mechanism(algorithm, s.Username, s.Password.Reveal())
	if err != nil {
		return nil, fmt.Errorf("cannot use kafka.sasl: the name or password is not allowed in %s", s.Mechanism)
	}
	return m, nil
}
