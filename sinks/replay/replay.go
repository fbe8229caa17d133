package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/time/rate"

	"sekisho/schemas"
	"sekisho/stream"
)

// Target is where records are replayed into.
type Target interface {
	// Name names it among all: "table:sekisho.events_again", "recipient:meta",
	// "topic:rebuilt".
	Name() string
	// Review returns what of a record goes there as of now: the values of its
	// messages, none when nothing does, and why.
	Review(v *Reviewer, r *schemas.Record) (values [][]byte, why Verdict)
	// Begin is called before a replay into it is begun, not when one goes on. What it
	// returns tells this target from another that is made later under its name.
	Begin(ctx context.Context) (made string, err error)
	// GoOn is called before a replay goes on, of which so many messages are done. It
	// fails with ErrAnew when what was replayed is not there.
	GoOn(ctx context.Context, made string, done int64) error
	// Handle stores or sends a run of messages of one partition, which are as
	// Review left them, each with the offset at which the record was. It is a
	// [stream.Handler] and keeps its promises: what it is given again, because
	// it was not known to be done, is not there twice.
	Handle(ctx context.Context, partition int, messages []kafka.Message) error
}

// Verdict is what was decided about a record.
type Verdict struct {
	Outcome schemas.Outcome
	Reason  schemas.Reason
}

// Replay passes a range of the events topic on again. What it decides, it
// decides as of now. It is carried out by a consumer group of its own, so that it
// goes on where it was after a crash, and several processes can share the work.
type Replay struct {
	Cluster   *stream.Cluster
	Selection Selection
	Wanted    string // what the operator asked for: another text is another replay
	Again     bool   // begin anew, though the last replay is not complete or is this one
	Target    Target
	Reviewer  *Reviewer
	Rate      float64 // messages a second that are read at most; 0 for as fast as it goes
	MaxBatch  int     // most messages in a run
	Log       *slog.Logger
	// Progress is told now and then how far it is.
	Progress func(Progress)

	topic     string
	carried   *plan // that is carried out
	keepEvery time.Duration
	limiter   *rate.Limiter
	workers   sync.Pool

	mu     sync.Mutex
	counts Counts
}

// Progress is how far a replay is, in messages, by whatever process.
type Progress struct{ Done, Total int64 }

// Counts are what a process found in the messages that it replayed.
type Counts struct {
	Read     int64             // messages
	Chosen   int64             // records that were selected
	Bad      int64             // messages that cannot be read: they are dead letters already
	Expired  int64             // messages that the topic had when the replay began, and no longer when it came to them
	Verdicts map[Verdict]int64 // of the chosen ones
}

// ErrOther: the last replay into the target was another one and is not complete.
var ErrOther = errors.New("the last replay into it was of another range or selection and is not complete; finish it, or give it up with --again")

// ErrComplete: there is nothing left to do.
var ErrComplete = errors.New("this replay is complete already; do it once more with --again")

// ErrAnew: the target has not what the replay has come to so far. Where nothing is
// there, it cannot be told whether something was.
var ErrAnew = errors.New("what was replayed is not in it: it was made anew or emptied since the replay began, or nothing was selected so far; begin the replay anew with --again")

// errSuperseded: another process began the same replay at the same time, and its
// plan is the one that counts.
var errSuperseded = errors.New("another process has begun the same replay")

// Run replays until all is done or ctx ends, and returns what it found; what it
// did until then need not be done again.
func (r *Replay) Run(ctx context.Context) (Counts, error) {
	r.prepare()
	p, err := r.plan(ctx)
	for err == nil {
		if err = r.carryOut(ctx, p); !errors.Is(err, errSuperseded) {
			break
		}
		r.Again = false // which has been done
		if p, err = r.plan(ctx); errors.Is(err, ErrComplete) {
			err = nil
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts.Expired > 0 {
		err = errors.Join(err, fmt.Errorf("%d messages of the range expired before they could be replayed (kafka.retention); into %s went what was left", r.counts.Expired, r.Target.Name()))
	}
	return r.counts, err
}

// carryOut replays what is left of a plan, or shares in it.
func (r *Replay) carryOut(ctx context.Context, p *plan) error {
	r.carried = p
	running, stop := context.WithCancel(ctx)
	defer stop()
	consumer := stream.NewConsumer(r.Cluster, stream.ConsumerOptions{
		Group: p.group(r.Target.Name()), MaxMessages: r.limiter.Burst(), MaxWait: time.Second, Spans: p.spans, Log: r.Log,
	}, r.handle)
	var watch sync.WaitGroup
	var watched error
	watch.Go(func() {
		defer stop()
		watched = r.watch(running, p)
	})
	err := consumer.Run(running)
	watch.Wait()
	r.mu.Lock()
	r.counts.Expired += consumer.Gone()
	r.mu.Unlock()
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return watched
}

// Try counts what a replay would do and writes nothing.
func (r *Replay) Try(ctx context.Context) (Counts, error) {
	r.prepare()
	spans, err := r.Selection.spans(ctx, r.Cluster, r.topic)
	if err != nil {
		return r.counts, err
	}
	var done atomic.Int64
	for _, span := range spans {
		var run []kafka.Message
		flush := func() error {
			_, found, err := r.review(ctx, run)
			r.count(found)
			r.Progress(Progress{Done: done.Add(int64(len(run))), Total: total(spans)})
			run = run[:0]
			return err
		}
		err := r.Cluster.Read(ctx, r.topic, span, func(m *kafka.Message) error {
			if run = append(run, *m); len(run) < r.limiter.Burst() {
				return nil
			}
			return flush()
		})
		if err == nil && len(run) > 0 {
			err = flush()
		}
		if err != nil {
			return r.counts, err
		}
	}
	return r.counts, nil
}

func (r *Replay) prepare() {
	r.topic, r.keepEvery = r.Cluster.Config().Topics.Events, cmp.Or(r.keepEvery, keepEvery)
	r.Wanted = abridged(r.Wanted)
	r.counts.Verdicts = map[Verdict]int64{}
	burst := r.MaxBatch
	if r.Rate > 0 {
		burst = min(burst, max(int(r.Rate), 1))
	}
	r.limiter = rate.NewLimiter(rate.Inf, burst)
	if r.Rate > 0 {
		r.limiter.SetLimit(rate.Limit(r.Rate))
	}
	r.workers.New = func() any { return &worker{reviewer: r.Reviewer.Clone()} }
}

// plan returns the plan of a replay that was begun and is this one, or begins.
func (r *Replay) plan(ctx context.Context) (*plan, error) {
	last, err := loadPlan(ctx, r.Cluster, r.topic, r.Target.Name())
	for given := last; ; {
		giveUp := r.Again && last.same(given)
		switch {
		case err != nil && !(giveUp && beyondUse(err)):
			return nil, err
		case last != nil && !giveUp:
			if goOn, err := r.goOn(ctx, last); goOn || err != nil {
				return last, err
			}
		}
		if err := r.awaitOthers(ctx, last); err != nil {
			return nil, err
		}
		n := note{Wanted: r.Wanted}
		if err := n.name(ctx, r.Cluster, r.topic, r.Target.Name(), last); err != nil {
			return nil, err
		}
		if n.Made, err = r.Target.Begin(ctx); err != nil {
			return nil, err
		}
		// Another process may have begun meanwhile.
		before := last
		last, err = loadPlan(ctx, r.Cluster, r.topic, r.Target.Name())
		if last.same(before) && (err == nil || beyondUse(err)) {
			return keepPlan(ctx, r.Cluster, r.topic, r.Target.Name(), n, &r.Selection)
		}
	}
}

// goOn reports whether the last plan is to be carried on with, and an error when
// it is neither that nor done with.
func (r *Replay) goOn(ctx context.Context, last *plan) (bool, error) {
	left := total(last.left)
	switch {
	case last.Wanted != r.Wanted && left == 0:
		return false, nil
	case last.Wanted != r.Wanted:
		return false, fmt.Errorf("cannot replay into %s: %w (%d of %d messages are left)", r.Target.Name(), ErrOther, left, total(last.spans))
	case left == 0:
		return false, ErrComplete
	}
	err := r.Target.GoOn(ctx, last.Made, last.done())
	switch {
	case errors.Is(err, ErrAnew) && last.done() == 0:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("cannot go on with the replay into %s: %w", r.Target.Name(), err)
	}
	if !last.Since.IsZero() {
		r.Selection.From.Time = last.Since
	}
	if !last.Until.IsZero() {
		r.Selection.To.Time = last.Until
	}
	r.Log.Info("going on with the replay", "into", r.Target.Name(), "left", left, "of", total(last.spans))
	return true, nil
}

// awaitOthers waits until no process carries out the plan. One that was killed
// counts until Kafka knows that it is gone.
func (r *Replay) awaitOthers(ctx context.Context, last *plan) error {
	if last == nil {
		return nil
	}
	deadline := time.Now().Add(stream.MemberLife + time.Second)
	for told := false; ; {
		n, err := r.Cluster.Members(ctx, last.group(r.Target.Name()))
		switch {
		case err != nil:
			return fmt.Errorf("cannot begin the replay into %s: %w", r.Target.Name(), err)
		case n == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("cannot begin the replay into %s: another process replays into it; stop that one first", r.Target.Name())
		case !told:
			told = true
			r.Log.Info("waiting for another process that replays into the same to end; Kafka takes a while to miss one that was killed",
				"into", r.Target.Name(), "at_most", stream.MemberLife)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// maxShorter is how often in a row the topic may seem to be too short, as it may
// for a moment when its leader changes.
const maxShorter = 20

// watch returns when all is done, by this process and by others.
func (r *Replay) watch(ctx context.Context, p *plan) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	// By then this process is a member of the plan's group, and nobody begins anew.
	keep := time.Now().Add(r.keepEvery / 60)
	for shorter := 0; ; {
		current, err := loadPlan(ctx, r.Cluster, r.topic, r.Target.Name())
		if !errors.Is(err, errShorter) {
			shorter = 0
		} else if shorter++; shorter > maxShorter {
			return err
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			r.Log.Warn("cannot find how far the replay is; trying again", "error", err)
		case !current.same(p) && current != nil && current.Wanted == p.Wanted:
			return errSuperseded
		case !current.same(p):
			return fmt.Errorf("the replay was begun anew elsewhere, or its plan was deleted from Kafka (group %s): see that nobody else replays into %s, and begin it anew with --again", plans(r.Target.Name()), r.Target.Name())
		default:
			if time.Now().After(keep) {
				keep = time.Now().Add(r.keepEvery)
				if err := p.keep(ctx, r.Cluster, r.topic, r.Target.Name()); err != nil && ctx.Err() == nil {
					r.Log.Warn("Kafka forgets the replay if this goes on for days; trying again later", "error", err)
				}
			}
			r.Progress(Progress{Done: current.done(), Total: total(p.spans)})
			if total(current.left) == 0 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// handle replays a run; it is the consumer's handler.
func (r *Replay) handle(ctx context.Context, partition int, messages []kafka.Message) error {
	reviewed, found, err := r.review(ctx, messages)
	if err != nil {
		return err
	}
	if len(reviewed) > 0 {
		// Two plans have two groups, and a target is written to by one at a time.
		if err := r.carried.current(ctx, r.Cluster, r.topic, r.Target.Name()); err != nil {
			return err
		}
		err = r.Target.Handle(ctx, partition, reviewed)
	}
	var partial *stream.Partial
	if errors.As(err, &partial) {
		// The target counts in what it was given.
		next := len(messages)
		if partial.Handled < len(reviewed) {
			for next = 0; messages[next].Offset < reviewed[partial.Handled].Offset; next++ {
			}
		}
		r.count(found[:next])
		return &stream.Partial{Handled: next, Err: partial.Err}
	}
	if err == nil {
		r.count(found)
	}
	return err
}

// worker decides about a run.
type worker struct {
	reviewer *Reviewer
	decoder  schemas.RecordDecoder
	record   schemas.Record
}

// finding is what a message turned out to be.
type finding struct {
	bad, chosen bool
	verdict     Verdict
}

// review waits for its turn and returns what is left of a run as of now, and what
// each of its messages was.
func (r *Replay) review(ctx context.Context, messages []kafka.Message) (left []kafka.Message, found []finding, err error) {
	if err := r.limiter.WaitN(ctx, len(messages)); err != nil {
		return nil, nil, err
	}
	if err := r.Reviewer.Barrier(ctx); err != nil {
		return nil, nil, err
	}
	w := r.workers.Get().(*worker)
	defer r.workers.Put(w)
	found = make([]finding, len(messages))
	for i := range messages {
		m, f := messages[i], &found[i]
		if string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) != schemas.KindEvent {
			continue // an account is counted once, when it came
		}
		if f.bad = w.decoder.Decode(m.Value, &w.record) != nil; f.bad {
			continue
		}
		if f.chosen = r.Selection.has(&w.record); !f.chosen {
			continue
		}
		var values [][]byte
		values, f.verdict = r.Target.Review(w.reviewer, &w.record)
		for _, value := range values {
			m.Value = value
			left = append(left, m)
		}
	}
	return left, found, nil
}

func (r *Replay) count(found []finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Read += int64(len(found))
	for _, f := range found {
		switch {
		case f.bad:
			r.counts.Bad++
		case f.chosen:
			r.counts.Chosen++
			r.counts.Verdicts[f.verdict]++
		}
	}
}
