package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sekisho/stream"
)

// Store is the ClickHouse database and how to speak to it. Safe for concurrent
// use.
type Store struct {
	config Config
	conn   driver.Conn
}

// maxConnections is twice what the sink uses at most, so that a health check
// never waits for an insert.
const maxConnections = 16

// Connect prepares to speak to ClickHouse. It dials nothing yet; it fails when
// the configuration is no good.
func Connect(c Config) (*Store, error) {
	if len(c.Addresses) == 0 {
		return nil, errors.New("clickhouse.addresses is empty: name a server (host:port of the native protocol), or run `sekisho up`, which brings its own")
	}
	encryption, err := c.TLS.Config("clickhouse.tls")
	if err != nil {
		return nil, err
	}
	conn, err := ch.Open(&ch.Options{
		Addr: c.Addresses,
		// Every statement names the database, which may not be there yet.
		Auth:             ch.Auth{Username: c.Username, Password: c.Password.Reveal()},
		TLS:              encryption,
		Compression:      &ch.Compression{Method: ch.CompressionLZ4},
		Settings:         c.settings(),
		DialTimeout:      dialTimeout,
		ReadTimeout:      c.Timeout,
		MaxOpenConns:     maxConnections,
		MaxIdleConns:     maxConnections,
		ConnOpenStrategy: ch.ConnOpenInOrder,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot use the ClickHouse configuration: %w", err)
	}
	return &Store{config: c, conn: conn}, nil
}

const dialTimeout = 5 * time.Second

// settings are those of all statements.
func (c *Config) settings() ch.Settings {
	settings := ch.Settings{"async_insert": 0} // an insert that is answered is stored
	if c.Cluster != "" {
		settings["distributed_foreground_insert"] = 1
		// What is looked for is looked for where it was stored.
		settings["load_balancing"] = "in_order"
	}
	return settings
}

// Close closes the connections.
func (s *Store) Close() error { return s.conn.Close() }

// Config returns the configuration that the store was connected with.
func (s *Store) Config() Config { return s.config }

// Conn returns the connection, for queries of others. Statements on it name
// their tables with the database; see [Store.Table].
func (s *Store) Conn() driver.Conn { return s.conn }

// Table returns the name, with the database, of the table or view as a query
// names it.
func (s *Store) Table(name string) string { return s.dialect().Name(name) }

// Ping reports whether ClickHouse answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.conn.Ping(ctx); err != nil {
		return fmt.Errorf("cannot reach ClickHouse at %v: %w", s.config.Addresses, err)
	}
	return nil
}

// Wait returns when ClickHouse answers, trying again with growing pauses until
// ctx ends; report is told of each failure.
func (s *Store) Wait(ctx context.Context, report func(error, time.Duration)) error {
	return stream.Retry(ctx, report, func() (again bool, err error) { return true, s.Ping(ctx) })
}
