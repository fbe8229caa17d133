package replay

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"sekisho/stream"
)

// plan is a replay that was begun: where it begins and ends in each partition,
// which does not move while it is under way. Kafka keeps it as the notes of a
// consumer group, beside the offsets of the group that carries it out, so that a
// replay that was interrupted goes on where it was, on whatever machine.
type plan struct {
	id    string // of its own
	spans []stream.Span
}

// note is what is left with each partition.
type note struct {
	ID     string `json:"id"`
	Wanted string `json:"wanted"` // what the operator asked for, in canonical form
	From   int64  `json:"from"`
	To     int64  `json:"to"`
}

// group returns the consumer group that replays into the target. There is one,
// so that two replays never write to the same.
func group(target string) string { return "sekisho-replay-" + target }

// loadPlan returns the plan of the last replay into the target, what was wanted
// of it, and how far it is; nil when there is none.
func loadPlan(ctx context.Context, cluster *stream.Cluster, topic, target string) (*plan, string, []stream.Span, error) {
	spans, err := cluster.Spans(ctx, topic)
	if err != nil {
		return nil, "", nil, err
	}
	notes, err := cluster.Commits(ctx, group(target)+".plan", topic, len(spans))
	if err != nil || len(notes) == 0 {
		return nil, "", nil, err
	}
	commits, err := cluster.Commits(ctx, group(target), topic, len(spans))
	if err != nil {
		return nil, "", nil, err
	}
	p, wanted := &plan{}, ""
	var left []stream.Span
	for id := range spans {
		commit, ok := notes[id]
		if !ok {
			continue // the partition was made after the replay began
		}
		var n note
		if err := json.Unmarshal([]byte(commit.Note), &n); err != nil {
			return nil, "", nil, fmt.Errorf("cannot read the plan of the last replay into %s; begin it anew with --again", target)
		}
		if n.ID == "" {
			return nil, "", nil, nil
		}
		p.id, wanted = n.ID, n.Wanted
		span := stream.Span{Partition: id, From: n.From, To: n.To}
		p.spans = append(p.spans, span)
		if at, ok := commits[id]; ok {
			span.From = max(span.From, min(at.Offset, span.To))
		}
		left = append(left, span)
	}
	return p, wanted, left, nil
}

// begin makes a plan and keeps it. Before it sets the group back it takes an
// earlier plan away, so that none is ever taken for further than it is.
func begin(ctx context.Context, cluster *stream.Cluster, topic, target, wanted string, s *Selection) (*plan, error) {
	spans, err := s.spans(ctx, cluster, topic)
	if err != nil {
		return nil, err
	}
	p := &plan{id: uuid.NewString(), spans: spans}
	nothing, starts, notes := map[int]stream.Commit{}, map[int]stream.Commit{}, map[int]stream.Commit{}
	for _, span := range spans {
		text, err := json.Marshal(note{ID: p.id, Wanted: wanted, From: span.From, To: span.To})
		if err != nil {
			return nil, err
		}
		nothing[span.Partition] = stream.Commit{Note: "{}"}
		starts[span.Partition] = stream.Commit{Offset: span.From}
		notes[span.Partition] = stream.Commit{Offset: span.To, Note: string(text)}
	}
	for _, step := range []struct {
		group   string
		commits map[int]stream.Commit
	}{{group(target) + ".plan", nothing}, {group(target), starts}, {group(target) + ".plan", notes}} {
		if err := cluster.SetCommits(ctx, step.group, topic, step.commits); err != nil {
			return nil, fmt.Errorf("cannot begin the replay into %s: %w", target, err)
		}
	}
	return p, nil
}
