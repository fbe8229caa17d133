package forward

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/stream"
)

// marks remember in Kafka, as a consumer group without members, what the commits of
// the forwarder's own group cannot say, since these are of all messages before one:
// the offset of a mark is that up to which events of a partition may have been sent,
// its note which of them are settled all the same. So whoever takes over sends no
// event again of which the end is known, and counts those of which it is not, where
// the recipient would not know them.
type marks struct {
	cluster *stream.Cluster
	group   string
	ahead   bool // mark what is about to be sent: the recipient knows no event again

	mu   sync.Mutex
	left map[int]left // by partition
}

// left is what whoever had a partition before has left.
type left struct {
	to      context.Context // of the assignment; the consumer gives all its runs the same
	settled note
	before  int64 // offset up to which events may have been sent
	expired uint64
}

// begin returns what was left of the run, and of what comes after it.
func (m *marks) begin(ctx context.Context, partition int, run []kafka.Message) (left, error) {
	m.mu.Lock()
	l := m.left[partition]
	m.mu.Unlock()
	if l.to == ctx {
		return l, nil
	}
	commits, err := m.cluster.Commits(ctx, m.group, run[0].Topic, partition+1)
	if err != nil {
		return left{}, err
	}
	mark := commits[partition]
	settled, expired := splitNote(mark.Note)
	l = left{to: ctx, settled: readNote(settled, &run[0]), before: mark.Offset, expired: expired}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left[partition] = l
	return l, nil
}

// set marks up to which offset events may have been sent, and which messages of the
// run, and of what was left after it, are settled.
func (m *marks) set(ctx context.Context, partition int, run []kafka.Message, settled []bool, sent int64, after *left, expired uint64) error {
	n := note{first: run[0].Offset}
	for i := range run {
		if settled[i] {
			n.add(run[i].Offset)
		}
	}
	n.addFrom(&after.settled, run[len(run)-1].Offset+1)
	c := stream.Commit{Offset: sent, Note: joinNote(n.text(&run[0]), after.expired+expired)}
	return m.cluster.SetCommits(ctx, m.group, run[0].Topic, map[int]stream.Commit{partition: c})
}

// expire keeps how many events of a partition have expired so far, when a run is over
// in which some did.
func (d *delivery) expire(ctx context.Context) error {
	if d.expired.Load() == 0 {
		return nil
	}
	end := d.messages[len(d.messages)-1].Offset + 1
	if err := d.marks.set(ctx, d.partition, d.messages, d.settled, max(end, d.left.before), &d.left, d.expired.Load()); err != nil {
		return err
	}
	d.marks.mu.Lock()
	defer d.marks.mu.Unlock()
	l := d.marks.left[d.partition]
	l.expired += d.expired.Load()
	d.marks.left[d.partition] = l
	return nil
}

// Expired returns how many events a recipient has not been sent, ever, since they were
// older than it takes when they could have been; group is that of its forwarders. What
// a killed process had not told of yet is not among them.
func Expired(ctx context.Context, cluster *stream.Cluster, group string) (n uint64, err error) {
	topic := cluster.Config().Topics.Events
	spans, err := cluster.Spans(ctx, topic)
	if err != nil {
		return 0, err
	}
	commits, err := cluster.Commits(ctx, group+sendingGroup, topic, len(spans))
	for _, c := range commits {
		_, expired := splitNote(c.Note)
		n += expired
	}
	return n, err
}

// sendingGroup is what the group of the marks is called, behind the name of the
// forwarder's own.
const sendingGroup = "-sending"

// takeOver settles what whoever had the partition before has settled of the run, and
// counts what that may have sent of the rest. It returns the places of list that are
// left.
func (d *delivery) takeOver(ctx context.Context, list []int) ([]int, error) {
	var err error
	if d.left, err = d.marks.begin(ctx, d.partition, d.messages); err != nil {
		return nil, err
	}
	open, twice := make([]int, 0, len(list)), 0
	for _, place := range list {
		offset := d.messages[place].Offset
		if d.left.settled.has(offset) {
			d.settled[place] = true
			continue
		}
		open = append(open, place)
		if offset < d.left.before {
			twice++
		}
	}
	if !d.marks.ahead || len(open) == 0 {
		return open, nil
	}
	if twice > 0 {
		d.metrics.maybeTwice.Add(twice)
		d.log.Warn("events may have been sent before by a process that did not end as it should, and are sent again", "partition", d.partition, "events", twice)
	}
	return open, d.note(ctx, d.settled)
}

// note notes, while a run is under way, that all of it may have been sent, and what
// is settled.
func (d *delivery) note(ctx context.Context, settled []bool) error {
	end := d.messages[len(d.messages)-1].Offset + 1
	return d.marks.set(ctx, d.partition, d.messages, settled, max(end, d.left.before), &d.left, d.expired.Load())
}

// notesEvery is how often what is settled of a run is noted while it is under way.
const notesEvery = 250 * time.Millisecond

// keepNotes notes what is settled until stop is called, where the recipient knows no
// event again.
func (d *delivery) keepNotes(ctx context.Context) (stop func()) {
	if !d.marks.ahead {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		var noted []bool
		for sleep(ctx, notesEvery) {
			if settled := d.snapshot(); !slices.Equal(settled, noted) && d.note(ctx, settled) == nil {
				noted = settled
			}
		}
	})
	return func() { cancel(); ended.Wait() }
}

// snapshot returns what is settled now.
func (d *delivery) snapshot() []bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.settled)
}

// leave notes what is settled of a run that is given up, behind what will be
// committed of it. Of the rest, what may have been sent has been counted.
func (d *delivery) leave(ctx context.Context) {
	first := d.prefix()
	if first == len(d.settled) || d.expired.Load() == 0 && !d.marks.ahead && !slices.Contains(d.settled[first:], true) {
		return // the commit says all
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	run, sent := d.messages[first:], d.messages[first].Offset
	if end := d.messages[len(d.messages)-1].Offset; d.left.before > end+1 {
		sent = d.left.before
	}
	// When it fails, less is taken for settled than is.
	_ = d.marks.set(ctx, d.partition, run, d.settled[first:], sent, &d.left, d.expired.Load())
}
