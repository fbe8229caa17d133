package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"sekisho/stream"
)

// plan is a replay that was begun: where it begins and ends in each partition,
// which does not move while it is under way. Kafka keeps it as the notes of a
// consumer group, so that a replay that was interrupted goes on where it was, on
// whatever machine. Each plan is carried out by a consumer group of its own: what a
// process still does for one that was given up is never taken for part of the next.
type plan struct {
	note
	spans []stream.Span
	left  []stream.Span // of spans, what was not done when it was loaded
}

// note is what is left with each partition.
type note struct {
	ID     string `json:"id"`
	Wanted string `json:"wanted"` // what the operator asked for, abridged
	// Since and Until are the times of the selection, of which "36h" is another one
	// whenever the operator asks.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Made  string    `json:"made,omitempty"` // see Target.Begin
	From  int64     `json:"from"`
	To    int64     `json:"to"`
}

// group is the consumer group that carries out the plan.
func (n *note) group(target string) string { return "sekisho-replay-" + target + "." + n.ID }

func (p *plan) done() int64 { return total(p.spans) - total(p.left) }

// same reports whether it is the same plan as another, or neither is one.
func (p *plan) same(as *plan) bool {
	if p == nil || as == nil {
		return p == as
	}
	return p.ID == as.ID && slices.Equal(p.spans, as.spans)
}

// name names a plan after the last one and what is wanted: who begin the same at the
// same moment, and do not know of each other, are in one group and share the work, by
// the plan that was kept last. A group that has come far by a plan that Kafka has
// forgotten is passed over.
func (n *note) name(ctx context.Context, cluster *stream.Cluster, topic, target string, last *plan) error {
	spans, err := cluster.Spans(ctx, topic)
	if err != nil {
		return err
	}
	after := ""
	if last != nil {
		after = last.ID
	}
	for i := 0; ; i++ {
		n.ID = uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "%s %s %d %s", topic, after, i, n.Wanted)).String()
		commits, err := cluster.Commits(ctx, n.group(target), topic, len(spans))
		if err != nil || len(commits) == 0 {
			return err
		}
	}
}

// maxWanted is the longest text that is kept of what is wanted, in bytes: Kafka takes
// notes of 4 KiB. Of a longer one a digest tells it from others as well.
const maxWanted = 512

func abridged(wanted string) string {
	if len(wanted) <= maxWanted {
		return wanted
	}
	sum := sha256.Sum256([]byte(wanted))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// plans is the group whose notes are the plan of the last replay into the target.
func plans(target string) string { return "sekisho-replay-" + target + ".plan" }

// errPlan: there is a plan, but of no program that is known.
var errPlan = errors.New("the plan of the last replay cannot be read; begin it anew with --again")

// errShorter: the plan's range is not there, neither now nor expired.
var errShorter = errors.New("the events topic is shorter than when the replay was begun: it was made anew, or messages were lost; begin the replay anew with --again")

// beyondUse reports whether it is the plan that an error is about.
func beyondUse(err error) bool { return errors.Is(err, errShorter) || errors.Is(err, errPlan) }

// loadPlan returns the plan of the last replay into the target, nil when there is
// none. With [errShorter] it returns the plan, too.
func loadPlan(ctx context.Context, cluster *stream.Cluster, topic, target string) (*plan, error) {
	spans, err := cluster.Spans(ctx, topic)
	if err != nil {
		return nil, err
	}
	notes, err := cluster.Commits(ctx, plans(target), topic, len(spans))
	if err != nil || len(notes) == 0 {
		return nil, err
	}
	p, shorter := &plan{}, false
	for id, there := range spans {
		commit, ok := notes[id]
		if !ok {
			continue // the partition was made after the replay began
		}
		var n note
		if err := json.Unmarshal([]byte(commit.Note), &n); err != nil || n.ID == "" {
			return nil, fmt.Errorf("cannot replay into %s: %w", target, errPlan)
		}
		p.note = n
		p.spans = append(p.spans, stream.Span{Partition: id, From: n.From, To: n.To})
		shorter = shorter || n.To > there.To
	}
	if shorter {
		return p, fmt.Errorf("cannot replay into %s: %w", target, errShorter)
	}
	commits, err := cluster.Commits(ctx, p.group(target), topic, len(spans))
	if err != nil {
		return nil, err
	}
	for _, span := range p.spans {
		if at, ok := commits[span.Partition]; ok {
			span.From = max(span.From, min(at.Offset, span.To))
		}
		p.left = append(p.left, span)
	}
	return p, nil
}

// current fails when another plan has taken the place of this one.
func (p *plan) current(ctx context.Context, cluster *stream.Cluster, topic, target string) error {
	notes, err := cluster.Commits(ctx, plans(target), topic, 1)
	if err != nil {
		return err
	}
	var n note
	if json.Unmarshal([]byte(notes[0].Note), &n) != nil || n.ID != p.ID {
		return errors.New("another replay into the same has begun, or Kafka has forgotten this one")
	}
	return nil
}

// keepPlan makes a plan and keeps it in place of the last.
func keepPlan(ctx context.Context, cluster *stream.Cluster, topic, target string, n note, s *Selection) (*plan, error) {
	spans, err := s.spans(ctx, cluster, topic)
	if err != nil {
		return nil, err
	}
	n.Since, n.Until = s.From.Time, s.To.Time
	p := &plan{note: n, spans: spans, left: spans}
	return p, p.keep(ctx, cluster, topic, target)
}

// keepEvery is how often a plan is kept again while it is carried out: Kafka forgets
// what a group without members has not committed for offsets.retention.minutes, seven
// days by default, and a replay may take longer.
const keepEvery = time.Hour

// keep has Kafka keep the plan.
func (p *plan) keep(ctx context.Context, cluster *stream.Cluster, topic, target string) error {
	notes := map[int]stream.Commit{}
	for _, span := range p.spans {
		n := p.note
		n.From, n.To = span.From, span.To
		text, err := json.Marshal(n)
		if err != nil {
			return err
		}
		notes[span.Partition] = stream.Commit{Offset: span.To, Note: string(text)}
	}
	if err := cluster.SetCommits(ctx, plans(target), topic, notes); err != nil {
		return fmt.Errorf("cannot keep the plan of the replay into %s: %w", target, err)
	}
	return nil
}
