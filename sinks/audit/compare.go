package audit

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// compare compares what ClickHouse counts with the accounts, decision by
// decision. It must count all accounts that the sink had passed when the audit
// began, and no others than are on the topic now.
func (a *auditor) compare(ctx context.Context, topic string, read []stream.Span) error {
	decided := maps.Clone(a.upper) // what was on the topic when the audit began
	now, before, err := a.Store.Counted(ctx, topic, time.Unix(a.from, 0), time.Unix(a.to, 0))
	if err != nil {
		return err
	}
	suspects, err := a.suspects(ctx)
	if err != nil {
		return err
	}
	if err := a.readOn(ctx, topic, read, len(suspects) > 0); err != nil {
		return err
	}
	a.accuse(suspects)
	for d, n := range now {
		switch {
		case n > a.upper[d] && d.Minute <= a.expired:
			// Kafka no longer has all accounts of that minute.
			a.gone(d, n-a.upper[d])
		case n > a.upper[d]:
			a.miscounted(d, n, a.upper[d])
		case n < a.lower[d]:
			a.miscounted(d, n, a.lower[d])
		}
	}
	for d, n := range a.lower {
		if _, counted := now[d]; !counted && n > 0 {
			a.miscounted(d, 0, n)
		}
	}
	for d, n := range before {
		a.gone(d, n) // with the topic
	}
	for d, n := range decided {
		a.decided(d, n)
	}
	return nil
}

// gone accounts for decisions whose records are no longer on the topic: they
// cannot be looked for.
func (a *auditor) gone(d schemas.Decision, n uint64) {
	a.decided(d, n)
	if d.Recipient == policy.Store && d.Outcome >= schemas.Anonymised {
		a.row(place{d.Site, d.Minute}).Expired += n
	}
}

func (a *auditor) miscounted(d schemas.Decision, counts, want uint64) {
	of := "as a whole"
	if d.Recipient != "" {
		of = "for " + d.Recipient
	}
	difference := max(counts, want) - min(counts, want)
	a.differ(Miscounted, place{d.Site, d.Minute}, difference, fmt.Sprintf("%s %s (%s) %s: ClickHouse counts %d, the accounts %d",
		d.Type, d.Outcome, d.Reason, of, counts, want))
}

// readOn reads the accounts that have come since, and the records if asked to.
func (a *auditor) readOn(ctx context.Context, topic string, read []stream.Span, records bool) error {
	spans, err := a.Cluster.Spans(ctx, topic)
	if err != nil {
		return err
	}
	for i, span := range spans {
		if i < len(read) {
			span.From = max(span.From, read[i].To)
		}
		err := a.Cluster.Read(ctx, topic, span, func(m *kafka.Message) error {
			if kind := string(stream.HeaderOf(m.Headers, schemas.HeaderKind)); kind != schemas.KindAccount {
				if records && kind == schemas.KindEvent {
					_, _ = a.note(m, &passed{})
				}
				return nil
			}
			id, err := uuid.FromBytes(stream.HeaderOf(m.Headers, schemas.HeaderBatch))
			counts := schemas.Account{}
			if err != nil || counts.Add(m.Value) != nil {
				return nil // a dead letter
			}
			if _, again := a.seen.accounts[id]; again {
				return nil
			}
			a.seen.accounts[id] = struct{}{}
			for d, n := range counts {
				a.count(d, n, false)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
