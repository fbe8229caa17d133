package faults

import (
	"bytes"
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// topicAccount adds up the accounts of the events topic, each once, and goes on
// where it was the next time.
type topicAccount struct {
	cluster *stream.Cluster
	topic   string
	next    map[int]int64
	seen    map[uuid.UUID]struct{}
	sum     schemas.Account
	copies  int // accounts written more than once: acknowledgements that were lost

	decoder schemas.RecordDecoder
	ids     map[uuid.UUID]struct{} // of events
}

func newTopicAccount(c *stream.Cluster, topic string) *topicAccount {
	return &topicAccount{
		cluster: c, topic: topic, next: map[int]int64{}, seen: map[uuid.UUID]struct{}{}, sum: schemas.Account{},
		ids: map[uuid.UUID]struct{}{},
	}
}

// read adds what has come since.
func (t *topicAccount) read(ctx context.Context) error {
	spans, err := t.cluster.Spans(ctx, t.topic)
	if err != nil {
		return err
	}
	for _, span := range spans {
		span.From = max(span.From, t.next[span.Partition])
		err := t.cluster.Read(ctx, t.topic, span, func(m *kafka.Message) error {
			t.next[span.Partition] = m.Offset + 1
			if string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) != schemas.KindAccount {
				return t.note(m.Value)
			}
			id, err := uuid.FromBytes(stream.HeaderOf(m.Headers, schemas.HeaderBatch))
			if err != nil {
				return fmt.Errorf("an account has no id: %w", err)
			}
			if _, again := t.seen[id]; again {
				t.copies++
				return nil
			}
			t.seen[id] = struct{}{}
			return t.sum.Add(m.Value)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// note notes an event.
func (t *topicAccount) note(value []byte) error {
	var r schemas.Record
	if err := t.decoder.Decode(value, &r); err != nil {
		return fmt.Errorf("there is an event in Kafka that cannot be read: %w", err)
	}
	id, err := uuid.Parse(r.Event.Get(schemas.ID))
	t.ids[id] = struct{}{}
	return err
}

// total is how many events have been received.
func (t *topicAccount) total() (n uint64) {
	for d, count := range t.sum {
		if d.Recipient == "" {
			n += count
		}
	}
	return n
}

// searchTopics reads all of Kafka's topics for a text and reports where it is.
func (s *stage) searchTopics(ctx context.Context, cluster *stream.Cluster, text []byte) (found []string, err error) {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(s.kafka.addresses()...), Transport: transport}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, fmt.Errorf("cannot list topics: %w", err)
	}
	for _, topic := range meta.Topics {
		if topic.Internal || bytes.HasPrefix([]byte(topic.Name), []byte("__")) {
			continue
		}
		spans, err := cluster.Spans(ctx, topic.Name)
		if err != nil {
			return nil, err
		}
		for _, span := range spans {
			hits := 0
			err := cluster.Read(ctx, topic.Name, span, func(m *kafka.Message) error {
				hit := bytes.Contains(m.Key, text) || bytes.Contains(m.Value, text)
				for _, h := range m.Headers {
					hit = hit || bytes.Contains(h.Value, text)
				}
				if hit {
					hits++
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			if hits > 0 {
				found = append(found, fmt.Sprintf("%d messages of topic %s have it", hits, topic.Name))
			}
		}
	}
	return found, nil
}
