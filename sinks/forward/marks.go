package forward

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/stream"
)

// marks remember in Kafka, as a consumer group without members, up to where events
// of a partition may have been sent. So whoever takes over from a process that was
// killed can count what it sends again, where the recipient would not know that.
type marks struct {
	cluster *stream.Cluster
	group   string

	mu          sync.Mutex
	assignments map[int]context.Context // in which the partition was begun
}

// begin marks a run. It returns how many of its messages may have been sent by
// whoever had the partition before.
func (m *marks) begin(ctx context.Context, partition int, run []kafka.Message) (before int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	topic := run[0].Topic
	if m.assignments[partition] != ctx { // the consumer gives all runs of an assignment the same
		commits, err := m.cluster.Commits(ctx, m.group, topic, partition+1)
		if err != nil {
			return 0, err
		}
		for before < len(run) && run[before].Offset < commits[partition].Offset {
			before++
		}
	}
	if err := m.set(ctx, topic, partition, run[len(run)-1].Offset+1); err != nil {
		return 0, err
	}
	m.assignments[partition] = ctx
	return before, nil
}

// end marks the last message of a run that was given up that may have been sent.
func (m *marks) end(ctx context.Context, partition int, run []kafka.Message, sent int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	to := run[0].Offset
	if sent > 0 {
		to = run[sent-1].Offset + 1
	}
	// When it fails, more is taken for sent than was.
	_ = m.set(ctx, run[0].Topic, partition, to)
}

func (m *marks) set(ctx context.Context, topic string, partition int, offset int64) error {
	return m.cluster.SetCommits(ctx, m.group, topic, map[int]stream.Commit{partition: {Offset: offset}})
}

// beginMarked counts what another process may have sent of the run before.
func (d *delivery) beginMarked(ctx context.Context, partition int, list []int) error {
	if d.marks == nil {
		return nil
	}
	before, err := d.marks.begin(ctx, partition, d.messages)
	if err != nil {
		return err
	}
	twice := 0
	for twice < len(list) && list[twice] < before {
		twice++
	}
	if twice > 0 {
		d.metrics.maybeTwice.Add(twice)
		d.log.Warn("events may have been sent before by a process that did not end as it should, and are sent again", "partition", partition, "events", twice)
	}
	return nil
}

// sending notes that events are about to be sent.
func (d *delivery) sending(places []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, place := range places {
		d.sent = max(d.sent, place+1)
	}
}
