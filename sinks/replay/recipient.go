package replay

import (
	"context"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// recipient replays to a third party, by its forwarder: with the forwarder's
// batches, retries and dead letters, at its rate.
type recipient struct {
	name    string
	forward stream.Handler
}

// Recipient makes a target of a third party. forward is what its forwarder
// handles messages of the events topic with; it looks at each again before each
// request. A vendor that knows events by their ids takes one once, however often
// it is sent.
func Recipient(name string, forward stream.Handler) Target { return &recipient{name, forward} }

func (t *recipient) Name() string { return "recipient:" + t.name }

// Begin does nothing: what the vendor has, it has.
func (t *recipient) Begin(context.Context) (made string, err error) { return "", nil }

// GoOn does nothing, for the same reason.
func (t *recipient) GoOn(context.Context, string, int64) error { return nil }

func (t *recipient) Review(v *Reviewer, r *schemas.Record) ([][]byte, Verdict) {
	return only(v, r, t.name)
}

func (t *recipient) Handle(ctx context.Context, partition int, messages []kafka.Message) error {
	return t.forward(ctx, partition, messages)
}
