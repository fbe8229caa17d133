package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// Mark is a place on the resets topic, and what the topic is known by there: a
// topic that was made anew has the same name and other messages.
type Mark struct {
	Cluster string `json:"cluster"`
	Topic   string `json:"topic"`
	// Next is the offset before which all resets have been applied.
	Next int64 `json:"next"`
	// Signs are some of the last messages before Next, oldest first.
	Signs []Sign `json:"signs"`
}

// Sign is a message that the topic has at an offset, unless compaction took it.
type Sign struct {
	Offset int64  `json:"offset"`
	Digest string `json:"digest"` // of key and value
}

// signs is how many messages a mark has.
const signs = 8

func signOf(offset int64, key, value []byte) Sign {
	h := sha256.New()
	fmt.Fprintf(h, "%d ", len(key))
	h.Write(key)
	h.Write(value)
	return Sign{offset, hex.EncodeToString(h.Sum(nil)[:16])}
}

// ErrForeign is in the error of Resume when the mark is not one of this topic,
// or when that can no longer be told.
var ErrForeign = errors.New("it was taken of another topic, or too long ago to tell")

// Mark returns how far resets have been applied. What has all that had been
// applied when it was taken can go on from there with Resume.
func (r *Resets) Mark() Mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := Mark{Cluster: r.clusterID, Topic: r.cluster.config.Topics.Resets, Next: r.next}
	for i := range r.recent {
		m.Signs = append(m.Signs, signOf(r.recent[i].Offset, r.recent[i].Key, r.recent[i].Value))
	}
	return m
}

// Resume has Follow begin at a mark instead of the topic's beginning. It is
// called before Follow. An error without [ErrForeign] means that Kafka could not
// be asked.
func (r *Resets) Resume(ctx context.Context, m Mark) error {
	id, err := r.cluster.ID(ctx)
	if err != nil {
		return err
	}
	if m.Topic != r.cluster.config.Topics.Resets || m.Cluster != id || len(m.Signs) == 0 {
		return ErrForeign
	}
	_, end, err := r.cluster.bounds(ctx, m.Topic, 0)
	if err != nil {
		return err
	}
	if end < m.Next {
		return ErrForeign
	}
	recent, err := r.cluster.fetch(ctx, m.Topic, 0, m.Signs[0].Offset, m.Next)
	if err != nil {
		return err
	}
	known := 0
	for _, s := range m.Signs {
		for i := range recent {
			if recent[i].Offset != s.Offset {
				continue
			}
			if signOf(s.Offset, recent[i].Key, recent[i].Value) != s {
				return ErrForeign
			}
			known++
		}
	}
	if known == 0 {
		return ErrForeign
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next, r.recent = m.Next, recent[max(len(recent)-signs, 0):]
	return nil
}

// remember keeps the last messages for Mark. The lock must be held.
func (r *Resets) remember(m *kafka.Message) {
	if len(r.recent) == signs {
		copy(r.recent, r.recent[1:])
		r.recent = r.recent[:signs-1]
	}
	r.recent = append(r.recent, kafka.Message{Offset: m.Offset, Key: m.Key, Value: m.Value})
}

// fetch returns messages of a partition from an offset to another one, which
// is not included: as many as one answer of the broker has.
func (c *Cluster) fetch(ctx context.Context, topic string, partition int, from, to int64) (messages []kafka.Message, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := c.fetchRecords(ctx, topic, partition, from)
	for err == nil && len(r.rest) > 0 {
		messages, from, err = r.next(messages, from)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read topic %s at %d: %w", topic, from, err)
	}
	beyond := slices.IndexFunc(messages, func(m kafka.Message) bool { return m.Offset >= to })
	if beyond >= 0 {
		messages = messages[:beyond]
	}
	return messages, nil
}

// ID asks for Kafka's own id of the cluster.
func (c *Cluster) ID(ctx context.Context) (string, error) {
	answer, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.config.Topics.Resets}})
	if err != nil {
		return "", fmt.Errorf("cannot ask Kafka for the cluster's id: %w", err)
	}
	return answer.ClusterID, nil
}
