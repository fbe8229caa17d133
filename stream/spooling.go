package stream

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream/spool"
)

// Spooling is where batches are kept while Kafka does not take them.
//
// A batch goes to the spool when Kafka has not acknowledged it After so long,
// and at once while an earlier batch of its partition is there: a partition's
// events keep their order. What Kafka took of it unseen is found by its ids
// later, those of events and those of accounts, which are spooled with it.
//
// What comes out of the spool is checked against the resets of that moment: an
// event of an identifier that was reset meanwhile is dropped, and so it is in
// the account that is sent.
type Spooling struct {
	Spool *spool.Spool
	After time.Duration
	// Current reports why the resets known here may be too old for anything to
	// be let into Kafka, or nil.
	Current func() error
	// Withdrawn reports whether one of the registry's hashes has been reset.
	Withdrawn func(hashes [][16]byte) bool
}

// spooling is what a producer has of it.
type spooling struct {
	spool     *spool.Spool // nil for none
	after     time.Duration
	current   func() error
	withdrawn func(hashes [][16]byte) bool

	drains   sync.WaitGroup
	checked  sync.RWMutex // read-held from the check of spooled events until Kafka has them
	withheld atomic.Uint64
}

func (p *Producer) startSpooling(s *Spooling) {
	if s == nil {
		return
	}
	p.spooling.spool, p.after, p.current, p.withdrawn = s.Spool, s.After, s.Current, s.Withdrawn
	lanes := make([][]int, len(p.queues))
	for i := range p.queues {
		lanes[i] = []int{i}
	}
	// A topic may have been made anew with fewer partitions.
	for _, lane := range s.Spool.Lanes() {
		if lane >= len(p.queues) {
			lanes[lane%len(lanes)] = append(lanes[lane%len(lanes)], lane)
		}
	}
	for i, q := range p.queues {
		q.drain = make(chan struct{}, 1)
		q.drain <- struct{}{}
		p.drains.Go(func() { q.empty(lanes[i]) })
	}
}

// stopSpooling returns when nothing is taken out of the spool any more.
func (p *Producer) stopSpooling() {
	if p.spool == nil {
		return
	}
	for _, q := range p.queues {
		q.wakeDrain()
	}
	p.drains.Wait()
}

// Settle returns when whatever has been checked against the resets known at the
// call, and came out of the spool, is in Kafka or is not going to be.
func (p *Producer) Settle() {
	p.checked.Lock()
	defer p.checked.Unlock()
}

// Withheld returns how many events were dropped when they came out of the
// spool, since their identifiers had been reset meanwhile.
func (p *Producer) Withheld() uint64 { return p.withheld.Load() }

// mustSpool reports whether the partition's next batch may not go to Kafka yet.
func (q *queue) mustSpool() bool {
	p := q.producer
	return p.spool.Pending(q.partition) > 0 || p.current() != nil
}

// makeDurable writes a batch with its accounts to Kafka or to the spool.
func (q *queue) makeDurable(b *batch, owed []account, own account) error {
	p := q.producer
	accounts := owed
	if own.value != nil {
		accounts = append(owed[:len(owed):len(owed)], own)
	}
	if p.spool == nil {
		return q.produce(b, accounts, b.begun.Add(p.timeout))
	}
	if !q.mustSpool() {
		if err := q.produce(b, accounts, b.begun.Add(p.after)); err == nil {
			return nil
		}
	}
	q.payload = appendSpooled(q.payload[:0], b, owed, own)
	err := p.spool.Append(q.partition, q.payload)
	if cap(q.payload) > maxBatch/4 {
		q.payload = nil
	}
	switch {
	case err == nil:
		q.wakeDrain()
		return nil
	case q.mustSpool():
		return unavailable(err)
	}
	// Kafka may be back before those who wait must be told.
	if again := q.produce(b, accounts, b.begun.Add(p.timeout)); again != nil {
		return fmt.Errorf("%w; %w", again, err)
	}
	return nil
}

func (q *queue) wakeDrain() {
	select {
	case q.drain <- struct{}{}:
	default:
	}
}

// empty moves what is in the spool to Kafka, until the producer is closed.
func (q *queue) empty(lanes []int) {
	p := q.producer
	wait := time.NewTimer(0)
	defer wait.Stop()
	failing := false
	for pause := time.Duration(0); ; {
		select {
		case <-q.drain:
			if failing && !p.closing.Load() {
				continue // what has come meanwhile is no reason to try sooner
			}
		case <-wait.C:
		}
		if p.closing.Load() {
			return
		}
		left := false
		failing = false
		for _, lane := range lanes {
			moved, err := q.move(lane)
			switch {
			case err != nil:
				left, failing, pause = true, true, min(max(2*pause, 20*time.Millisecond), time.Second)
			case moved:
				left, pause = true, 0
			}
		}
		if left {
			wait.Reset(pause)
		}
	}
}

// move moves the next batches of a lane to Kafka, in one.
func (q *queue) move(lane int) (moved bool, err error) {
	p := q.producer
	if p.spool.Pending(lane) == 0 {
		return false, nil
	}
	records, err := p.spool.Next(lane, maxBatch)
	if err != nil {
		p.log.Error("cannot take events out of the spool; trying again", "partition", lane, "error", err)
		return false, err
	}
	if len(records) == 0 {
		return false, nil
	}
	if err := p.current(); err != nil {
		return false, err
	}
	p.checked.RLock()
	defer p.checked.RUnlock()
	b := &batch{}
	var accounts []account
	withheld, taken := uint64(0), 0
	for _, r := range records {
		s, err := decodeSpooled(r.Payload)
		if err != nil {
			if taken == 0 {
				p.spool.SetAside(lane, r, err)
				return true, nil
			}
			break
		}
		if taken > 0 && b.size+s.batch.size > maxBatch {
			break
		}
		withheld += s.withhold(p.withdrawn)
		accounts = append(accounts, s.accounts()...)
		b.add(&s.batch)
		taken++
	}
	if err := q.attempt(b, accounts, time.Now().Add(p.timeout)); err != nil {
		return false, err
	}
	p.withheld.Add(withheld)
	p.spool.Done(lane, records[:taken])
	return true, nil
}

// add appends another batch's records.
func (b *batch) add(other *batch) {
	for _, r := range other.records {
		at := len(b.bytes)
		b.bytes = append(b.bytes, other.bytes[r.key:r.end]...)
		b.records = append(b.records, record{key: at, value: at + r.value - r.key, end: len(b.bytes), time: r.time})
	}
	b.size += other.size
}

// withhold takes the events of reset identifiers out of the batch, makes their
// decisions what they would be now, and returns how many there are.
func (s *spooled) withhold(withdrawn func([][16]byte) bool) (n uint64) {
	kept := s.batch.records[:0]
	for _, r := range s.batch.records {
		hashes := s.batch.hashes[r.hashes:r.hashesEnd]
		if len(hashes) == 0 || !withdrawn(hashes) {
			kept = append(kept, r)
			continue
		}
		n++
		withdraw(s.batch.decisions[r.decisions:r.decisionsEnd])
	}
	s.batch.records = kept
	return n
}

// withdraw makes decisions about an event those about the event of a reset
// identifier: nobody has it as it is. When the decision for the store is not
// among them, it has the event in anonymised form, in another message, and keeps
// it.
func withdraw(decisions []schemas.Decision) {
	best := schemas.Anonymised
	for i := range decisions {
		d := &decisions[i]
		if d.Outcome == schemas.Allowed {
			d.Outcome, d.Reason = schemas.Dropped, schemas.ReasonReset
		}
		if d.Recipient == policy.Store {
			best = d.Outcome
		}
	}
	for i := range decisions {
		if d := &decisions[i]; d.Recipient == "" {
			d.Outcome = best
		}
	}
}

// errSpooled: a record of the spool is not of a form that this program knows.
var errSpooled = errors.New("it is not a batch of events as this version writes it")
