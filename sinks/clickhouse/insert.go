package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// store stores the run's events and then its accounts.
func (p *partition) store(ctx context.Context) error {
	metrics := p.sink.metrics
	found, err := p.events.find(ctx, p.sink.store, p.sink.table)
	if err != nil {
		return err
	}
	for month, chosen := range p.events.months() {
		if err := p.insertSome(ctx, month, chosen); err != nil {
			return err
		}
	}
	if err := p.bury(ctx); err != nil {
		return err
	}
	if err := p.ledger.findLate(ctx); err != nil {
		return err
	}
	if err := p.ledger.insert(ctx, p.queries()+uuid.NewString(), p.awake); err != nil {
		return err
	}
	metrics.duplicates.Add(p.events.duplicates + found)
	metrics.repeatedAccounts.Add(p.ledger.repeated)
	metrics.withheld.Add(p.ledger.withheld)
	metrics.anonymised.Add(p.ledger.anonymised)
	return nil
}

// insert stores events of one month as one block. It asks for the resets once
// ClickHouse knows of the insert; see [Eraser] for why.
func (p *partition) insert(ctx context.Context, month string, chosen []int32) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.sink.store.config.Timeout)
	defer cancel()
	p.events.sort(chosen)
	err := p.sender.send(ctx, p.sink.table, p.queries()+uuid.NewString(), p.token(month, chosen), &p.events, chosen, func() error {
		if err := p.unchanged(ctx, chosen); err != nil {
			return err
		}
		return p.awake()
	})
	if err != nil {
		return fmt.Errorf("cannot store events: %w", err)
	}
	p.sink.metrics.batches.Inc()
	p.sink.metrics.insertSeconds.UpdateDuration(start)
	return nil
}

// awake reports whether what is known of the store can still be relied on.
func (p *partition) awake() error {
	if p.sink.suspension.count() != p.suspensions {
		return errSuspended
	}
	return nil
}

// token names a block by what is in it, so that ClickHouse refuses the same one
// sent again and never another one, not even one at the same offsets of a topic
// that was made anew.
func (p *partition) token(month string, chosen []int32) string {
	hash := sha256.New()
	var key []byte
	for _, i := range chosen {
		row := &p.events.list[i]
		key = append(append(key[:0], row.id[:]...), byte(row.kind))
		key = append(binary.BigEndian.AppendUint64(key, uint64(row.time)), row.site...)
		hash.Write(key)
	}
	return fmt.Sprintf("%s/%d/events/%s/%s", p.ledger.topic, p.id, month, hex.EncodeToString(hash.Sum(nil)[:16]))
}
