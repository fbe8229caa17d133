package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// Gate knows the resets. What was let through into Kafka is held against it
// before it is stored, since an identifier may have been reset meanwhile. Safe
// for concurrent use.
type Gate struct {
	table     func() *enforcer.Table
	keys      *enforcer.Keys
	withdrawn *enforcer.Withdrawn
	resets    *stream.Resets
}

// NewGate makes a gate. table returns the policy in force; withdrawn is what
// resets puts resets into, which must be followed for as long as the gate is
// asked; see [stream.Resets.Follow].
func NewGate(table func() *enforcer.Table, keys *enforcer.Keys, withdrawn *enforcer.Withdrawn, resets *stream.Resets) *Gate {
	return &Gate{table: table, keys: keys, withdrawn: withdrawn, resets: resets}
}

// review returns the form in which the record may be stored: the record itself,
// an anonymised one, or nil. A policy that changed since is no matter here: the
// record was decided about when it was received.
func (g *Gate) review(r *schemas.Record, project *enforcer.Projector) *schemas.Record {
	if !g.withdrawn.Reset(r) {
		return r
	}
	table := g.table()
	review := table.Review(r, policy.Store, g.withdrawn)
	if review.Outcome == schemas.Dropped {
		return nil
	}
	return project.AnonymiseRecord(g.keys, table, r, review.Reason)
}

// learn waits until all resets are known that were acknowledged before, and
// returns the offset up to which they are.
func (g *Gate) learn(ctx context.Context, timeout time.Duration) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := g.resets.Barrier(ctx); err != nil {
		return 0, fmt.Errorf("cannot tell which identifiers are reset: %w", err)
	}
	return g.resets.Applied(), nil
}

// admit takes a record, which the run's i-th message brought, in the form in
// which it may be stored.
func (p *partition) admit(m *kafka.Message, i int) error {
	r, err := p.events.decode(m.Value)
	if err != nil || r == nil {
		return err
	}
	form := p.sink.gate.review(r, &p.project)
	if form == r {
		return p.events.add(r, i)
	}
	outcome := schemas.Dropped
	if form != nil {
		outcome = schemas.Anonymised
	}
	if p.sink.table == Events { // what is replayed has been counted
		p.ledger.withhold(m, r, outcome, p.sink.gate.keys)
	}
	if form == nil {
		return nil
	}
	return p.events.add(form, i)
}

// errReset: an identifier was reset after the run was decoded. It is decoded
// again.
var errReset = errors.New("an identifier was reset meanwhile")

// unchanged makes certain, once an insert is under way, that what it is about to
// store bears nothing that was reset before.
func (p *partition) unchanged(ctx context.Context, chosen []int32) error {
	known, err := p.sink.gate.learn(ctx, p.sink.store.config.Timeout)
	if err != nil || known == p.known {
		return err
	}
	for _, i := range chosen {
		row := &p.events.list[i]
		for f := range (row.fields & schemas.Identifiers).Each {
			if pseudonym, _ := p.events.text(i, f); p.sink.gate.withdrawn.Has(pseudonym) {
				return errReset
			}
		}
	}
	return nil
}
