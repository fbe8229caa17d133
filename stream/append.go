package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// Entry is a message to append to a topic. A nil Value takes the key's earlier
// messages out of a compacted topic.
type Entry struct {
	Time       time.Time
	Key, Value []byte
	Headers    []kafka.Header
}

// Append writes messages to one partition of a topic and returns the offset of
// the first once all in-sync replicas have them, or an error when that is not
// known after kafka.timeout: they may be there nevertheless, once or more often.
// For what is written seldom; events have a [Producer].
func (c *Cluster) Append(ctx context.Context, topic string, partition int, entries []Entry) (offset int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		offset, err = c.append(ctx, topic, partition, entries)
		switch {
		case err == nil:
			return offset, nil
		case isPermanent(err):
			return 0, fmt.Errorf("cannot write to topic %s: %w", topic, err)
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("cannot write to topic %s: %w", topic, err)
		case <-time.After(pause):
		}
	}
}

// appendAll appends messages in as many batches as they need.
func (c *Cluster) appendAll(ctx context.Context, topic string, partition int, entries []Entry) error {
	for len(entries) > 0 {
		n, size := 0, 0
		for ; n < len(entries); n++ {
			if size += len(entries[n].Key) + len(entries[n].Value); size > maxBatch && n > 0 {
				break
			}
		}
		if _, err := c.Append(ctx, topic, partition, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

func (c *Cluster) append(ctx context.Context, topic string, partition int, entries []Entry) (offset int64, err error) {
	records := make([]kafka.Record, len(entries))
	for i, e := range entries {
		records[i] = kafka.Record{Time: e.Time, Key: kafka.NewBytes(e.Key), Value: kafka.NewBytes(e.Value), Headers: e.Headers}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout/2)
	defer cancel()
	answer, err := c.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err := produced(answer, err); err != nil {
		return 0, err
	}
	return answer.BaseOffset, nil
}
