package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// ledger counts the accounts of one Kafka partition, each once, and the events
// that were let through and yet not stored as they were.
type ledger struct {
	store     *Store
	topic     string
	partition int

	incarnation uint16
	position    int64 // offset of the last account counted, -1 for none
	counted     *memory
	newest      time.Time // of an account

	// What the run under way adds.
	sum                  schemas.Account
	ids                  []uuid.UUID
	last                 int64
	isInRun              map[uuid.UUID]bool
	late                 []lateAccount
	repeated             int // accounts that were counted already
	withheld, anonymised int // events, because of a reset
}

func newLedger(s *Store, topic string, partition int) *ledger {
	return &ledger{store: s, topic: topic, partition: partition, position: -1, counted: newMemory(), isInRun: map[uuid.UUID]bool{}}
}

// load reads how far the partition's accounts have been counted.
func (l *ledger) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.store.config.Timeout)
	defer cancel()
	l.incarnation, l.position, l.counted, l.newest = 0, -1, newMemory(), time.Time{}
	rows, err := l.store.conn.Query(ctx, `
		SELECT incarnation, max(kafka_offset), max(minute) FROM `+l.store.Table("decisions")+`
		WHERE topic = $1 AND kafka_partition = $2
		GROUP BY incarnation ORDER BY incarnation DESC LIMIT 1`, l.topic, l.partition)
	if err != nil {
		return fmt.Errorf("cannot find how far accounts are counted: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&l.incarnation, &l.position, &l.newest)
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		return fmt.Errorf("cannot find how far accounts are counted: %w", err)
	}
	return l.loadCounted(ctx)
}

// loadCounted reads which accounts were counted last: a copy of one may be the
// next message.
func (l *ledger) loadCounted(ctx context.Context) error {
	rows, err := l.store.conn.Query(ctx, `
		SELECT arrayJoin(account_ids) FROM `+l.store.Table("decisions")+`
		WHERE topic = $1 AND incarnation = $2 AND kafka_partition = $3 AND notEmpty(account_ids)
		ORDER BY kafka_offset DESC LIMIT $4`, l.topic, l.incarnation, l.partition, memorySize)
	if err != nil {
		return fmt.Errorf("cannot find which accounts are counted: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("cannot find which accounts are counted: %w", err)
		}
		l.counted.add(id)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("cannot find which accounts are counted: %w", err)
	}
	return nil
}

// begin begins a run. With anew, of a topic that began anew: no account of it
// has been counted.
func (l *ledger) begin(anew bool) {
	l.sum, l.ids, l.last, l.repeated = schemas.Account{}, l.ids[:0], -1, 0
	l.withheld, l.anonymised, l.late = 0, 0, nil
	clear(l.isInRun)
	if anew {
		l.incarnation, l.position, l.counted = l.incarnation+1, -1, newMemory()
	}
}

var (
	errNoBatch = errors.New("the account has no id")
	errMinute  = errors.New("the account's minute cannot be stored")
)

// add counts an account, unless it has been.
func (l *ledger) add(m *kafka.Message) error {
	id, err := uuid.FromBytes(stream.HeaderOf(m.Headers, schemas.HeaderBatch))
	if err != nil {
		return errNoBatch
	}
	account := schemas.Account{}
	if err := account.Add(m.Value); err != nil {
		return err
	}
	for d := range account {
		if d.Minute < 0 || d.Minute > math.MaxUint32 {
			return errMinute
		}
	}
	if m.Offset <= l.position || l.counted.has(id) || l.isInRun[id] {
		l.repeated++
		return nil
	}
	l.isInRun[id], l.last = true, m.Offset
	if l.isLate(m.Time) {
		l.late = append(l.late, lateAccount{id, m.Time, account})
		return nil
	}
	l.take(id, account)
	return nil
}

// withhold counts an event that was let through and may not be stored as it is,
// since an identifier of it was reset. A copy of the event is not counted again:
// the event is remembered, like an account, by an id that only the keys make.
func (l *ledger) withhold(m *kafka.Message, r *schemas.Record, outcome schemas.Outcome, keys *enforcer.Keys) {
	site, kind := strings.Clone(r.Event.Get(schemas.Site)), r.Event.Type // the record's memory is used again
	text := keys.AppendAnonymousID(nil, site+"/"+kind.String()+"/"+r.Event.Get(schemas.ID))
	id, err := uuid.ParseBytes(text)
	if err != nil || m.Offset <= l.position || l.counted.has(id) || l.isInRun[id] {
		return
	}
	l.sum[schemas.Decision{
		Minute: schemas.MinuteOf(time.Now()), Site: site, Type: kind, Recipient: policy.Store, Outcome: outcome, Reason: schemas.ReasonWithheld,
	}]++
	l.isInRun[id], l.ids, l.last = true, append(l.ids, id), m.Offset
	if outcome == schemas.Dropped {
		l.withheld++
	} else {
		l.anonymised++
	}
}

// insert stores what the run adds, in one block. Once ClickHouse knows of the
// insert, so that another member would end it, ready is asked whether to go on.
func (l *ledger) insert(ctx context.Context, queryID string, ready func() error) error {
	if len(l.sum) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.store.config.Timeout)
	defer cancel()
	ctx = ch.Context(ctx, ch.WithQueryID(queryID), ch.WithSettings(ch.Settings{"insert_deduplication_token": l.token()}))
	batch, err := l.store.conn.PrepareBatch(ctx, "INSERT INTO "+l.store.Table("decisions")+` (topic, incarnation, kafka_partition,
		minute, site, type, recipient, outcome, reason, count, kafka_offset, account_ids)`)
	if err != nil {
		return fmt.Errorf("cannot store accounts: %w", err)
	}
	defer func() { _ = batch.Abort() }() // unless it is sent
	if err := ready(); err != nil {
		return err
	}
	ids := l.ids // they stand in one row
	for d, count := range l.sum {
		err := batch.Append(l.topic, l.incarnation, uint32(l.partition), time.Unix(d.Minute, 0), d.Site, d.Type.String(),
			d.Recipient, d.Outcome.String(), d.Reason.String(), count, l.last, ids)
		if err != nil {
			return fmt.Errorf("cannot store accounts: %w", err)
		}
		ids = nil
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("cannot store accounts: %w", err)
	}
	return nil
}

// token names the block by what is in it: the same accounts, the same token.
func (l *ledger) token() string {
	hash := sha256.New()
	for _, id := range l.ids {
		hash.Write(id[:])
	}
	return fmt.Sprintf("%s/%d/%d/accounts/%d/%s", l.topic, l.incarnation, l.partition, l.last, hex.EncodeToString(hash.Sum(nil)[:16]))
}

// done makes what the run added the state from which the next one starts.
func (l *ledger) done() {
	l.position = max(l.position, l.last)
	for _, id := range l.ids {
		l.counted.add(id)
	}
}

// memory remembers the last accounts. A copy comes within the time that a
// producer tries, so it need not remember for long.
type memory struct {
	ids  map[uuid.UUID]struct{}
	ring []uuid.UUID
	next int
}

const memorySize = 1 << 16

func newMemory() *memory { return &memory{ids: map[uuid.UUID]struct{}{}} }

func (m *memory) has(id uuid.UUID) bool {
	_, ok := m.ids[id]
	return ok
}

func (m *memory) add(id uuid.UUID) {
	if m.has(id) {
		return
	}
	if len(m.ring) < memorySize {
		m.ring = append(m.ring, id)
	} else {
		delete(m.ids, m.ring[m.next])
		m.ring[m.next] = id
		m.next = (m.next + 1) % memorySize
	}
	m.ids[id] = struct{}{}
}
