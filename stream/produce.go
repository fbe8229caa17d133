package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// produce writes the batch, again and again until the deadline: kafka-go does
// not retry by itself. A copy that landed unseen is found by its ids later.
func (q *queue) produce(b *batch, accounts []account, deadline time.Time) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := q.attempt(b, accounts, deadline)
		left := time.Until(deadline)
		switch {
		case err == nil:
			return nil
		case isPermanent(err) || left <= 0:
			return unavailable(err)
		}
		time.Sleep(min(pause, left))
		if pause >= left {
			return unavailable(err)
		}
	}
}

// attempt writes the batch once, until the deadline at the latest. It gives up
// half-way to the timeout, so that a connection that went dead unseen does not use
// up all of it.
func (q *queue) attempt(b *batch, accounts []account, deadline time.Time) error {
	if len(b.records)+len(accounts) == 0 {
		return nil
	}
	p, now := q.producer, time.Now()
	if soon := now.Add(p.timeout / 2); soon.Before(deadline) {
		deadline = soon
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	e := p.encoders.Get().(*encoder)
	records, err := e.encode(b, accounts, now)
	if err == nil {
		var answer *kafka.ProduceResponse
		answer, err = p.client.RawProduce(ctx, &kafka.RawProduceRequest{
			Topic:        p.topic,
			Partition:    q.partition,
			RequiredAcks: kafka.RequireAll,
			RawRecords:   protocol.RawRecordSet{Reader: records},
		})
		err = produced(answer, err)
	}
	// After a failure the client may be reading it still.
	if err == nil {
		p.encoders.Put(e)
	}
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
