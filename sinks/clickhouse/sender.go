package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	client "github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// sender is a connection on which blocks of events are sent, with the memory in
// which they are written: clickhouse-go has no way to use that again, and cannot
// send a column as it is at hand. It serves one insert at a time.
type sender struct {
	store *Store
	block *block
	bytes proto.Buffer // of what is sent, as large as the largest was
	conn  net.Conn
	peer  *client.Client
	used  time.Time
}

func newSender(s *Store) *sender { return &sender{store: s, block: newBlock()} }

// send stores the chosen events as one block, under a query id. Once ClickHouse
// knows of the insert, and before anything of it is sent, ready is asked whether
// to go on; its error is returned as it is. After any other, what has become of
// the insert is not known.
func (s *sender) send(ctx context.Context, table, id, token string, e *events, chosen []int32, ready func() error) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	defer s.block.begin(e, nil)
	conn := s.conn
	// The client does not look at ctx while it waits for an answer.
	hangUp := func() { _ = conn.Close() }
	defer context.AfterFunc(ctx, hangUp)()
	var refusal error
	sent := false
	err := s.peer.Do(ctx, client.Query{
		Body:    "INSERT INTO " + s.store.Table(table) + " (" + columnNames + ") VALUES",
		QueryID: id,
		Input:   s.block.input,
		Settings: []client.Setting{
			{Key: "insert_deduplication_token", Value: token, Important: true},
		},
		OnInput: func(context.Context) error {
			if sent {
				s.block.begin(e, nil)
				return io.EOF
			}
			sent = true
			if refusal = ready(); refusal != nil {
				hangUp()
				return refusal
			}
			s.block.begin(e, chosen)
			s.bytes.Buf = slices.Grow(s.bytes.Buf, s.block.size())
			return nil
		},
	})
	if err == nil {
		s.used = time.Now()
		return nil
	}
	s.close()
	switch {
	case refusal != nil:
		return refusal
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// eventSettings are those of inserts of events, where the server knows them.
var eventSettings = []client.Setting{
	{Key: "optimize_on_insert", Value: "0"},                 // no block has two of one key
	{Key: "materialize_skip_indexes_on_insert", Value: "0"}, // merges make them; a part without is read
}

// fresh is for how long a connection is taken to be alive.
const fresh = time.Second

// connect makes sure that there is a connection: the first of the addresses that
// takes one.
func (s *sender) connect(ctx context.Context) error {
	if s.peer != nil {
		if time.Since(s.used) < fresh || s.peer.Ping(ctx) == nil {
			return nil
		}
		s.close()
	}
	c := &s.store.config
	encryption, err := c.TLS.Config("clickhouse.tls")
	if err != nil {
		return err
	}
	for _, address := range c.Addresses {
		if err = s.dial(ctx, address, encryption); err == nil {
			return nil
		}
	}
	return fmt.Errorf("cannot reach ClickHouse at %v: %w", c.Addresses, err)
}

func (s *sender) dial(ctx context.Context, address string, encryption *tls.Config) (err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if encryption == nil {
		s.conn, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	} else {
		s.conn, err = (&tls.Dialer{Config: encryption}).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return err
	}
	c := &s.store.config
	options := client.Options{
		User: c.Username, Password: c.Password.Reveal(), Compression: client.CompressionLZ4, ReadTimeout: c.Timeout, HandshakeTimeout: dialTimeout,
	}
	for key, value := range c.settings() {
		options.Settings = append(options.Settings, client.Setting{Key: key, Value: fmt.Sprint(value), Important: true})
	}
	options.Settings = append(options.Settings, eventSettings...)
	s.bytes.Reset()
	s.peer, err = client.ConnectWithBuffer(ctx, s.conn, options, &s.bytes)
	if err != nil {
		_ = s.conn.Close()
		return err
	}
	s.used = time.Now()
	return nil
}

func (s *sender) close() {
	if s.peer != nil {
		_ = errors.Join(s.peer.Close(), s.conn.Close()) // one of them is too late
		s.peer = nil
	}
}
