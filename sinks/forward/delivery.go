package forward

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// delivery settles one run.
type delivery struct {
	*Runner
	partition int
	messages  []kafka.Message
	left      left

	mu      sync.Mutex
	settled []bool            // by place in the run: nothing is left to do
	expired uint64            // how many of these events were too old
	sender  map[uuid.UUID]int // place that sends the event of an id
}

func (d *delivery) done(places ...int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, place := range places {
		d.settled[place] = true
	}
}

// expire settles an event that is too old.
func (d *delivery) expire(place int) {
	d.metrics.expired.Inc()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settled[place] = true
	d.expired++
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
	list []int // places of its events in the run
	ids  []uuid.UUID
	size int
	by   basis
}

// basis is what it was decided by whether events may be sent.
type basis struct {
	known   time.Time // resets acknowledged before it were taken into account
	changes uint64    // of what is withdrawn, at that time
	table   *enforcer.Table
	at      time.Time
}

// maxBasis is how long a basis holds though nothing has changed: events grow older.
const maxBasis = 30 * time.Second

// job is events that are to be sent, and what was tried with them so far.
type job struct {
	*parcel
	due      time.Time // not to be tried before
	attempts int
	failed   bool   // it or what it is a part of
	first    uint64 // answers of the recipient, to anyone, when that was first so
	last     uint64 // and when the last attempt failed
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
			d.settle(ctx, p)
		})
	}
	all.Wait()
	return ctx.Err()
}

// settle settles a parcel, and returns when nothing is left to do or when ctx
// ends.
func (d *delivery) settle(ctx context.Context, p *parcel) {
	for jobs := []*job{{parcel: p}}; len(jobs) > 0; {
		next := 0
		for i := range jobs {
			if jobs[i].due.Before(jobs[next].due) {
				next = i
			}
		}
		j := jobs[next]
		if !sleep(ctx, time.Until(j.due)) {
			return
		}
		jobs = append(slices.Delete(jobs, next, next+1), d.try(ctx, j)...)
	}
}

// try tries a job once and returns what is left to do. After a failure one event
// of it is sent alone: when that gets through the recipient works, and the rest is
// sent in halves, to find out whose fault it was.
func (d *delivery) try(ctx context.Context, j *job) []*job {
	pass, err := d.gate.enter(ctx)
	if err != nil {
		return []*job{j}
	}
	now, rest := j.parcel, []int(nil)
	if j.attempts > 0 && len(j.list) > 1 {
		now, rest = j.one()
	}
	now, others, err := d.renewed(ctx, now)
	if err != nil {
		pass.done(nothing, 0)
		d.tell(ctx, "cannot find out what may be sent; trying again", err)
		j.due = time.Now().Add(d.pace.backoff)
		return []*job{j}
	}
	left := jobsOf(others...)
	if now == nil {
		pass.done(nothing, 0)
		return append(left, j.halves(rest)...)
	}
	switch d.deliver(ctx, pass, now, j, rest == nil) {
	case again:
		if rest == nil {
			j.parcel = &parcel{list: now.list} // to be looked at again
		}
		return append(left, j)
	case apart:
		return append(left, j.halves(now.list)...)
	}
	return append(left, j.halves(rest)...)
}

func jobsOf(parcels ...*parcel) (jobs []*job) {
	for _, p := range parcels {
		jobs = append(jobs, &job{parcel: p})
	}
	return jobs
}

// halves makes two jobs of a part of a job, or one when it is a single event.
func (j *job) halves(list []int) (jobs []*job) {
	half := len(list) / 2
	for _, part := range [][]int{list[:half], list[half:]} {
		if len(part) > 0 {
			jobs = append(jobs, &job{parcel: &parcel{list: part}, failed: j.failed, first: j.first})
		}
	}
	return jobs
}

// one takes one event out of a parcel, any.
func (p *parcel) one() (one *parcel, rest []int) {
	i := rand.N(len(p.list))
	return &parcel{list: []int{p.list[i]}}, slices.Concat(p.list[:i], p.list[i+1:])
}

// renewed returns the parcel as the recipient may have it now, nil when nothing is
// left of it; and others, when its events no longer fit into one request.
func (d *delivery) renewed(ctx context.Context, p *parcel) (now *parcel, others []*parcel, err error) {
	if time.Since(p.by.known) < maxStale {
		return p, nil, nil
	}
	if p.by.table == d.table() && time.Since(p.by.at) < maxBasis {
		known, err := d.fresh.ensure(ctx)
		if err != nil {
			return nil, nil, err
		}
		if p.by.changes == d.withdrawn.Changes() {
			p.by.known = known
			return p, nil, nil
		}
	}
	parcels, err := d.pack(ctx, p.list)
	if err != nil || len(parcels) == 0 {
		return nil, nil, err
	}
	return parcels[0], parcels[1:], nil
}

// outcome is what is to be done with events that were sent.
type outcome uint8

const (
	over  outcome = iota // nothing
	again                // try again, when the job is due
	apart                // send them apart
)

// deliver sends a parcel of a job and settles what it can. whole: it is all of the
// job.
func (d *delivery) deliver(ctx context.Context, pass *pass, p *parcel, j *job, whole bool) outcome {
	if j.attempts > 0 {
		d.metrics.retried.Add(len(p.list))
	}
	a, err := d.exchange(ctx, p)
	if err != nil {
		d.tell(ctx, "a request failed; trying again", err)
		a = Answer{Verdict: Retry, Reason: "no_answer"}
	}
	switch a.Verdict {
	case Done:
		pass.done(answered, 0)
		d.accepted(ctx, p, &a)
		return over
	case Permanent:
		if len(p.list) == 1 && d.gate.refused() > maxRefusals {
			pass.finish(stopped, 0, "refuses_all")
			d.tellPaused("refuses_all")
			return again
		}
		pass.done(answered, 0)
		if len(p.list) > 1 {
			return apart
		}
		d.bury(ctx, p.list[0], schemas.DeadRefused, a.Reason)
		return over
	case Pause:
		pass.finish(stopped, 0, a.Reason)
		d.tellPaused(a.Reason)
		return again
	case Throttled:
		pass.done(limited, a.After)
		return again
	}
	d.count(j, pass.failed(a.After, j))
	if whole && len(p.list) == 1 && j.attempts >= d.config.Attempts {
		d.bury(ctx, p.list[0], schemas.DeadExhausted, a.Reason)
		return over
	}
	return again
}

// count counts a failed attempt. While the recipient answers nobody it is the
// recipient's fault, and does not count: others must have got through since the
// attempt before, or since the first one while only this has failed.
func (d *delivery) count(j *job, alone bool) {
	answers := d.gate.answers()
	if !j.failed {
		j.failed, j.first = true, answers
	}
	if j.attempts == 0 || answers != j.last || alone && answers != j.first {
		j.attempts++
	}
	j.last = answers
	j.due = time.Now().Add(jitter(min(d.pace.backoff<<min(j.attempts, 10)/2, d.pace.maxBackoff)))
}

// accepted counts what the recipient took, and buries what it did not.
func (d *delivery) accepted(ctx context.Context, p *parcel, a *Answer) {
	d.gate.took()
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
	// A success is one, though its body does not end.
	if err != nil && (response == nil || response.Status/100 != 2) {
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
	if a.Verdict == Retry && mayBeTaken(response.Status) && !d.limits.Deduplicates {
		d.metrics.maybeTwice.Add(len(p.list))
	}
	d.metrics.request(verdictNames[a.Verdict], a.Reason)
	return a, nil
}

// mayBeTaken reports whether a recipient may have taken a request that it answered so: it
// failed on the way, or what is before it had no answer from it. 503 says that it has not
// worked on it.
func mayBeTaken(status int) bool { return status >= 500 && status != http.StatusServiceUnavailable }

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
	if leftOut, ok := r.told.Allow(time.Now()); ok {
		r.log.Warn(what, "error", err, "more_since", leftOut)
	}
}

func (r *Runner) tellPaused(why string) {
	if leftOut, ok := r.toldPaused.Allow(time.Now()); ok {
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
