package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/stream"
)

// partition is what the sink knows of a Kafka partition while it has it. Runs
// come one after the other.
type partition struct {
	sink *Sink
	id   int

	mu         sync.Mutex
	ledger     *ledger
	*workspace                      // of the run under way
	messages   []kafka.Message      // likewise
	letters    []schemas.DeadLetter // of it that are not kept yet
	taken      bool                 // ClickHouse has taken some of its rows
	assignment context.Context      // by which the consumer tells one from another
	next       int64                // offset after the last run that is stored in it
	// certain: all that was sent in this assignment is known to be stored. It is
	// not so at first, after an error, and after a suspension.
	certain     bool
	suspensions int64 // up to then
	known       int64 // offset of the resets topic up to which the run was decided by
	project     enforcer.Projector
}

var errSuspended = errors.New("the process was suspended for a while, and another may have its partitions meanwhile")

// workspace is the memory in which a run is worked on. It is lent to partitions,
// since it is large.
type workspace struct {
	events events
	sender *sender
}

func newWorkspace(s *Store) *workspace { return &workspace{sender: newSender(s)} }

// handle stores a run. Only a run of which all is stored returns nil. The
// consumer gives all runs of an assignment the same context.
func (p *partition) handle(ctx, assignment context.Context, w *workspace, messages []kafka.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workspace, p.messages, p.letters, p.taken = w, messages, nil, false
	defer func() { p.workspace, p.messages, p.letters = nil, nil, nil }()
	suspensions, err := p.sink.suspension.settle(assignment)
	if err != nil {
		return err
	}
	if p.assignment != assignment {
		p.assignment, p.certain, p.next = assignment, false, 0
	}
	if !p.certain || p.suspensions != suspensions {
		if err := p.endInserts(ctx); err != nil {
			return err
		}
		if err := p.ledger.load(ctx); err != nil {
			return err
		}
	}
	p.certain, p.suspensions = false, suspensions
	first, last := &messages[0], &messages[len(messages)-1]
	// The offsets counted so far say nothing about a topic that has not so many
	// messages, or is read from its beginning again. How many it has is known as
	// of when the last message was fetched.
	anew := last.HighWaterMark <= p.ledger.position || first.Offset < p.next
	if anew {
		p.sink.log.Warn("the topic began anew; its accounts are counted from its beginning",
			"topic", p.ledger.topic, "partition", p.id, "offset", first.Offset)
	}
	for p.ledger.begin(anew); ; p.ledger.begin(false) {
		err := p.run(ctx)
		if err == nil {
			break
		}
		if !errors.Is(err, errReset) {
			return err
		}
		p.sink.metrics.disturbed.Inc()
	}
	p.ledger.done()
	p.certain, p.next = true, last.Offset+1
	return nil
}

// run stores the run's messages as they may be stored now.
func (p *partition) run(ctx context.Context) error {
	p.letters = nil
	known, err := p.sink.gate.learn(ctx, p.sink.store.config.Timeout)
	if err != nil {
		return err
	}
	p.known = known
	if err := p.decode(); err != nil {
		return err
	}
	if err := p.bury(ctx); err != nil {
		return err
	}
	return p.store(ctx)
}

// decode sorts the run's messages into events and accounts. What is neither is
// bad and left out; its neighbours are kept.
func (p *partition) decode() error {
	p.events.reset()
	for i := range p.messages {
		m := &p.messages[i]
		if version := stream.HeaderOf(m.Headers, schemas.HeaderSchema); isNewer(version) {
			return fmt.Errorf("offset %d of partition %d has schema version %s, newer than this program's %d: upgrade the sink", m.Offset, p.id, version, schemas.Version)
		}
		var err error
		switch string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) {
		case schemas.KindEvent:
			err = p.admit(m, i)
		case schemas.KindAccount:
			err = p.ledger.add(m)
		default:
			err = errKind
		}
		if err != nil {
			p.bad(m, err)
		}
	}
	return nil
}

var errKind = errors.New("the message is neither an event nor an account")

func isNewer(version []byte) bool {
	n, err := strconv.Atoi(string(version))
	return err == nil && n > schemas.Version
}
