package stream

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// DeadLetters is the topic of what could not be stored or sent. Safe for
// concurrent use.
type DeadLetters struct {
	// Log, if any, is told of messages on the topic that are no letters.
	Log *slog.Logger

	cluster *Cluster
	metrics *metrics.Set
}

// NewDeadLetters opens the topic. What is appended is counted in set, nil for
// none.
func NewDeadLetters(cluster *Cluster, set *metrics.Set) *DeadLetters {
	if set == nil {
		set = metrics.NewSet()
	}
	return &DeadLetters{cluster: cluster, metrics: set}
}

// Append makes letters durable: it returns when all in-sync replicas have them.
// At and Expires are filled in where they are zero; letters expire with the
// topic. The same letter may be appended again: readers collapse copies.
func (d *DeadLetters) Append(ctx context.Context, letters ...schemas.DeadLetter) error {
	now := time.Now()
	var entries []Entry
	for i := range letters {
		l := letters[i]
		if l.At.IsZero() {
			l.At = now
		}
		if l.Expires.IsZero() {
			l.Expires = l.At.Add(d.cluster.config.Retention)
		}
		entries = append(entries, Entry{Time: l.At, Key: l.Key(), Value: l.AppendJSON(nil)})
	}
	if err := d.cluster.appendAll(ctx, d.cluster.config.Topics.DeadLetters, 0, entries); err != nil {
		return fmt.Errorf("cannot keep dead letters: %w", err)
	}
	for i := range letters {
		d.count(&letters[i])
	}
	return nil
}

// Redriven is what is left of a dead letter's record.
type Redriven struct {
	Letter     *schemas.DeadLetter
	Key, Value []byte
	Time       time.Time
}

// Redrive puts records on the events topic again, and returns when all in-sync
// replicas have them. Each goes to the partition in which it was, behind it, so
// that who reads the partition knows it; its header names the letter, since no
// account counts it again.
func (d *DeadLetters) Redrive(ctx context.Context, records []Redriven) error {
	topic := d.cluster.config.Topics.Events
	spans, err := d.cluster.Spans(ctx, topic)
	if err != nil {
		return err
	}
	now := time.Now()
	entries := make([][]Entry, len(spans))
	for i := range records {
		r := &records[i]
		p := r.Letter.Partition % len(entries) // the topic may have been made anew with fewer
		entries[p] = append(entries[p], Entry{Time: notAhead(r.Time, now), Key: r.Key, Value: r.Value, Headers: redrivenHeaders(r.Letter.ID())})
	}
	for p := range entries {
		if err := d.cluster.appendAll(ctx, topic, p, entries[p]); err != nil {
			return fmt.Errorf("cannot drive dead letters again: %w", err)
		}
	}
	return nil
}

// Expect begins the counters of a recipient's letters at 0, for sites and for
// messages that cannot be read, so that the first one is seen as an increase.
func (d *DeadLetters) Expect(recipient string, sites []string) {
	for reason := range schemas.DeadReason(schemas.NumDeadReasons) {
		for _, site := range append([]string{""}, sites...) {
			d.counter(&schemas.DeadLetter{Recipient: recipient, Site: site, Reason: reason})
		}
	}
}

func (d *DeadLetters) count(l *schemas.DeadLetter) { d.counter(l).Inc() }

func (d *DeadLetters) counter(l *schemas.DeadLetter) *metrics.Counter {
	name := fmt.Sprintf(`sekisho_dead_letters_total{recipient=%q,site=%q,reason=%q}`, l.Recipient, l.Site, l.Reason)
	if l.Settled != schemas.Unsettled {
		name = fmt.Sprintf(`sekisho_dead_letters_settled_total{recipient=%q,settled=%q}`, l.Recipient, l.Settled)
	}
	return d.metrics.GetOrCreateCounter(name)
}

// Each gives take every letter that is not expired, once, in the order in which
// they were first written: one that was settled as it was before, with what became
// of it. It ends with what was there when it was called. What is no letter, or one of
// a newer program, keeps the others from nothing.
//
// Who uses a letter's value must have it reviewed first: its user may have reset
// since.
func (d *DeadLetters) Each(ctx context.Context, take func(*schemas.DeadLetter) error) error {
	topic := d.cluster.config.Topics.DeadLetters
	spans, err := d.cluster.Spans(ctx, topic)
	if err != nil {
		return err
	}
	settled := map[string]schemas.Settlement{}
	err = d.read(ctx, spans[0], d.Log, func(l *schemas.DeadLetter) error {
		settled[l.ID()] = l.Settled
		return nil
	})
	if err != nil {
		return err
	}
	given := map[string]struct{}{}
	return d.read(ctx, spans[0], nil, func(l *schemas.DeadLetter) error {
		id := l.ID()
		if _, again := given[id]; again || l.Settled != schemas.Unsettled {
			return nil
		}
		given[id] = struct{}{}
		l.Settled = settled[id]
		return take(l)
	})
}

func (d *DeadLetters) read(ctx context.Context, span Span, log *slog.Logger, take func(*schemas.DeadLetter) error) error {
	return d.cluster.Read(ctx, d.cluster.config.Topics.DeadLetters, span, func(m *kafka.Message) error {
		l, err := schemas.DecodeDeadLetter(m.Value)
		if err != nil {
			if log != nil {
				log.Warn("a message is no dead letter that this program knows, and is passed over", "topic", m.Topic, "offset", m.Offset, "error", err)
			}
			return nil
		}
		if !l.Expires.After(time.Now()) {
			return nil
		}
		return take(&l)
	})
}
