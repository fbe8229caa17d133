package forward

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// delivery settles one run.
type delivery struct {
	*Runner
	messages []kafka.Message

	mu      sync.Mutex
	settled []bool            // by place in the run: nothing is left to do
	sender  map[uuid.UUID]int // place that sends the event of an id
}

func (d *delivery) done(places ...int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, place := range places {
		d.settled[place] = true
	}
}

// prefix returns how many messages from the first on are settled.
func (d *delivery) prefix() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, settled := range d.settled {
		if !settled {
			return i
		}
	}
	return len(d.settled)
}

// parcel is what shares a request.
type parcel struct {
	Batch
	list  []int // places of its events in the run
	ids   []uuid.UUID
	size  int
	known time.Time // resets acknowledged before it were taken into account
}

// trial is what was tried with some events.
type trial struct {
	attempts int
	answers  uint64 // of the recipient, to anyone, by the last attempt
	wait     time.Duration
}

// settleAll settles the events at the given places: with several requests under
// way at once, and each until nothing is left to do.
func (d *delivery) settleAll(ctx context.Context, list []int) error {
	parcels, err := d.pack(ctx, list)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	slots := make(chan struct{}, d.limits.Concurrency)
	for _, p := range parcels {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			d.settle(ctx, p, trial{})
		})
	}
	all.Wait()
	return ctx.Err()
}

// settle settles a parcel, and returns when nothing is left to do or when ctx
// ends.
func (d *delivery) settle(ctx context.Context, p *parcel, t trial) {
	for p != nil {
		if !sleep(ctx, t.wait) {
			return
		}
		pass, err := d.gate.enter(ctx)
		if err != nil {
			return
		}
		if time.Since(p.known) > maxStale {
			parcels, err := d.pack(ctx, p.list)
			if err != nil {
				pass.done(nothing, 0)
				d.tell(ctx, "cannot find out what may be sent; trying again", err)
				t.wait = d.pace.backoff
				continue
			}
			if len(parcels) == 0 {
				pass.done(nothing, 0)
				return
			}
			// By now they may belong into several requests.
			for _, other := range parcels[1:] {
				defer d.settle(ctx, other, t)
			}
			p = parcels[0]
		}
		p = d.deliver(ctx, pass, p, &t)
	}
}

// halves settles the two halves of a parcel, one after the other.
func (d *delivery) halves(ctx context.Context, p *parcel, t trial) {
	half := len(p.list) / 2
	d.settle(ctx, &parcel{list: p.list[:half]}, t)
	d.settle(ctx, &parcel{list: p.list[half:]}, t)
}

// deliver sends a parcel, settles what it can, and returns what is to be tried
// again, nil for nothing.
func (d *delivery) deliver(ctx context.Context, pass *pass, p *parcel, t *trial) (again *parcel) {
	if t.attempts > 0 {
		d.metrics.retried.Add(len(p.list))
	}
	a, err := d.exchange(ctx, p)
	if err != nil {
		pass.done(failed, 0)
		d.tell(ctx, "a request failed; trying again", err)
		return d.failed(ctx, p, t, "no_answer")
	}
	switch a.Verdict {
	case Done:
		pass.done(answered, 0)
		d.accepted(ctx, p, &a)
		return nil
	case Permanent:
		pass.done(answered, 0)
		if len(p.list) == 1 {
			d.bury(ctx, p.list[0], schemas.DeadRefused, a.Reason)
		} else {
			d.halves(ctx, p, trial{})
		}
		return nil
	case Pause:
		pass.finish(stopped, 0, a.Reason)
		d.tellPaused(a.Reason)
		return p
	case Throttled:
		pass.done(limited, a.After)
		return p
	}
	pass.done(failed, a.After)
	return d.failed(ctx, p, t, a.Reason)
}

// failed decides about events whose request failed. While the recipient answers
// nobody it is the recipient's fault, and they wait. While it answers others it
// may be theirs: after so many attempts they are sent apart, and one alone
// becomes a dead letter.
func (d *delivery) failed(ctx context.Context, p *parcel, t *trial, reason string) (again *parcel) {
	answers := d.gate.answers()
	if t.attempts == 0 || answers != t.answers {
		t.attempts++
	}
	t.answers = answers
	t.wait = jitter(min(d.pace.backoff<<min(t.attempts, 10)/2, d.pace.maxBackoff))
	switch {
	case t.attempts < d.config.Attempts:
		return p
	case len(p.list) == 1:
		d.bury(ctx, p.list[0], schemas.DeadExhausted, reason)
	default:
		d.halves(ctx, p, trial{attempts: t.attempts / 2, answers: t.answers})
	}
	return nil
}

// accepted counts what the recipient took, and buries what it did not.
func (d *delivery) accepted(ctx context.Context, p *parcel, a *Answer) {
	refused := 0
	for _, i := range a.Refused {
		if i >= 0 && i < len(p.list) {
			d.bury(ctx, p.list[i], schemas.DeadRefused, a.Reason)
			refused++
		}
	}
	d.metrics.sent.Add(len(p.list) - refused)
	for i, place := range p.list {
		if !slices.Contains(a.Refused, i) {
			d.copies.sent(p.ids[i])
			d.done(place)
		}
	}
}

// exchange makes the request and judges the answer. An error is no answer.
func (d *delivery) exchange(ctx context.Context, p *parcel) (Answer, error) {
	// What is under way when the process stops is finished, if that is soon.
	ctx, stop := withGrace(ctx, d.pace.grace)
	defer stop()
	request, err := d.kind.Request(ctx, &p.Batch)
	if err != nil {
		d.metrics.request("failed", "request")
		return Answer{}, err
	}
	began := time.Now()
	response, err := d.client.send(ctx, request)
	d.metrics.requestSeconds.UpdateDuration(began)
	if err != nil {
		var e *sendError
		reason := "connection"
		if errors.As(err, &e) {
			reason = e.reason
			if e.sent && !d.limits.Deduplicates {
				d.metrics.maybeTwice.Add(len(p.list))
			}
		}
		d.metrics.request("failed", reason)
		return Answer{}, err
	}
	a := d.kind.Classify(&p.Batch, response)
	if a.Verdict == Retry || a.Verdict == Throttled {
		a.After = max(a.After, retryAfter(response.Header, time.Now()))
	}
	d.metrics.request(verdictNames[a.Verdict], a.Reason)
	return a, nil
}

var verdictNames = [...]string{Done: "done", Retry: "retry", Permanent: "permanent", Pause: "paused", Throttled: "throttled"}

// bury makes a dead letter of an event. It does not return before that is
// durable, unless ctx ends.
func (d *delivery) bury(ctx context.Context, place int, why schemas.DeadReason, detail string) {
	m := &d.messages[place]
	letter := schemas.DeadLetter{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Recipient: d.recipient, Reason: why, Detail: detail,
	}
	if why != schemas.DeadUndecodable {
		v := d.views.Get().(*view)
		if v.decoder.Decode(m.Value, &v.record) == nil {
			letter.Value = m.Value
			letter.Describe(&v.record)
			letter.Site = string([]byte(letter.Site)) // the decoder's memory is used again
		}
		d.views.Put(v)
	}
	for {
		err := d.dead.Append(ctx, letter)
		if err == nil {
			d.metrics.dead(detail)
			d.done(place)
			return
		}
		d.tell(ctx, "cannot keep a dead letter; trying again", err)
		if !sleep(ctx, d.pace.backoff) {
			return
		}
	}
}

func (r *Runner) tell(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	if leftOut, ok := r.told.allow(time.Now()); ok {
		r.log.Warn(what, "error", err, "more_since", leftOut)
	}
}

func (r *Runner) tellPaused(why string) {
	if leftOut, ok := r.toldPaused.allow(time.Now()); ok {
		r.log.Error("forwarding is paused until an operator acts; nothing is lost as long as Kafka keeps the events", "why", why, "more_since", leftOut)
	}
}

// withGrace returns a context that ends d after ctx does.
func withGrace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(d):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// sleep returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
