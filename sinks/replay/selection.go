package replay

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"sekisho/schemas"
	"sekisho/stream"
)

// Point is where a range begins or ends: an offset, the same in every partition,
// or a time of events. The zero value is offset 0.
type Point struct {
	Offset int64
	Time   time.Time // when it is not zero, instead of Offset
	Now    bool      // the topic's end when the replay begins, instead of both
}

var errPoint = errors.New(`must be an offset (1200), a time (2026-11-02T09:00:00Z), a day (2026-11-02, in UTC), a time ago (36h), or now`)

// ParsePoint reads a point as an operator writes it. now is the time from which
// a duration counts back.
func ParsePoint(text string, now time.Time) (Point, error) {
	if text == "now" {
		return Point{Now: true}, nil
	}
	if offset, err := strconv.ParseInt(text, 10, 64); err == nil && offset >= 0 {
		return Point{Offset: offset}, nil
	}
	if t, err := schemas.ParseTime(text); err == nil {
		return Point{Time: t}, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return Point{Time: t}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return Point{Time: now.Add(-d)}, nil
	}
	return Point{}, errPoint
}

// Selection is what is replayed: the messages From (included) To (excluded),
// of them those of the sites and types; of all where none is named.
//
// Times are those of the events. An event may arrive late, so up to a time means
// all that has arrived by now and is of an earlier time.
type Selection struct {
	From, To Point
	Sites    []string
	Types    []schemas.EventType
}

// has reports whether the record is chosen.
func (s *Selection) has(r *schemas.Record) bool {
	return (len(s.Sites) == 0 || slices.Contains(s.Sites, r.Event.Get(schemas.Site))) &&
		(len(s.Types) == 0 || slices.Contains(s.Types, r.Event.Type)) &&
		(s.From.Time.IsZero() || !r.Event.Time.Before(s.From.Time)) &&
		(s.To.Time.IsZero() || r.Event.Time.Before(s.To.Time))
}

// spans returns where in the topic the selection lies.
func (s *Selection) spans(ctx context.Context, cluster *stream.Cluster, topic string) ([]stream.Span, error) {
	spans, err := cluster.Spans(ctx, topic)
	if err != nil {
		return nil, err
	}
	var from []int64
	if !s.From.Time.IsZero() {
		if from, err = cluster.OffsetsAt(ctx, topic, len(spans), s.From.Time); err != nil {
			return nil, err
		}
	}
	for i := range spans {
		span := &spans[i]
		end := span.To
		switch {
		case s.From.Now:
			span.From = end
		case from != nil:
			span.From = max(span.From, from[i])
		default:
			span.From = max(span.From, s.From.Offset)
		}
		span.From = min(span.From, end) // of this one there may be nothing
		if !s.To.Now && s.To.Time.IsZero() {
			span.To = min(end, s.To.Offset)
		}
		span.To = max(span.To, span.From)
	}
	return spans, nil
}

// total returns how many messages are in the spans.
func total(spans []stream.Span) (n int64) {
	for _, s := range spans {
		n += s.Len()
	}
	return n
}
