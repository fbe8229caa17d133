package replay

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/stream"
)

// Fate is what becomes of a dead letter that is driven again.
type Fate uint8

// The fates.
const (
	// Redriven: it is on the events topic again, for its recipient alone.
	Redriven Fate = iota
	// Withdrawn: its recipient may have nothing of it any more.
	Withdrawn
	// Unreadable: it still cannot be read, and stays a dead letter.
	Unreadable
	// Gone: only its place was kept, and the events topic has it no more. It
	// stays a dead letter until it expires.
	Gone
	NumFates = iota
)

var fateNames = [NumFates]string{"redriven", "withdrawn", "unreadable", "gone"}

// String returns the fate's name.
func (f Fate) String() string { return fateNames[f] }

// Redrive drives dead letters again: what is left of each as of now goes back to
// the events topic, granted to the letter's recipient alone, so that the sink
// and the forwarders deal with it as with any record and nobody else is given it
// twice. It is then marked as settled. When it ends between the two, a record is
// driven twice: the store finds it by its id, and so do recipients that know
// events by theirs.
type Redrive struct {
	Cluster  *stream.Cluster
	Letters  *stream.DeadLetters
	Reviewer *Reviewer
	DryRun   bool // write nothing
	// Select chooses letters; those that are settled are never chosen.
	Select func(*schemas.DeadLetter) bool
	// Report is told of each, once its fate is sealed.
	Report func(*schemas.DeadLetter, Fate)

	decoder schemas.RecordDecoder
	record  schemas.Record
}

// redriveBatch is how many letters share a barrier and an acknowledgement.
const redriveBatch = 500

// Run drives the chosen letters and returns when all are.
func (d *Redrive) Run(ctx context.Context) error {
	var batch []schemas.DeadLetter
	err := d.Letters.Each(ctx, func(l *schemas.DeadLetter) error {
		if l.Settled != schemas.Unsettled || !d.Select(l) {
			return nil
		}
		if batch = append(batch, *l); len(batch) < redriveBatch {
			return nil
		}
		err := d.drive(ctx, batch)
		batch = nil
		return err
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return d.drive(ctx, batch)
}

func (d *Redrive) drive(ctx context.Context, batch []schemas.DeadLetter) error {
	if err := d.Reviewer.Barrier(ctx); err != nil {
		return err
	}
	var events []stream.Redriven
	var settled []schemas.DeadLetter
	fates := make([]Fate, len(batch))
	// Kafka keeps it for so long from now on: by its event's time it may be gone before
	// anybody reads it.
	now := time.Now().Truncate(time.Minute)
	for i := range batch {
		l := &batch[i]
		fate, left, err := d.revive(ctx, l)
		if err != nil {
			return err
		}
		fates[i] = fate
		if left != nil {
			events = append(events, stream.Redriven{Letter: l, Key: []byte(enforcer.Key(left)), Value: left.AppendJSON(nil), Time: now})
		}
		switch fate {
		case Redriven:
			l.Settled = schemas.Redriven
		case Withdrawn:
			l.Settled = schemas.Withdrawn
		}
		if l.Settled != schemas.Unsettled {
			l.Value = nil
			settled = append(settled, *l)
		}
	}
	if !d.DryRun {
		if err := d.Letters.Redrive(ctx, events); err != nil {
			return err
		}
		if err := d.Letters.Append(ctx, settled...); err != nil {
			return err
		}
	}
	for i := range batch {
		d.Report(&batch[i], fates[i])
	}
	return nil
}

// revive returns what is left of a letter's message, if it is an event. It is
// valid until the next call.
func (d *Redrive) revive(ctx context.Context, l *schemas.DeadLetter) (Fate, *schemas.Record, error) {
	value := l.Value
	if value == nil {
		m, err := d.original(ctx, l)
		switch {
		case err != nil:
			return 0, nil, err
		case m == nil:
			return Gone, nil, nil
		case string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) == schemas.KindAccount:
			fate, err := d.account(ctx, m)
			return fate, nil, err
		}
		value = m.Value
	}
	if d.decoder.Decode(value, &d.record) != nil {
		return Unreadable, nil, nil
	}
	left, _ := d.Reviewer.Only(&d.record, l.Recipient)
	if left == nil {
		return Withdrawn, nil, nil
	}
	return Redriven, left, nil
}

// errFound ends the reading of a single message.
var errFound = errors.New("found")

// original returns the letter's message as its topic has it, nil when it is gone.
func (d *Redrive) original(ctx context.Context, l *schemas.DeadLetter) (*kafka.Message, error) {
	spans, err := d.Cluster.Spans(ctx, l.Topic)
	switch {
	case errors.Is(err, stream.ErrNoTopic):
		return nil, nil
	case err != nil:
		return nil, err
	case l.Partition >= len(spans): // it was made anew with fewer
		return nil, nil
	}
	var found *kafka.Message
	span := stream.Span{Partition: l.Partition, From: l.Offset, To: l.Offset + 1}
	err = d.Cluster.Read(ctx, l.Topic, span, func(m *kafka.Message) error {
		found = m
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return found, err
}

// account puts an account that can be read after all on the topic again: it is
// known by its id. It names no user.
func (d *Redrive) account(ctx context.Context, m *kafka.Message) (Fate, error) {
	if (schemas.Account{}).Add(m.Value) != nil {
		return Unreadable, nil
	}
	if d.DryRun {
		return Redriven, nil
	}
	_, err := d.Cluster.Append(ctx, m.Topic, m.Partition, []stream.Entry{{Time: m.Time, Value: m.Value, Headers: m.Headers}})
	return Redriven, err
}
