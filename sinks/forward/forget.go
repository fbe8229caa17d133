package forward

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// maxResets bounds what is reported at once.
const maxResets = 1000

// handleResets passes a run of resets on to the recipient and reports how far
// that came; it is the handler of the forwarder's own group on the resets topic.
// Only then are they committed: a process that is killed asks again.
func (r *Runner) handleResets(ctx context.Context, partition int, messages []kafka.Message) error {
	r.resets.begin(partition, messages[0].Time)
	defer r.resets.end(partition)
	if err := r.settled(ctx, messages); err != nil {
		return err
	}
	if r.reporting != ctx {
		var err error
		if r.reporter, err = stream.NewReporter(ctx, r.cluster, r.recipient); err != nil {
			return err
		}
		r.reporting = ctx
	}
	states := make([]schemas.ProgressState, len(messages))
	for i := range messages {
		r.resets.begin(partition, messages[i].Time)
		var err error
		if states[i], err = r.forget(ctx, &messages[i]); err != nil {
			return err
		}
	}
	return r.reporter.Tell(ctx, messages, states)
}

// settled waits until no request can be under way any more that was made without
// knowing of the resets, here or by another member of the group. Otherwise the
// recipient could be told to forget first and be sent an event then. It goes by when the
// resets were seen to be there, not by their own times: clocks differ.
func (r *Runner) settled(ctx context.Context, messages []kafka.Message) error {
	if _, err := r.fresh.ensure(ctx); err != nil {
		return err
	}
	if !sleep(ctx, time.Until(r.seen.Since(messages).Add(maxStale+r.limits.Timeout+r.pace.grace))) {
		return ctx.Err()
	}
	_, err := r.fresh.ensure(ctx) // they are known by now
	return err
}

// forget passes one reset on. It returns an error only when that must be tried
// again. An opt-out is in force as soon as it is known.
func (r *Runner) forget(ctx context.Context, m *kafka.Message) (schemas.ProgressState, error) {
	if len(m.Value) == 0 {
		return schemas.Done, nil
	}
	reset, err := schemas.DecodeReset(m.Value)
	if err != nil {
		return 0, fmt.Errorf("offset %d of topic %s: %w", m.Offset, m.Topic, err)
	}
	if reset.Recipient != "" {
		return schemas.Done, nil
	}
	id, lacking := &Identity{Field: reset.Field, At: reset.At, Own: r.table().Own(r.recipient)}, false
	for _, stored := range reset.Pseudonyms {
		p, ok := r.keys.Pseudonym(reset.Field, stored)
		if !ok {
			lacking = true
			continue
		}
		id.Pseudonyms = append(id.Pseudonyms, p)
	}
	state := schemas.Failed
	if len(id.Pseudonyms) > 0 {
		if state, err = r.ask(ctx, id); err != nil {
			return 0, err
		}
	}
	if lacking && (state == schemas.Done || state == schemas.Asked) {
		state = schemas.Partial // under a key that is not at hand it may have been sent more
	}
	r.metrics.forgotten(state)
	return state, nil
}

// ask asks the recipient to forget, until it answers, and not before it wants to be
// asked again.
func (r *Runner) ask(ctx context.Context, id *Identity) (schemas.ProgressState, error) {
	defer r.forgetPaused.Store(false)
	var after time.Duration
	send := func(request *http.Request) (*Response, error) {
		if err := r.gate.pace(ctx); err != nil {
			return nil, err
		}
		response, err := r.client.send(ctx, request)
		if err == nil && response.Status >= 400 {
			after = max(after, retryAfter(response.Header, time.Now()))
		}
		return response, err
	}
	for wait := r.pace.backoff; ; wait = min(2*wait, r.pace.maxBackoff) {
		after = 0
		state, err := r.kind.Forget(ctx, send, id)
		if err == nil {
			return state, nil
		}
		paused := errors.Is(err, ErrPaused)
		r.forgetPaused.Store(paused)
		if paused {
			r.tellForgetPaused(err)
		} else {
			r.tell(ctx, "the recipient could not be asked to forget; trying again", err)
		}
		if !sleep(ctx, max(after, jitter(wait))) {
			return 0, ctx.Err()
		}
	}
}

func (r *Runner) tellForgetPaused(err error) {
	if leftOut, ok := r.toldForgetting.Allow(time.Now()); ok {
		r.log.Error("passing resets on is paused until an operator acts; they wait, and events are still forwarded", "error", err, "more_since", leftOut)
	}
}
