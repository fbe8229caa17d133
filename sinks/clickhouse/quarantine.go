package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// A message that cannot be stored must not keep its neighbours from it: it
// becomes a dead letter and the run goes on. The letters of a run are kept
// before it is committed.

// bad makes a message of the run a dead letter.
func (p *partition) bad(m *kafka.Message, why error) {
	p.sink.metrics.bad.Inc()
	if leftOut, ok := p.sink.badLog.Allow(time.Now()); ok {
		p.sink.log.Warn("a record cannot be stored and becomes a dead letter",
			"topic", p.ledger.topic, "partition", p.id, "offset", m.Offset, "error", why, "more_since", leftOut)
	}
	l := schemas.DeadLetter{
		Topic: p.ledger.topic, Partition: p.id, Offset: m.Offset, Recipient: policy.Store,
		Reason: schemas.DeadUndecodable, Detail: why.Error(),
	}
	switch kind := string(stream.HeaderOf(m.Headers, schemas.HeaderKind)); kind {
	case schemas.KindEvent, schemas.KindAccount:
		l.Kind = kind
	}
	if refusal(why) != nil || errors.Is(why, errTime) {
		// It could be read, so it is known to be enforced and may be kept, unless
		// its user has reset.
		l.Reason = schemas.DeadRefused
		if p.events.decoder.Decode(m.Value, &p.events.record) == nil {
			l.Describe(&p.events.record)
			if !p.sink.gate.withdrawn.Reset(&p.events.record) {
				l.Value = m.Value
			}
		}
	}
	p.letters = append(p.letters, l)
}

// bury keeps the letters that the run has brought so far.
func (p *partition) bury(ctx context.Context) error {
	letters := p.letters
	p.letters = nil
	if len(letters) == 0 || p.sink.dead == nil {
		return nil
	}
	return p.sink.dead(ctx, letters...)
}

// hopeless is how many rows are refused one after the other, none taken, until
// the fault is looked for in the table and not in them.
const hopeless = 50

// insertSome stores events of one month. When ClickHouse refuses the block it
// looks, half by half, for the rows that are why.
func (p *partition) insertSome(ctx context.Context, month string, chosen []int32) error {
	err := p.insert(ctx, month, chosen)
	if err == nil {
		p.taken = true
		p.sink.metrics.rows.Add(len(chosen))
		return nil
	}
	why := refusal(err)
	if why == nil {
		return err
	}
	// A view that fails may leave the rows in the table.
	if _, err := p.events.find(ctx, p.sink.store, p.sink.table); err != nil {
		return err
	}
	switch chosen = p.events.missing(chosen); len(chosen) {
	case 0:
		return nil
	case 1:
		p.bad(&p.messages[p.events.list[chosen[0]].message], why)
		if len(p.letters) >= hopeless && !p.taken {
			p.letters = nil
			return fmt.Errorf("cannot store events: ClickHouse takes none of the first %d rows, so the table is at fault: %w", hopeless, why)
		}
		return nil
	}
	if err := p.insertSome(ctx, month, chosen[:len(chosen)/2]); err != nil {
		return err
	}
	return p.insertSome(ctx, month, chosen[len(chosen)/2:])
}
