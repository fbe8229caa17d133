package stream

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// Report tells how far resets have come with recipients. To report the same again
// does no harm.
func (c *Cluster) Report(ctx context.Context, reports ...schemas.Progress) error {
	for some := range slices.Chunk(reports, maxReports) {
		entries := make([]Entry, len(some))
		for i := range some {
			entries[i] = Entry{Time: some[i].At, Key: some[i].Key(), Value: some[i].AppendJSON(nil)}
		}
		if _, err := c.Append(ctx, c.config.Topics.Progress, 0, entries); err != nil {
			return err
		}
	}
	return nil
}

// maxReports is as many as fit into a batch.
const maxReports = 1000

// Progress knows what was reported of resets. Safe for concurrent use.
type Progress struct {
	cluster *Cluster

	mu      sync.RWMutex
	next    int64                                 // offset of the progress topic
	reports map[string]map[int64]schemas.Progress // by recipient and From
	held    map[string]map[int64]schemas.Progress // likewise, of those that have a reason
}

// NewProgress knows nothing until Load or Follow.
func NewProgress(cluster *Cluster) *Progress {
	return &Progress{cluster: cluster, reports: map[string]map[int64]schemas.Progress{}, held: map[string]map[int64]schemas.Progress{}}
}

// Load reads what has been reported so far.
func (p *Progress) Load(ctx context.Context) error {
	topic := p.cluster.config.Topics.Progress
	spans, err := p.cluster.Spans(ctx, topic)
	if err != nil {
		return err
	}
	span := spans[0]
	span.From = max(span.From, p.offset())
	return p.cluster.Read(ctx, topic, span, p.take)
}

// Follow reads what has been reported and goes on with what is, until ctx ends.
func (p *Progress) Follow(ctx context.Context, log *slog.Logger) {
	topic := p.cluster.config.Topics.Progress
	for ctx.Err() == nil {
		first, end, err := p.cluster.bounds(ctx, topic, 0)
		if err == nil {
			from := p.offset()
			if from > end {
				from = first // the topic was made anew
			}
			_, err = p.cluster.readSome(ctx, topic, Span{From: max(from, first), To: math.MaxInt64}, p.take)
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("cannot follow the progress of resets; trying again", "error", err)
			pause(ctx, time.Second)
		}
	}
}

func (p *Progress) take(m *kafka.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = m.Offset + 1
	report, err := schemas.DecodeProgress(m.Value)
	if err != nil {
		return nil // what is not understood, perhaps of a later version, tells nothing
	}
	all := p.reports
	if report.Reason != "" {
		all = p.held
	}
	of := all[report.Recipient]
	if of == nil {
		of = map[int64]schemas.Progress{}
		all[report.Recipient] = of
	}
	of[report.From] = report
	return nil
}

func (p *Progress) offset() int64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.next
}

// Of tells what has become of the resets at a range of offsets, which were accepted
// at a time, with a recipient: of each the latest report counts, of them all the
// least far one, a failure being the least, and the latest time. It is false when
// nothing was reported of some of them. A report from before they were accepted is
// of others, which were there before the topic was made anew.
func (p *Progress) Of(recipient string, from, to int64, accepted time.Time) (state schemas.ProgressState, at time.Time, ok bool) {
	state, at, _, ok = p.of(recipient, from, to, accepted)
	return state, at, ok
}

// Reason tells the operator what keeps some of these resets from being done, as the
// latest report says that has a reason and counts for one of them; "" when none has.
func (p *Progress) Reason(recipient string, from, to int64, accepted time.Time) string {
	_, _, reason, _ := p.of(recipient, from, to, accepted)
	return reason
}

func (p *Progress) of(recipient string, from, to int64, accepted time.Time) (state schemas.ProgressState, at time.Time, reason string, ok bool) {
	earliest := accepted.Add(-maxSkew)
	p.mu.RLock()
	var about []schemas.Progress
	for _, reports := range [...]map[int64]schemas.Progress{p.reports[recipient], p.held[recipient]} {
		for _, r := range reports {
			if r.From < to && r.To > from && !r.At.Before(earliest) {
				about = append(about, r)
			}
		}
	}
	p.mu.RUnlock()
	// Latest first: what a later one covers, an earlier one does not tell. What held
	// something up tells nothing once that has been reported.
	slices.SortFunc(about, func(a, b schemas.Progress) int {
		return cmp.Or(heldLast(a, b), b.At.Compare(a.At), cmp.Compare(b.From, a.From))
	})
	open := []Span{{From: from, To: to}} // of which nothing is known yet
	worst := -1
	for _, r := range about {
		var left []Span
		for _, s := range open {
			if r.To <= s.From || r.From >= s.To {
				left = append(left, s)
				continue
			}
			worst, reason = max(worst, farness[r.State]), cmp.Or(reason, r.Reason)
			if r.At.After(at) {
				at = r.At
			}
			for _, rest := range []Span{{From: s.From, To: r.From}, {From: r.To, To: s.To}} {
				if rest.Len() > 0 {
					left = append(left, rest)
				}
			}
		}
		if open = left; len(open) == 0 {
			return schemas.ProgressState(slices.Index(farness[:], worst)), at, reason, true
		}
	}
	return 0, time.Time{}, reason, false
}

// heldLast orders reports that have a reason after those that have none.
func heldLast(a, b schemas.Progress) int {
	switch {
	case (a.Reason == "") == (b.Reason == ""):
		return 0
	case a.Reason == "":
		return -1
	}
	return 1
}

// maxSkew is by how much the clocks of two processes may differ.
const maxSkew = 30 * time.Second

// farness orders the states from the one that stands for least to do to the one
// that stands for most, by state. Partial is before Asked: of the identifiers of one
// browser it is enough that one leads to all there is.
var farness = [...]int{schemas.Done: 0, schemas.Unsupported: 1, schemas.Partial: 2, schemas.Asked: 3, schemas.Failed: 4}

// Recipients returns the names of those who reported anything.
func (p *Progress) Recipients() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Sorted(maps.Keys(p.reports))
}
