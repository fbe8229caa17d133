package replay

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/stream"
)

// HeaderSource is the header of a message that was replayed into a topic: where
// its record was, as topic/partition/offset.
const HeaderSource = "sekisho-source"

// topic replays into another topic of as many partitions, where each partition
// has what is left of the same partition of the events topic, in its order. So
// the last message says how far a replay had come that was interrupted, and
// nothing is written twice by going on; a batch whose acknowledgement was lost
// may be, and is found by its events' ids, as everywhere.
type topic struct {
	cluster    *stream.Cluster
	name       string
	partitions []*copied
}

// copied is a partition that is written to.
type copied struct {
	mu         sync.Mutex
	assignment context.Context // in which next is known
	next       int64           // offset of the first record that is not there yet
}

var topicPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// Topic makes a target of a topic, which it makes when it is not there.
func Topic(ctx context.Context, cluster *stream.Cluster, name string) (Target, error) {
	if !topicPattern.MatchString(name) {
		return nil, fmt.Errorf("%q is no name for a topic: it must be letters, digits and \"._-\", at most 249", name)
	}
	partitions, err := cluster.EnsureCopy(ctx, name)
	if err != nil {
		return nil, err
	}
	t := &topic{cluster: cluster, name: name}
	for range partitions {
		t.partitions = append(t.partitions, new(copied))
	}
	return t, nil
}

func (t *topic) Name() string { return "topic:" + t.name }

// Begin fails when the topic is not empty: what is there is not looked through,
// and could be there twice afterwards.
func (t *topic) Begin(ctx context.Context) (made string, err error) {
	spans, err := t.cluster.Spans(ctx, t.name)
	if err == nil && total(spans) > 0 {
		err = fmt.Errorf("topic %s has messages already, and Kafka knows of no replay into it that could go on: it forgets one that was interrupted after offsets.retention.minutes (7 days by default); replay into another topic, or delete this one first", t.name)
	}
	return "", err
}

// GoOn fails when nothing was ever there, though something was done.
func (t *topic) GoOn(ctx context.Context, _ string, done int64) error {
	spans, err := t.cluster.Spans(ctx, t.name)
	if err != nil || done == 0 {
		return err
	}
	for _, span := range spans {
		if span.To > 0 {
			return nil
		}
	}
	return ErrAnew
}

func (t *topic) Review(v *Reviewer, r *schemas.Record) ([][]byte, Verdict) {
	own, anonymised, review := v.Whole(r)
	var values [][]byte
	for _, left := range []*schemas.Record{own, anonymised} {
		if left != nil {
			values = append(values, left.AppendJSON(nil))
		}
	}
	return values, Verdict{review.Outcome, review.Reason}
}

func (t *topic) Handle(ctx context.Context, partition int, messages []kafka.Message) error {
	if partition >= len(t.partitions) {
		return fmt.Errorf("topic %s has fewer partitions than the events topic; replay into another", t.name)
	}
	p := t.partitions[partition]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.assignment != ctx {
		next, err := t.reached(ctx, partition, messages[0].Topic)
		if err != nil {
			return err
		}
		p.assignment, p.next = ctx, next
	}
	var entries []stream.Entry
	size := 0
	// Kafka keeps a message for so long after its time. After the time of an old event
	// that is over already, and the copy would be gone as soon as it is made.
	now := time.Now()
	var decoder schemas.RecordDecoder
	var record schemas.Record
	for i := range messages {
		m := &messages[i]
		if m.Offset < p.next {
			continue
		}
		// All of one record goes into one batch, which is there whole or not at all.
		if size += len(m.Value); size > maxBatch && len(entries) > 0 && messages[i-1].Offset != m.Offset {
			if err := t.append(ctx, p, partition, entries, m.Offset); err != nil {
				return err
			}
			entries, size = nil, len(m.Value)
		}
		if err := decoder.Decode(m.Value, &record); err != nil {
			return err // not reached: it was written a moment ago
		}
		source := m.Topic + "/" + strconv.Itoa(m.Partition) + "/" + strconv.FormatInt(m.Offset, 10)
		entries = append(entries, stream.Entry{
			Time: now, Key: []byte(enforcer.Key(&record)), Value: m.Value,
			Headers: append(m.Headers[:len(m.Headers):len(m.Headers)], kafka.Header{Key: HeaderSource, Value: []byte(source)}),
		})
	}
	if len(entries) == 0 {
		return nil
	}
	return t.append(ctx, p, partition, entries, messages[len(messages)-1].Offset+1)
}

// maxBatch is below what brokers take by default, with room for what is not
// counted.
const maxBatch = 512 << 10

func (t *topic) append(ctx context.Context, p *copied, partition int, entries []stream.Entry, next int64) error {
	p.assignment = nil // until it is known whether they are there
	if _, err := t.cluster.Append(ctx, t.name, partition, entries); err != nil {
		return err
	}
	p.assignment, p.next = ctx, next
	return nil
}

// reached returns the offset after that of the last record that is there.
func (t *topic) reached(ctx context.Context, partition int, source string) (int64, error) {
	spans, err := t.cluster.Spans(ctx, t.name)
	if err != nil {
		return 0, err
	}
	span := spans[partition]
	if span.Len() == 0 {
		return 0, nil
	}
	span.From = span.To - 1
	next := int64(0)
	err = t.cluster.Read(ctx, t.name, span, func(m *kafka.Message) error {
		text := string(stream.HeaderOf(m.Headers, HeaderSource))
		offset, found := strings.CutPrefix(text, source+"/"+strconv.Itoa(partition)+"/")
		at, err := strconv.ParseInt(offset, 10, 64)
		if !found || err != nil {
			return fmt.Errorf("topic %s has messages that were not replayed from %s; replay into another", t.name, source)
		}
		next = at + 1
		return nil
	})
	return next, err
}

// AnyTopic is a target that stands for any topic where nothing is written.
var AnyTopic Target = &topic{name: "any"}
