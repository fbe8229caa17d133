package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

// produce writes the batch, again and again until the deadline: kafka-go does
// not retry by itself. A copy that landed unseen is found by its ids later.
func (q *queue) produce(b *batch, accounts []account, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := q.attempt(ctx, b, accounts)
		b.unknown = b.unknown || err != nil
		switch {
		case err == nil:
			return nil
		case isPermanent(err):
			return unavailable(err)
		}
		select {
		case <-ctx.Done():
			return unavailable(err)
		case <-time.After(pause):
		}
	}
}

// attempt writes the batch once. It gives up half-way to the timeout, so that
// a connection that went dead unseen does not use up all of it.
func (q *queue) attempt(ctx context.Context, b *batch, accounts []account) error {
	p := q.producer
	ctx, cancel := context.WithTimeout(ctx, p.timeout/2)
	defer cancel()
	compression := kafka.Lz4
	if b.size < minCompressed {
		compression = 0
	}
	answer, err := p.client.Produce(ctx, &kafka.ProduceRequest{
		Topic:        p.topic,
		Partition:    q.partition,
		RequiredAcks: kafka.RequireAll,
		Records:      &batchReader{batch: b, accounts: accounts, now: time.Now()},
		Compression:  compression,
	})
	err = produced(answer, err)
	q.health(err)
	return err
}

// minCompressed is the size from which a batch is compressed. Small ones are those
// of times without much to do: compressing them takes more than it saves.
const minCompressed = 16 << 10

// produced returns why a produce request was not acknowledged, nil when it was.
func produced(answer *kafka.ProduceResponse, err error) error {
	if err == nil {
		err = answer.Error
	}
	if err == nil {
		for _, err = range answer.RecordErrors {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("cannot produce: %w", err)
	}
	return nil
}

// isPermanent reports whether trying the same batch again cannot help.
func isPermanent(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.TopicAuthorizationFailed) ||
		errors.Is(err, kafka.InvalidRequiredAcks)
}

// batchReader reads the batch's records and then the accounts, each as Kafka
// has them. A record is valid until the next is read.
type batchReader struct {
	batch    *batch
	accounts []account
	now      time.Time
	next     int

	record     kafka.Record
	key, value payload
}

// ReadRecord returns the next record, or io.EOF.
func (r *batchReader) ReadRecord() (*kafka.Record, error) {
	i := r.next
	r.next++
	if i < len(r.batch.records) {
		at, text := &r.batch.records[i], r.batch.bytes
		r.key.Reset(text[at.key:at.value])
		r.value.Reset(text[at.value:at.end])
		r.record = kafka.Record{Time: r.notAhead(at.time), Key: &r.key, Value: &r.value, Headers: eventHeaders}
		return &r.record, nil
	}
	if i -= len(r.batch.records); i < len(r.accounts) {
		a := &r.accounts[i]
		r.value.Reset(a.value)
		r.record = kafka.Record{Time: a.time, Value: &r.value, Headers: accountHeaders(a.id)}
		return &r.record, nil
	}
	return nil, io.EOF
}

// notAhead returns a time of which Kafka takes a message. Clocks of clients are
// ahead, and for a message of the future Kafka refuses the whole batch. The hour
// that has begun is as coarse as what is anonymised is.
func (r *batchReader) notAhead(t time.Time) time.Time {
	if t.After(r.now) {
		return r.now.Truncate(time.Hour)
	}
	return t
}

// payload is a key or a value.
type payload struct{ bytes.Reader }

// Close has nothing to close.
func (*payload) Close() error { return nil }
