package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse"
	"sekisho/stream"
)

// Options are what an audit asks.
type Options struct {
	Cluster   *stream.Cluster
	Store     *clickhouse.Store
	Group     string // the sink's consumer group
	Letters   *stream.DeadLetters
	Retention clickhouse.Retention
	// Withheld reports whether the store may not have a record as it is, as of
	// now. The record may change.
	Withheld func(*schemas.Record) bool
	// AnonymousIDs returns the ids that an event may have in anonymised form.
	AnonymousIDs func(id string) []string
	// Progress is told of every so many messages; nil for nobody.
	Progress func(read, of int64)
}

// lookups is how many records are looked for in ClickHouse at once.
const lookups = 20_000

// Run checks the minutes of receipt from one time, included, to another. It reads
// all that the events topic has, since events can come late, and remembers some
// 80 bytes of each event.
func Run(ctx context.Context, o Options, from, to time.Time) (*Report, error) {
	a := &auditor{
		Options: o, from: from.Unix(), to: to.Unix(), report: &Report{From: from.UTC(), To: to.UTC(), Differences: []Difference{}, Rows: []Row{}, Expired: map[string]uint64{}},
		rows: map[place]*Counts{}, sites: map[string]int32{}, letters: map[letterKey]schemas.Settlement{},
		seen:  seen{events: map[eventKey]int64{}, accounts: map[uuid.UUID]struct{}{}, others: map[eventKey]struct{}{}},
		lower: schemas.Account{}, upper: schemas.Account{}, named: map[kindPlace]named{},
	}
	if err := a.run(ctx); err != nil {
		return nil, err
	}
	a.report.finish(a.rows)
	return a.report, nil
}

type auditor struct {
	Options
	from, to int64
	report   *Report
	rows     map[place]*Counts
	sites    map[string]int32
	letters  map[letterKey]schemas.Settlement
	seen     seen

	commits map[int]stream.Commit
	expired int64 // minutes up to it may be off the topic in part
	anew    bool  // ClickHouse has events of before the topic began, too
	since   int64 // the topic has all that was received since this minute
	group   *group
	looking []passed

	// lower are the decisions that ClickHouse must have counted, upper those that
	// it may have.
	lower, upper schemas.Account

	named map[kindPlace]named

	read, of int64
	decoder  schemas.RecordDecoder
	record   schemas.Record
}

type letterKey struct {
	partition int
	offset    int64
}

func (a *auditor) run(ctx context.Context) error {
	topic := a.Cluster.Config().Topics.Events
	spans, err := a.Cluster.Spans(ctx, topic)
	if err != nil {
		return err
	}
	if a.commits, err = a.Cluster.Commits(ctx, a.Group, topic, len(spans)); err != nil {
		return err
	}
	err = a.Letters.Each(ctx, func(l *schemas.DeadLetter) error {
		if l.Topic == topic && l.Recipient == policy.Store {
			a.letters[letterKey{l.Partition, l.Offset}] = l.Settled
		}
		return nil
	})
	if err != nil {
		return err
	}
	if a.anew, err = a.Store.Anew(ctx, topic); err != nil {
		return err
	}
	for _, span := range spans {
		a.of += span.Len()
	}
	for _, span := range spans {
		if err := a.partition(ctx, topic, span); err != nil {
			return err
		}
	}
	if err := a.look(ctx); err != nil {
		return err
	}
	return a.compare(ctx, topic, spans)
}

// partition reads a partition.
func (a *auditor) partition(ctx context.Context, topic string, span stream.Span) error {
	a.group = &group{}
	first := true
	begins := schemas.MinuteOf(time.Now())
	err := a.Cluster.Read(ctx, topic, span, func(m *kafka.Message) error {
		if a.read++; a.Progress != nil && a.read%10_000 == 0 {
			a.Progress(a.read, a.of)
		}
		switch string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) {
		case schemas.KindAccount:
			minute, err := a.account(m)
			if first && err == nil {
				first, begins = false, minute
			}
			return nil // what cannot be read is a dead letter
		case schemas.KindEvent:
			if a.group.closed {
				if err := a.close(ctx); err != nil {
					return err
				}
			}
			a.event(m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if span.From > 0 && !first {
		a.expired = max(a.expired, begins)
	}
	if span.From > 0 || a.anew {
		a.since = max(a.since, begins)
	}
	return a.close(ctx)
}

// account takes an account into the group, and returns its latest minute.
func (a *auditor) account(m *kafka.Message) (minute int64, err error) {
	a.group.closed = true
	id, err := uuid.FromBytes(stream.HeaderOf(m.Headers, schemas.HeaderBatch))
	if err != nil {
		return 0, err
	}
	counts := schemas.Account{}
	if err := counts.Add(m.Value); err != nil {
		return 0, err
	}
	_, again := a.seen.accounts[id]
	a.seen.accounts[id] = struct{}{}
	passed := map[place]uint64{}
	for d, n := range counts {
		minute = max(minute, d.Minute)
		if again {
			continue
		}
		a.count(d, n, m.Offset < a.commits[m.Partition].Offset)
		if d.Recipient == policy.Store && d.Outcome >= schemas.Anonymised {
			passed[place{d.Site, d.Minute}] += n
		}
	}
	a.group.count(passed)
	return minute, nil
}

// count counts a decision of an account.
func (a *auditor) count(d schemas.Decision, n uint64, stored bool) {
	if d.Minute < a.from || d.Minute >= a.to {
		return
	}
	a.upper[d] += n
	if stored {
		a.lower[d] += n
	}
}

// decided adds decisions to the row of their minute.
func (a *auditor) decided(d schemas.Decision, n uint64) {
	row := a.row(place{d.Site, d.Minute})
	passes := d.Outcome >= schemas.Anonymised
	switch {
	case d.Recipient == "":
		row.Received += n
		*map[schemas.Outcome]*uint64{
			schemas.Allowed: &row.Allowed, schemas.Anonymised: &row.Anonymised,
			schemas.Dropped: &row.Dropped, schemas.Rejected: &row.Rejected,
		}[d.Outcome] += n
		if passes {
			row.Elsewhere += n
		}
	case d.Recipient == policy.Store && passes:
		row.Elsewhere -= n
	}
}

func (a *auditor) row(at place) *Counts {
	row := a.rows[at]
	if row == nil {
		row = &Counts{}
		a.rows[at] = row
	}
	return row
}

// event takes a record into the group.
func (a *auditor) event(m *kafka.Message) {
	r := passed{partition: m.Partition, offset: m.Offset}
	known, err := a.note(m, &r)
	switch {
	case err != nil:
		r.unread, r.minute = true, schemas.MinuteOf(m.Time)
		a.group.records = append(a.group.records, r)
	case known:
		a.group.records = append(a.group.records, r)
	}
}

// note remembers that a record is on the topic, and reports whether it is one
// that the store was given and an account counts.
func (a *auditor) note(m *kafka.Message, r *passed) (counted bool, err error) {
	if err := a.decoder.Decode(m.Value, &a.record); err != nil {
		return false, err
	}
	if _, _, ok := a.record.For(policy.Store); !ok {
		return false, nil
	}
	e := &a.record.Event
	id, err := uuid.Parse(e.Get(schemas.ID))
	if err != nil {
		return false, err
	}
	r.StoredEvent = clickhouse.StoredEvent{Site: a.site(e.Get(schemas.Site)), Type: e.Type, ID: id, Time: e.Time}
	key := a.key(&r.StoredEvent)
	allowed := a.record.Outcome == schemas.Allowed
	r.withheld = a.Withheld(&a.record)
	if r.withheld && allowed {
		for _, id := range a.AnonymousIDs(r.ID.String()) {
			if form, err := uuid.Parse(id); err == nil {
				a.seen.others[eventKey{key.site, key.kind, form}] = struct{}{}
			}
		}
	}
	if stream.HeaderOf(m.Headers, schemas.HeaderLetter) != nil {
		a.seen.others[key] = struct{}{}
		return false, nil
	}
	var at int64
	at, r.again = a.seen.events[key]
	switch {
	case !r.again:
		a.seen.events[key] = r.Time.UnixMilli()
	case at != r.Time.UnixMilli():
		a.seen.events[key] = anyTime
	}
	return true, nil
}

func (a *auditor) key(e *clickhouse.StoredEvent) eventKey {
	return eventKey{a.sites[e.Site], e.Type, e.ID}
}

// site returns the name as a text of its own.
func (a *auditor) site(name string) string {
	if _, ok := a.sites[name]; !ok {
		a.sites[string([]byte(name))] = int32(len(a.sites))
	}
	return string([]byte(name))
}

// close balances the group and begins another.
func (a *auditor) close(ctx context.Context) error {
	b := a.group.balance()
	a.group = &group{}
	for at, n := range b.repeated {
		if a.in(at.minute) {
			a.row(at).Repeated += n
		}
	}
	for _, c := range b.missing {
		if a.in(c.minute) {
			a.differ(Missing, c.place, c.events, "an account counts them, and the events topic does not have them")
		}
	}
	for i := range b.uncounted {
		r := &b.uncounted[i]
		if a.in(r.minute) {
			a.name(Uncounted, r.Site, r.minute, r.ID, 1, "no account counts the record at "+where(r))
		}
	}
	for _, r := range b.records {
		if a.in(r.minute) {
			a.looking = append(a.looking, r)
		}
	}
	if len(a.looking) >= lookups {
		return a.look(ctx)
	}
	return nil
}

func (a *auditor) in(minute int64) bool { return minute >= a.from && minute < a.to }

// look asks ClickHouse which of the records it has.
func (a *auditor) look(ctx context.Context) error {
	wanted := make([]clickhouse.StoredEvent, 0, len(a.looking))
	for i := range a.looking {
		wanted = append(wanted, a.looking[i].StoredEvent)
	}
	copies, err := a.Store.Copies(ctx, wanted)
	if err != nil {
		return err
	}
	for i := range a.looking {
		a.settle(&a.looking[i], copies[i])
	}
	a.looking = a.looking[:0]
	return nil
}

// settle says what became of a record of which ClickHouse has so many rows.
func (a *auditor) settle(r *passed, copies uint64) {
	at := place{r.Site, r.minute}
	row := a.row(at)
	settled, letter := a.letters[letterKey{r.partition, r.offset}]
	switch {
	case copies > 0:
		row.Stored++
		if copies > 1 {
			a.name(Doubled, r.Site, r.minute, r.ID, copies-1, fmt.Sprintf("ClickHouse has %d rows of the event at %s", copies, where(r)))
		}
	case letter && (settled == schemas.Withdrawn || settled == schemas.Redriven && r.withheld):
		row.Withheld++
	case letter:
		row.DeadLettered++
	case r.offset >= a.commits[r.partition].Offset:
		row.Pending++
	case r.withheld:
		row.Withheld++
	case a.pastRetention(r):
		row.Expired++
	default:
		a.name(Lost, r.Site, r.minute, r.ID, 1, "the sink is past the record at "+where(r)+", and ClickHouse does not have it")
	}
}

func (a *auditor) pastRetention(r *passed) bool {
	days, ok := a.Retention[r.Site]
	if !ok {
		for _, d := range a.Retention {
			days = max(days, d)
		}
	}
	return days > 0 && time.Now().After(r.Time.UTC().Truncate(24*time.Hour).AddDate(0, 0, days))
}

func (a *auditor) differ(kind Kind, at place, n uint64, detail string) {
	a.report.Differences = append(a.report.Differences, Difference{Kind: kind, Site: at.site, Minute: minuteOf(at.minute), Events: n, Detail: detail})
}

// most is how many events of a kind are named for a site's minute.
const most = 20

type kindPlace struct {
	Kind
	place
}

type named struct{ events, last int }

// name tells of one event. Of many in the same minute the last that is named
// stands for the rest.
func (a *auditor) name(kind Kind, site string, minute int64, id uuid.UUID, rows uint64, detail string) {
	at := kindPlace{kind, place{site, minute}}
	n := a.named[at]
	if n.events++; n.events > most {
		d := &a.report.Differences[n.last]
		if d.Events += rows; n.events == most+1 {
			d.Detail += ", and others"
		}
		a.named[at] = n
		return
	}
	n.last = len(a.report.Differences)
	a.named[at] = n
	a.differ(kind, at.place, rows, detail)
	if id != uuid.Nil {
		a.report.Differences[n.last].Event = id.String()
	}
}

func where(r *passed) string { return fmt.Sprintf("offset %d of partition %d", r.offset, r.partition) }
