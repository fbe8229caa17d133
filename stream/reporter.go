package stream

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// Reporter reports how far resets have come with a recipient, for who reads the
// resets topic in order and carries them out, in one assignment. It serves one
// goroutine.
//
// A ticket names the offsets of its resets, and compaction takes a reset off the
// topic when its identifier is reset again. Nobody reads such an offset any more, so
// gaps are reported too. But the identifier is dealt with no earlier than with the
// later reset. That was on the topic when the gap is seen; so of a gap there is
// nothing to report until all is carried out that the topic had then, and of that
// the least far state.
type Reporter struct {
	cluster   *Cluster
	recipient string

	next  int64  // offset after the last reset that was told of
	gaps  []Span // offsets before it of which nothing is reported
	goal  int64  // offset that must be reached before they are
	worst schemas.ProgressState
}

// NewReporter goes on where the reports of whoever was assigned before end. That may
// have been interrupted between a gap and its goal.
func NewReporter(ctx context.Context, cluster *Cluster, recipient string) (*Reporter, error) {
	known := NewProgress(cluster)
	if err := known.Load(ctx); err != nil {
		return nil, err
	}
	gaps, end := known.gaps(recipient)
	return &Reporter{cluster: cluster, recipient: recipient, next: end, gaps: gaps, worst: schemas.Done}, nil
}

// Tell reports what has become of a run of messages of the resets topic: states has
// one for each. Only after that may they be committed.
func (r *Reporter) Tell(ctx context.Context, messages []kafka.Message, states []schemas.ProgressState) error {
	first, end := messages[0].Offset, messages[len(messages)-1].HighWaterMark
	switch {
	case end < r.next: // the topic was made anew
		r.gaps, r.next, r.goal, r.worst = nil, 0, 0, schemas.Done
	case first < r.next: // handed out again
		r.next = first
	}
	now := time.Now()
	if len(r.gaps) > 0 && r.goal == 0 {
		r.goal = end
	}
	var reports []schemas.Progress
	for i := range messages {
		at := messages[i].Offset
		if at > r.next {
			r.gaps, r.goal = append(r.gaps, Span{From: r.next, To: at}), max(r.goal, end)
		}
		if len(r.gaps) > 0 && farness[states[i]] > farness[r.worst] {
			r.worst = states[i]
		}
		reports, r.next = append(reports, r.report(at, at+1, states[i], reportedAt(&messages[i], now))), at+1
	}
	if r.next < r.goal {
		return r.cluster.Report(ctx, joined(reports)...)
	}
	for _, gap := range r.gaps {
		reports = append(reports, r.report(gap.From, gap.To, r.worst, now))
	}
	if err := r.cluster.Report(ctx, joined(reports)...); err != nil {
		return err
	}
	r.gaps, r.goal, r.worst = nil, 0, schemas.Done
	return nil
}

func (r *Reporter) report(from, to int64, state schemas.ProgressState, at time.Time) schemas.Progress {
	return schemas.Progress{Recipient: r.recipient, From: from, To: to, State: state, At: at}
}

// reportedAt is the time of a report about a message: now, and not before the message,
// though whoever made that has a clock that is ahead. Else it would be taken for a
// report about another; see [Progress.Of].
func reportedAt(m *kafka.Message, now time.Time) time.Time {
	if m.Time.After(now) {
		return m.Time
	}
	return now
}

// Held reports that a run of messages cannot be brought to its end for now, and why;
// see [schemas.Progress]. It is told again when all is done.
func (r *Reporter) Held(ctx context.Context, messages []kafka.Message, reason string) error {
	now := time.Now()
	reports := make([]schemas.Progress, len(messages))
	for i := range messages { // and not of the gaps, which Tell would then know nothing of
		at := messages[i].Offset
		reports[i] = r.report(at, at+1, schemas.Asked, reportedAt(&messages[i], now))
		reports[i].Reason = reason
	}
	return r.cluster.Report(ctx, joined(reports)...)
}

// joined joins reports of the same state and time that are one after the other.
func joined(reports []schemas.Progress) []schemas.Progress {
	slices.SortFunc(reports, func(a, b schemas.Progress) int { return cmp.Compare(a.From, b.From) })
	n := 0
	for _, p := range reports[1:] {
		if last := &reports[n]; last.To == p.From && last.State == p.State && last.Reason == p.Reason && last.At.Equal(p.At) {
			last.To = p.To
			continue
		}
		n++
		reports[n] = p
	}
	return reports[:n+1]
}

// gaps returns the offsets of which the recipient has reported nothing, up to where
// its reports end.
func (p *Progress) gaps(recipient string) (gaps []Span, end int64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var spans []Span
	for _, r := range p.reports[recipient] {
		spans = append(spans, Span{From: r.From, To: r.To})
	}
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	for _, s := range spans {
		if s.From > end {
			gaps = append(gaps, Span{From: end, To: s.From})
		}
		end = max(end, s.To)
	}
	return gaps, end
}
