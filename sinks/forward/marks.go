package forward

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/stream"
)

// left is what whoever had a partition before has left: the note of the group's commit.
// Commits are of all messages before one, and events are settled in any order. So the
// note says up to which offset events may have been sent, and which of them are settled
// all the same: whoever takes over sends no event again of which the end is known, and
// counts those of which it is not, where the recipient would not know them.
type left struct {
	to      context.Context // of the assignment; the consumer gives all its runs the same
	settled note
	before  int64 // offset up to which events may have been sent
	counted int64 // up to which these have been counted: a run may be tried again
	expired uint64
}

// marks know what was left.
type marks struct {
	ahead bool // mark what is about to be sent: the recipient knows no event again

	mu   sync.Mutex
	left map[int]left // by partition
}

// begin returns what was left of the run, and of what comes after it.
func (m *marks) begin(ctx context.Context, partition int, run []kafka.Message) (left, error) {
	m.mu.Lock()
	l := m.left[partition]
	m.mu.Unlock()
	if l.to == ctx {
		return l, nil
	}
	l = left{to: ctx}
	if n := stream.NoteOf(ctx); n != nil {
		text, err := n.Left(ctx)
		if err != nil {
			return left{}, err
		}
		mark := readMark(text)
		l.settled, l.before, l.expired = readNote(mark.settled, &run[0]), mark.sent, mark.expired
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left[partition] = l
	return l, nil
}

// counted notes up to which offset it has been counted what may be sent twice.
func (m *marks) counted(partition int, to int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.left[partition]
	l.counted = to
	m.left[partition] = l
}

// mark says what is settled of the run from a place on, and of what was left after it.
// It is as long as it may become while the run is under way: brokers that do not take
// it say so before anything is sent.
func (d *delivery) mark(from int, settled []bool, sent int64, expired uint64) string {
	run := d.messages[from:]
	n := note{first: run[0].Offset}
	n.reserve(d.end())
	for i := range run {
		if settled[from+i] {
			n.add(run[i].Offset)
		}
	}
	n.addFrom(&d.left.settled, d.end())
	m := mark{settled: n.text(&run[0]), sent: sent, expired: d.left.expired + expired}
	return m.text()
}

// end returns the offset behind the run.
func (d *delivery) end() int64 { return d.messages[len(d.messages)-1].Offset + 1 }

// over leaves with the commit of a run that is settled what that does not say.
func (d *delivery) over(ctx context.Context) {
	n := stream.NoteOf(ctx)
	if n == nil {
		return
	}
	settled, expired := d.snapshot()
	d.marks.mu.Lock()
	l := d.marks.left[d.partition]
	l.expired += expired
	d.marks.left[d.partition] = l
	d.marks.mu.Unlock()
	m := mark{expired: l.expired}
	if l.before > d.end() {
		m.sent = l.before
	}
	if to := d.left.settled.last(); to >= d.end() {
		// The run before was longer. What was left of it begins with a message, and of
		// the next one nothing is known yet.
		last := len(d.messages) - 1
		n.SetFrom(d.mark(last, settled, m.sent, expired), d.messages[last].Offset, to)
		return
	}
	n.Set(m.text())
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
	commits, err := cluster.Commits(ctx, group, topic, len(spans))
	for _, c := range commits {
		n += readMark(c.Note).expired
	}
	return n, err
}

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
		if offset < d.left.before && offset >= d.left.counted {
			twice++
		}
	}
	if !d.marks.ahead || len(open) == 0 {
		return open, nil
	}
	if twice > 0 {
		d.marks.counted(d.partition, d.end())
		d.metrics.maybeTwice.Add(twice)
		d.log.Warn("events may have been sent before by a process that did not end as it should, and are sent again", "partition", d.partition, "events", twice)
	}
	settled, expired := d.snapshot()
	return open, d.note(ctx, settled, expired)
}

// note notes, while a run is under way, that all of it may have been sent, and what
// is settled.
func (d *delivery) note(ctx context.Context, settled []bool, expired uint64) error {
	n := stream.NoteOf(ctx)
	if n == nil {
		return nil
	}
	return n.Keep(ctx, d.mark(0, settled, max(d.end(), d.left.before), expired))
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
			settled, expired := d.snapshot()
			if slices.Equal(settled, noted) {
				continue
			}
			if err := d.note(ctx, settled, expired); err != nil {
				d.tell(ctx, "cannot note what was sent; were this process killed, more of it would be sent again", err)
				continue
			}
			noted = settled
		}
	})
	return func() { cancel(); ended.Wait() }
}

// snapshot returns what is settled now, and how many events of that have expired.
func (d *delivery) snapshot() (settled []bool, expired uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.settled), d.expired
}

// leave leaves what is settled of a run that is given up, behind what will be
// committed of it. Of the rest, what may have been sent has been counted.
func (d *delivery) leave(ctx context.Context) {
	first := d.prefix()
	if first == len(d.settled) {
		d.over(ctx)
		return
	}
	n := stream.NoteOf(ctx)
	if n == nil {
		return
	}
	sent := int64(0)
	if d.left.before > d.end() {
		sent = d.left.before
	}
	settled, expired := d.snapshot()
	text := d.mark(first, settled, sent, expired)
	if first > 0 {
		n.Set(text) // it is committed in a moment
		return
	}
	// When it fails, less is taken for settled than is.
	_ = n.Keep(ctx, text)
}
