package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// Span is a range of a partition's offsets, To excluded.
type Span struct {
	Partition int
	From, To  int64
}

// Len returns how many offsets are in the span.
func (s Span) Len() int64 { return max(s.To-s.From, 0) }

// ErrNoTopic: Kafka has no topic of the name.
var ErrNoTopic = errors.New("the topic does not exist")

// Spans returns what each partition of the topic has at the moment.
func (c *Cluster) Spans(ctx context.Context, topic string) ([]Span, error) {
	meta, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("cannot find the partitions of topic %s: %w", topic, err)
	}
	if len(meta.Topics) == 1 && errors.Is(meta.Topics[0].Error, kafka.UnknownTopicOrPartition) {
		return nil, fmt.Errorf("%w: %s; create it with `sekisho topics`", ErrNoTopic, topic)
	}
	if len(meta.Topics) != 1 || meta.Topics[0].Error != nil || len(meta.Topics[0].Partitions) == 0 {
		return nil, &pendingError{fmt.Sprintf("topic %s does not exist; create it with `sekisho topics`", topic)}
	}
	spans := make([]Span, len(meta.Topics[0].Partitions))
	for i := range spans {
		first, end, err := c.bounds(ctx, topic, i)
		if err != nil {
			return nil, err
		}
		spans[i] = Span{Partition: i, From: first, To: end}
	}
	return spans, nil
}

// Read gives take the span's messages in order, as far as the topic still has
// them, and returns when it has given all, when take fails, or when ctx ends. A
// lost connection is taken up again where it was lost.
func (c *Cluster) Read(ctx context.Context, topic string, span Span, take func(*kafka.Message) error) error {
	for next := span.From; next < span.To; {
		// What expired will not come; what is left begins later.
		first, end, err := c.bounds(ctx, topic, span.Partition)
		if err != nil {
			return err
		}
		if next = max(next, first); next >= min(span.To, end) {
			return nil
		}
		next, err = c.readSome(ctx, topic, Span{span.Partition, next, min(span.To, end)}, take)
		if err != nil {
			return err
		}
	}
	return nil
}

// readSome reads until the span's end, or until nothing comes though there is
// something or the topic is another one, and returns where to go on.
func (c *Cluster) readSome(ctx context.Context, topic string, span Span, take func(*kafka.Message) error) (next int64, err error) {
	next = span.From
	reader := newPartitionReader(ctx, c, topic, span.Partition, next)
	defer func() { reader.close() }()
	var patience patience
	read := time.Now()
	for next < span.To {
		m, ok, err := reader.step(ctx, stall)
		switch {
		case ctx.Err() != nil:
			return next, ctx.Err()
		case errors.Is(err, kafka.OffsetOutOfRange): // which the bounds tell
			pause(ctx, 100*time.Millisecond)
			return next, nil
		case err != nil && (!passing(err) || time.Since(read) > fetchTimeout):
			return next, fmt.Errorf("cannot read topic %s: %w", topic, err)
		case err != nil:
			pause(ctx, 100*time.Millisecond)
			if _, _, err := c.bounds(ctx, topic, span.Partition); err != nil {
				return next, err
			}
			reader.close()
			reader = newPartitionReader(ctx, c, topic, span.Partition, next)
			continue
		case !ok && reader.offset > next: // these offsets have no messages
			next = reader.offset
		case !ok:
			first, end, err := c.bounds(ctx, topic, span.Partition)
			if err != nil || next < first || next > end || patience.over(next < end) {
				return next, err
			}
			continue
		case m.Offset >= span.To:
			return span.To, nil
		default:
			if err := take(&m); err != nil {
				return next, err
			}
			next = m.Offset + 1
		}
		read = time.Now()
		patience.read()
	}
	return next, nil
}

// passing reports whether it may help to ask again.
func passing(err error) bool {
	var problem kafka.Error
	switch {
	case errors.Is(err, errBatch) || errors.Is(err, errOldKafka):
		return false
	case errors.As(err, &problem):
		return problem.Temporary() || problem == kafka.Unknown
	}
	return true
}
