package clickhouse

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// report is how far the eraser has reported, in one assignment.
//
// A ticket names the offsets of its resets, and compaction takes a reset off the
// topic when its identifier is reset again. Nobody reads such an offset any more,
// so what is reported is a range without gaps. But the identifier is erased no
// earlier than with the later reset. That was on the topic when a gap is seen;
// so there is nothing to report until all is erased that the topic had then.
type report struct {
	from int64 // offset up to which all is reported
	next int64 // offset after the last reset that is erased
	goal int64 // offset that must be reached before anything is reported
}

// resumeReport goes on where the reports of whoever erased before end: that may
// have been interrupted between a gap and its goal, when it had committed what it
// had not reported.
func (e *Eraser) resumeReport(ctx context.Context) (report, error) {
	reported := stream.NewProgress(e.cluster)
	if err := reported.Load(ctx); err != nil {
		return report{}, err
	}
	from := reported.End(policy.Store)
	return report{from: from, next: from}, nil
}

// tell reports the run, which is erased, as done, unless something of it may have
// been reset again by what is not erased yet.
func (e *Eraser) tell(ctx context.Context, messages []kafka.Message) error {
	r, first, last := e.report, messages[0].Offset, &messages[len(messages)-1]
	if first < r.next { // handed out again, or the topic began anew
		r = report{from: min(r.from, first), next: first, goal: r.goal}
		if r.goal > last.HighWaterMark {
			r.goal = 0
		}
	}
	if last.Offset+1-r.next > int64(len(messages)) {
		r.goal = max(r.goal, last.HighWaterMark)
	}
	r.next = last.Offset + 1
	if r.next >= r.goal {
		done := schemas.Progress{Recipient: policy.Store, From: r.from, To: r.next, State: schemas.Done, At: time.Now()}
		if err := e.cluster.Report(ctx, done); err != nil {
			return err
		}
		r.from = r.next
	}
	e.report = r
	return nil
}
