package faults

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
	"sekisho/sinks/clickhouse"
)

// stored is what ClickHouse has.
type stored struct {
	rows       uint64
	ids        map[uuid.UUID]uint64 // rows of allowed events, by id
	anonymised map[uuid.UUID]uint64 // rows of anonymised events, but for the site of leaving visitors
	sum        schemas.Account
}

// drain waits until ClickHouse has what Kafka has, and Kafka what the ledger
// has; or until nothing has moved for as long as the options say.
func (v *verifier) drain(ctx context.Context) error {
	moved, last := time.Now(), uint64(0)
	for {
		var spooled int
		var received, rows uint64
		err := v.insist(ctx, func() (err error) {
			if spooled, err = v.stage.spooled(ctx); err != nil {
				return err
			}
			if err := v.topic.read(ctx); err != nil {
				return err
			}
			row := v.store.Conn().QueryRow(ctx, "SELECT (SELECT sum(received) FROM "+v.store.Table("accounts")+"), (SELECT count() FROM "+v.store.Table("events")+")")
			if err := row.Scan(&received, &rows); err != nil {
				return fmt.Errorf("cannot ask how much is stored: %w", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		want := v.topic.total()
		if spooled == 0 && received == want && want >= v.ledger.acknowledged() {
			return nil
		}
		if now := received + rows + want + uint64(spooled); now != last {
			moved, last = time.Now(), now
		}
		if time.Since(moved) > v.patience {
			v.log("ClickHouse has accounts of %d events, Kafka of %d, the spools have %d records, and nothing moves", received, want, spooled)
			return nil
		}
		if !sleep(ctx, 500*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// insist tries until it succeeds, for as long as there is patience: after the last fault
// ClickHouse or a broker may still be starting again.
func (v *verifier) insist(ctx context.Context, try func() error) error {
	for end := time.Now().Add(v.patience); ; {
		err := try()
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
		v.log("%v; trying again", err)
		sleep(ctx, time.Second)
	}
}

type verifier struct {
	stage    *stage
	store    *clickhouse.Store
	topic    *topicAccount
	ledger   *ledger
	patience time.Duration
	log      func(string, ...any)
}

// read reads all rows. Plain rows are counted, not those that a merge would
// leave.
func (v *verifier) read(ctx context.Context) (*stored, error) {
	s := &stored{ids: map[uuid.UUID]uint64{}, anonymised: map[uuid.UUID]uint64{}, sum: schemas.Account{}}
	rows, err := v.store.Conn().Query(ctx, "SELECT id, outcome, site, count() FROM "+v.store.Table("events")+" GROUP BY ALL")
	if err != nil {
		return nil, fmt.Errorf("cannot read events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		var outcome, site string
		var n uint64
		if err := rows.Scan(&id, &outcome, &site, &n); err != nil {
			return nil, fmt.Errorf("cannot read events: %w", err)
		}
		s.rows += n
		switch {
		case outcome == schemas.Allowed.String():
			s.ids[id] += n
		case site != leavingSite:
			s.anonymised[id] += n
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read events: %w", err)
	}
	return s, v.readAccounts(ctx, s)
}

func (v *verifier) readAccounts(ctx context.Context, s *stored) error {
	rows, err := v.store.Conn().Query(ctx, "SELECT toUnixTimestamp(minute), site, type, recipient, outcome, reason, sum(count) FROM "+
		v.store.Table("decisions")+" GROUP BY ALL")
	if err != nil {
		return fmt.Errorf("cannot read decisions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var minute uint32
		var d schemas.Decision
		var kind, outcome, reason string
		var n uint64
		if err := rows.Scan(&minute, &d.Site, &kind, &d.Recipient, &outcome, &reason, &n); err != nil {
			return fmt.Errorf("cannot read decisions: %w", err)
		}
		d.Minute = int64(minute)
		if err := d.Read([]byte(kind), []byte(outcome), []byte(reason)); err != nil {
			return fmt.Errorf("cannot read decisions: %w", err)
		}
		// What was taken back after it was let through is no news from a collector.
		if d.Reason != schemas.ReasonWithheld && d.Reason != schemas.ReasonErased {
			s.sum[d] += n
		}
	}
	return rows.Err()
}

// compare holds the ledger against what is stored.
func (v *verifier) compare(s *stored, r *Report) {
	l := v.ledger
	for id := range l.allowed {
		if s.ids[id] == 0 {
			r.Lost++
			r.tell("lost: event %s was acknowledged as allowed and has no row", id)
		}
	}
	for id, n := range s.ids {
		if n > 1 {
			r.Doubled += n - 1
			r.tell("doubled: event %s has %d rows", id, n)
		}
		_, allowed := l.allowed[id]
		_, leaving := l.leaving[id]
		if !allowed && !leaving {
			r.Unaccounted++
			r.tell("unaccounted: event %s has a row and was not acknowledged", id)
		}
	}
	for id, n := range s.anonymised {
		if n > 1 {
			r.Doubled += n - 1
			r.tell("doubled: anonymised event %s has %d rows", id, n)
		}
	}
	switch have, want := len(s.anonymised), l.anonymised; {
	case have < want:
		r.Lost += uint64(want - have)
		r.tell("lost: %d events were acknowledged as anonymised, %d have rows", want, have)
	case have > want:
		r.Unaccounted += uint64(have - want)
		r.tell("unaccounted: %d anonymised events have rows, %d were acknowledged", have, want)
	}
	for id := range l.forgotten {
		if _, found := v.topic.ids[id]; found {
			r.Leaked++
			r.tell("leaked: event %s was sent when its identifier had been reset, and is in Kafka", id)
		}
	}
	v.compareAccounts(s, r)
}

// maxForgotten is how many rejections a killed collector may forget: with one seldom
// more than one, while Kafka is away all of them.
const maxForgotten = 50

// compareAccounts holds the accounts in ClickHouse against those in Kafka, which
// must be the same, and those against the ledger: what was answered is in them,
// and no more than was sent.
func (v *verifier) compareAccounts(s *stored, r *Report) {
	difference := func(a, b schemas.Account) (off uint64) {
		for d, n := range a {
			if m := b[d]; n > m {
				off += n - m
			}
		}
		return off
	}
	if missing := difference(v.topic.sum, s.sum); missing > 0 {
		r.Unaccounted += missing
		r.tell("unaccounted: %d decisions are in Kafka and not in ClickHouse", missing)
	}
	if extra := difference(s.sum, v.topic.sum); extra > 0 {
		r.Unaccounted += extra
		r.tell("unaccounted: %d decisions are in ClickHouse and not in Kafka", extra)
	}
	var accounted tallies
	for d, n := range v.topic.sum {
		// Nobody is told of the account of what could not be read.
		if d.Recipient == "" && d.Site != leavingSite && (d.Outcome != schemas.Rejected || d.Reason == schemas.ReasonInvalid) {
			accounted[d.Outcome] += n
		}
	}
	for o, n := range accounted {
		least, most := v.ledger.answers[o], v.ledger.answers[o]+v.ledger.unanswered[o]
		if schemas.Outcome(o) == schemas.Rejected && n < least {
			r.Forgotten = min(least-n, v.ledger.unheld, uint64(r.Faults["kill"]["collector"])*maxForgotten)
			least -= r.Forgotten
		}
		if n < least {
			r.Unaccounted += least - n
			r.tell("unaccounted: %d events were answered %s, %d are accounted for", least, schemas.Outcome(o), n)
		}
		if n > most {
			r.Unaccounted += n - most
			r.tell("unaccounted: %d events were sent that were or may have been %s, %d are accounted for", most, schemas.Outcome(o), n)
		}
	}
}
