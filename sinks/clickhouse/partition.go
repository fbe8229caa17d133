package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// partition is what the sink knows of a Kafka partition while it has it. Runs
// come one after the other.
type partition struct {
	sink *Sink
	id   int

	mu      sync.Mutex
	events  events
	ledger  *ledger
	scratch scratch
	// certain is the assignment, known by its context, throughout which all that
	// was sent is known to be stored; nil at first and after an error.
	certain     context.Context
	suspensions int64 // up to then
}

var errSuspended = errors.New("the process was suspended for a while, and another may have its partitions; waiting to learn")

// handle stores a run. Only a run of which all is stored returns nil. The
// consumer gives all runs of an assignment the same context.
func (p *partition) handle(ctx, assignment context.Context, messages []kafka.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	suspensions, over := p.sink.suspension.notice()
	if !over {
		return errSuspended
	}
	if p.certain != assignment || p.suspensions != suspensions {
		if err := p.endInserts(ctx); err != nil {
			return err
		}
		if err := p.ledger.load(ctx); err != nil {
			return err
		}
	}
	p.certain, p.suspensions = nil, suspensions
	first := &messages[0]
	if p.ledger.begin(first) {
		p.sink.log.Warn("the topic began anew: its offsets are below those counted before; counting from the beginning",
			"topic", p.ledger.topic, "partition", p.id, "offset", first.Offset)
	}
	if err := p.decode(ctx, messages); err != nil {
		return err
	}
	if err := p.store(ctx); err != nil {
		return err
	}
	p.ledger.done()
	p.certain = assignment
	return nil
}

// decode sorts the messages into events and accounts. What is neither is
// reported as bad and left out; its neighbours are kept.
func (p *partition) decode(ctx context.Context, messages []kafka.Message) error {
	p.events.reset()
	for i := range messages {
		m := &messages[i]
		if version := stream.HeaderOf(m.Headers, schemas.HeaderSchema); isNewer(version) {
			return fmt.Errorf("offset %d of partition %d has schema version %s, newer than this program's %d: upgrade the sink", m.Offset, p.id, version, schemas.Version)
		}
		var err error
		switch string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) {
		case schemas.KindEvent:
			err = p.events.add(m.Value)
		case schemas.KindAccount:
			err = p.ledger.add(m)
		default:
			err = errKind
		}
		if err != nil {
			if err := p.sink.bad(ctx, m, err); err != nil {
				return err
			}
		}
	}
	return nil
}

var errKind = errors.New("the message is neither an event nor an account")

func isNewer(version []byte) bool {
	n, err := strconv.Atoi(string(version))
	return err == nil && n > schemas.Version
}

// store stores the run's events and then its accounts.
func (p *partition) store(ctx context.Context) error {
	metrics := p.sink.metrics
	found, err := p.events.find(ctx, p.sink.store)
	if err != nil {
		return err
	}
	for month, chosen := range p.events.months() {
		if err := p.insert(ctx, month, chosen); err != nil {
			return err
		}
		metrics.rows.Add(len(chosen))
	}
	if err := p.awake(); err != nil {
		return err
	}
	if err := p.ledger.insert(ctx, p.queries()+uuid.NewString()); err != nil {
		return err
	}
	metrics.duplicates.Add(p.events.duplicates + found)
	metrics.repeatedAccounts.Add(p.ledger.repeated)
	return nil
}

// insert stores events of one month as one block.
func (p *partition) insert(ctx context.Context, month string, chosen []int32) error {
	start := time.Now()
	s := p.sink.store
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	ctx = ch.Context(ctx, ch.WithQueryID(p.queries()+uuid.NewString()),
		ch.WithSettings(ch.Settings{"insert_deduplication_token": p.token(month, chosen)}))
	batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+s.Table("events")+" ("+columnNames+")")
	if err != nil {
		return fmt.Errorf("cannot store events: %w", err)
	}
	defer func() { _ = batch.Abort() }() // unless it is sent
	if err := p.scratch.fill(batch, &p.events, chosen); err != nil {
		return fmt.Errorf("cannot store events: %w", err)
	}
	if err := p.awake(); err != nil {
		return err
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("cannot store events: %w", err)
	}
	p.sink.metrics.batches.Inc()
	p.sink.metrics.insertSeconds.UpdateDuration(start)
	return nil
}

// awake reports whether what is known of the store can still be relied on.
func (p *partition) awake() error {
	if suspensions, _ := p.sink.suspension.notice(); suspensions != p.suspensions {
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
