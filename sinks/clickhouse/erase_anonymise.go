package clickhouse

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// chunk is how many rows are anonymised at a time.
const chunk = 50_000

// anonymise puts an anonymised row beside each row of the place. Its id is made
// of the event's, so that the row is found if an earlier attempt stored it, or
// if the sink anonymised another copy of the event.
func (e *Eraser) anonymise(ctx context.Context, b *batch, p *place) error {
	e.sink.table = p.events
	reading, cancel := long(ctx)
	defer cancel()
	rows, err := e.store.conn.Query(reading, "SELECT "+columnNames+" FROM "+e.store.Table(p.events)+" WHERE "+p.where())
	if err != nil {
		return fmt.Errorf("cannot read what is to be anonymised: %w", err)
	}
	defer rows.Close()
	w := newWorkspace(e.store)
	defer w.sender.close()
	b.partition.workspace = w
	defer func() { b.partition.workspace = nil }()
	w.events.reset()
	var record schemas.Record
	var project enforcer.Projector
	reader := newRowReader()
	for rows.Next() {
		if err := reader.read(rows, &record); err != nil {
			return fmt.Errorf("cannot read what is to be anonymised: %w", err)
		}
		form := project.AnonymiseRecord(e.gate.keys, e.gate.table(), &record, schemas.ReasonReset)
		if form == nil {
			continue // of a site that is no more
		}
		if err := w.events.add(form, 0); err != nil {
			return fmt.Errorf("cannot anonymise a row: %w", err)
		}
		if len(w.events.list) >= chunk {
			if err := e.flush(ctx, b); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("cannot read what is to be anonymised: %w", err)
	}
	return e.flush(ctx, b)
}

// flush stores the anonymised rows that are not there yet.
func (e *Eraser) flush(ctx context.Context, b *batch) error {
	events := &b.partition.events
	if len(events.list) == 0 {
		return nil
	}
	if _, err := events.find(ctx, e.store, e.sink.table); err != nil {
		return err
	}
	for month, chosen := range events.months() {
		if err := b.partition.insert(ctx, month, chosen); err != nil {
			return err
		}
	}
	events.reset()
	return nil
}

// count stores in the table of decisions how many events lose their rows, by
// site and type.
func (e *Eraser) count(ctx context.Context, b *batch, p *place, outcome schemas.Outcome) error {
	reading, cancel := long(ctx)
	defer cancel()
	rows, err := e.store.conn.Query(reading, "SELECT site, type, uniqExact(id) FROM "+e.store.Table(p.events)+" WHERE "+p.where()+" GROUP BY ALL")
	if err != nil {
		return fmt.Errorf("cannot count what is to be erased: %w", err)
	}
	defer rows.Close()
	ledger := b.partition.ledger
	ledger.begin(false)
	for rows.Next() {
		d := schemas.Decision{Minute: schemas.MinuteOf(time.Now()), Recipient: policy.Store, Outcome: outcome, Reason: schemas.ReasonErased}
		var kind string
		var n uint64
		if err := rows.Scan(&d.Site, &kind, &n); err != nil {
			return fmt.Errorf("cannot count what is to be erased: %w", err)
		}
		if err := d.Type.UnmarshalText([]byte(kind)); err != nil {
			return fmt.Errorf("cannot count what is to be erased: %w", err)
		}
		ledger.sum[d] += n
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("cannot count what is to be erased: %w", err)
	}
	ledger.last = b.last
	return ledger.insert(ctx, b.partition.queries()+uuid.NewString(), b.partition.awake)
}
