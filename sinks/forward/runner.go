package forward

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/sinks/throttle"
	"sekisho/stream"
)

// Options are what a runner works with.
type Options struct {
	// Recipient as the policy names it.
	Recipient string
	Kind      Kind
	Config    Config
	Keys      *enforcer.Keys
	// Table returns the policy of now.
	Table func() *enforcer.Table
	// Withdrawn is what Resets applies to.
	Withdrawn *enforcer.Withdrawn
	// Resets must be followed while the runner runs.
	Resets *stream.Resets
	// Check reports why, by the resets that are known, nothing may be sent nor passed
	// on, or nil; it may be nil itself.
	Check   func() error
	Log     *slog.Logger
	Metrics *metrics.Set // nil for none
}

// Runner forwards records to one recipient. Run makes it a member of the
// recipient's consumer group; any number of processes may be.
//
// Runs of messages are worked on whole: the next one of a partition is read when
// of this one every event was sent, or became a dead letter, or expired, or may
// not be sent any more. So memory is bounded, whatever the recipient does, and
// the offset that is committed has nothing unsettled before it. What is settled above
// it when the process stops or loses the partition is noted with it, and is not sent
// again; see left. A process that is killed sends again what it had sent of the runs
// under way since the last note.
type Runner struct {
	recipient  string
	mention    []byte // without which a message is not for the recipient
	kind       Kind
	config     Config
	limits     Limits
	table      func() *enforcer.Table
	withdrawn  *enforcer.Withdrawn
	fresh      fresh
	keys       *enforcer.RecipientKeys
	client     *client
	gate       *gate
	dead       *stream.DeadLetters
	cluster    *stream.Cluster
	consumer   *stream.Consumer
	forgetter  *stream.Consumer
	metrics    *runnerMetrics
	unsent     unsent
	resets     unsent           // that are being passed on
	seen       stream.Sightings // of these
	reporter   *stream.Reporter // of these
	reporting  context.Context  // the assignment that it is for
	marks      *marks
	copies     copies
	pace       pace
	log        *slog.Logger
	told       throttle.Lines
	toldPaused throttle.Lines
	// forgetPaused: no reset can be passed on before an operator acts.
	forgetPaused   atomic.Bool
	toldForgetting throttle.Lines
	views          sync.Pool
}

// New prepares a forwarder. It fails when the configuration cannot work.
func New(cluster *stream.Cluster, o Options) (*Runner, error) {
	r := &Runner{
		recipient: o.Recipient, mention: strconv.AppendQuote(nil, o.Recipient), kind: o.Kind, config: o.Config,
		limits: o.Config.within(o.Kind.Limits()), table: o.Table, withdrawn: o.Withdrawn, fresh: fresh{barrier: o.Resets.Barrier, check: o.Check},
		keys: o.Keys.Recipient(o.Recipient), cluster: cluster, dead: stream.NewDeadLetters(cluster, o.Metrics),
		pace: usual, log: o.Log.With("recipient", o.Recipient),
	}
	r.dead.Expect(o.Recipient, o.Table().SiteNames())
	r.views.New = func() any { return &view{recipient: r.recipient, keys: r.keys, unopened: r.metrics.unopened.Inc} }
	r.gate = newGate(r.limits, r.pace)
	var err error
	if r.client, err = newClient(&r.config, r.limits); err != nil {
		return nil, fmt.Errorf("cannot forward to %s: %w", o.Recipient, err)
	}
	groups := o.Config.GroupsOf(o.Recipient)
	r.marks = &marks{ahead: !r.limits.Deduplicates, left: map[int]left{}}
	r.consumer = stream.NewConsumer(cluster, stream.ConsumerOptions{
		Group: groups[0], MaxMessages: r.config.MaxEvents, MaxWait: r.config.MaxWait, Log: r.log,
	}, r.Handle)
	r.forgetter = stream.NewConsumer(cluster, stream.ConsumerOptions{
		Group: groups[1], Topic: cluster.Config().Topics.Resets, MaxMessages: maxResets, MaxWait: 100 * time.Millisecond, Log: r.log,
	}, r.handleResets)
	r.metrics = newRunnerMetrics(o.Metrics, r)
	return r, nil
}

// Run forwards until ctx ends. It returns when the runs under way are settled or
// given up.
func (r *Runner) Run(ctx context.Context) error {
	var both sync.WaitGroup
	var forgetting error
	both.Go(func() { forgetting = r.forgetter.Run(ctx) })
	err := r.consumer.Run(ctx)
	both.Wait()
	if err == nil {
		err = forgetting
	}
	if err != nil {
		return fmt.Errorf("cannot forward to %s: %w", r.recipient, err)
	}
	return nil
}

// Reloaded says that secrets or the policy were loaded again: what waits for an
// operator is tried at once.
func (r *Runner) Reloaded() { r.gate.retryNow() }

// Paused returns why nothing can be sent before an operator acts, "" when it can.
func (r *Runner) Paused() string {
	_, why := r.gate.state()
	return why
}

// Handle settles a run of messages of one partition; it is the consumer's
// handler. When it returns nil, nothing of the run is left to do.
func (r *Runner) Handle(ctx context.Context, partition int, messages []kafka.Message) error {
	var list, others []int
	for i := range messages {
		m := &messages[i]
		if version, err := strconv.Atoi(string(stream.HeaderOf(m.Headers, schemas.HeaderSchema))); err == nil && version > schemas.Version {
			return fmt.Errorf("offset %d of partition %d has schema version %d, newer than this program's %d: upgrade the forwarder", m.Offset, partition, version, schemas.Version)
		}
		if string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) == schemas.KindEvent && bytes.Contains(m.Value, r.mention) {
			list = append(list, i)
		} else {
			others = append(others, i)
		}
	}
	d := &delivery{Runner: r, partition: partition, messages: messages, settled: make([]bool, len(messages))}
	d.done(others...)
	list, err := d.takeOver(ctx, list)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		d.over(ctx)
		return nil
	}
	r.unsent.begin(partition, messages[list[0]].Time)
	defer r.unsent.end(partition)
	stop := d.keepNotes(ctx)
	err = d.settleAll(ctx, list)
	stop()
	if err != nil {
		d.leave(ctx)
		return &stream.Partial{Handled: d.prefix(), Err: err}
	}
	d.over(ctx)
	return nil
}
