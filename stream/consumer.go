package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// Handler handles a run of messages of one partition, in order. When it
// returns nil they are committed and never handed out again to the group; on
// an error the same run is handed to it again, after a pause; on a [*Partial]
// only what is left of it. It may be called
// for several partitions at once. It must return soon after ctx ends, and what
// it has done by then may be done again by another member.
type Handler func(ctx context.Context, partition int, messages []kafka.Message) error

// Partial is the error of a handler that has handled the beginning of a run.
type Partial struct {
	Handled int // messages, from the first on
	Err     error
}

func (p *Partial) Error() string { return p.Err.Error() }
func (p *Partial) Unwrap() error { return p.Err }

// Unfinished is the error of a handler that has done with a run what can be done for
// now, and is to be asked again. What has come since joins the run then, as far as
// MaxMessages allows, and need not wait for it; nothing of it is committed before.
type Unfinished struct{ Err error }

func (u *Unfinished) Error() string { return u.Err.Error() }
func (u *Unfinished) Unwrap() error { return u.Err }

// Consumer is a member of a consumer group over a topic.
type Consumer struct {
	cluster *Cluster
	options ConsumerOptions
	handle  Handler
	log     *slog.Logger

	lag    atomic.Int64 // messages behind, over the partitions of this member
	active atomic.Int64 // partitions assigned to this member
	gone   atomic.Int64 // messages that expired before they were handed out
	still  atomic.Pointer[time.Time]
	period time.Duration // of watchGroup

	mu      sync.Mutex
	working map[*partition]struct{} // assigned to this member
}

// ConsumerOptions configure a consumer.
type ConsumerOptions struct {
	Group string
	Topic string // the events topic when empty
	// MaxMessages and MaxWait bound a run: it is handed out when it has that
	// many messages, or when its first one has waited that long.
	MaxMessages int
	MaxWait     time.Duration
	// Spans, if any, bound what is handed out, one for each partition: a group
	// that has not committed begins at From, and nothing from To on is handed out.
	Spans []Span
	Log   *slog.Logger
}

// span returns the bounds of a partition.
func (o *ConsumerOptions) span(partition int) Span {
	for _, s := range o.Spans {
		if s.Partition == partition {
			return s
		}
	}
	s := Span{Partition: partition, To: math.MaxInt64}
	if o.Spans != nil {
		s.To = 0 // it was made after the spans were
	}
	return s
}

// How long a member may be silent, and how long it may take to join again.
const (
	sessionTimeout   = 10 * time.Second
	rebalanceTimeout = 20 * time.Second
)

// MemberLife is how long Kafka may take a consumer that was killed for a member of
// its group: it may be waiting for others to join, and has a session after that.
const MemberLife = rebalanceTimeout + sessionTimeout

// NewConsumer prepares a member of the group; Run makes it one.
func NewConsumer(cluster *Cluster, o ConsumerOptions, handle Handler) *Consumer {
	if o.Topic == "" {
		o.Topic = cluster.config.Topics.Events
	}
	return &Consumer{cluster: cluster, options: o, handle: handle, log: o.Log, working: map[*partition]struct{}{}, period: standstillPeriod}
}

// Lag returns how many messages the partitions of this member are behind.
func (c *Consumer) Lag() int64 { return c.lag.Load() }

// Assigned returns how many partitions this member has.
func (c *Consumer) Assigned() int64 { return c.active.Load() }

// Gone returns how many messages this member passed over, since they had expired
// before it came to them. Of a compacted topic also those are counted that
// compaction took.
func (c *Consumer) Gone() int64 { return c.gone.Load() }

// Run is a member of the group until ctx ends. It returns when the runs under
// way have been handled or given up.
func (c *Consumer) Run(ctx context.Context) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:      c.options.Group,
		Brokers: c.cluster.config.Brokers,
		Dialer:  c.cluster.dialer,
		Topics:  []string{c.options.Topic},
		// A group that has never committed starts with what Kafka still has.
		StartOffset:           kafka.FirstOffset,
		WatchPartitionChanges: true,
		HeartbeatInterval:     time.Second,
		SessionTimeout:        sessionTimeout,
		RebalanceTimeout:      rebalanceTimeout,
		JoinGroupBackoff:      500 * time.Millisecond,
	})
	if err != nil {
		return fmt.Errorf("cannot join consumer group %s: %w", c.options.Group, err)
	}
	defer group.Close()
	watch, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { c.watchGroup(watch) })
	defer watching.Wait()
	defer stop()
	for {
		generation, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return nil
		case err != nil:
			c.log.Warn("cannot join the consumer group; trying again", "group", c.options.Group, "error", err)
			continue
		}
		c.start(ctx, generation)
	}
}

// Follow hands out what is in the consumer's spans, all of it to this process,
// until ctx ends. It is no member of a group, and nothing is committed.
func (c *Consumer) Follow(ctx context.Context) {
	var all sync.WaitGroup
	for _, span := range c.options.Spans {
		p := &partition{consumer: c, id: span.Partition, span: span, offset: span.From, commit: func(int64) error { return nil }}
		all.Go(func() { p.consume(ctx) })
	}
	all.Wait()
}

func (c *Consumer) start(ctx context.Context, g *kafka.Generation) {
	topic := c.options.Topic
	for _, assigned := range g.Assignments[topic] {
		g.Start(func(generation context.Context) {
			// The member also ends with ctx, at which its commits still count.
			run, stop := context.WithCancel(generation)
			defer stop()
			defer context.AfterFunc(ctx, stop)()
			c.active.Add(1)
			defer c.active.Add(-1)
			span := c.options.span(assigned.ID)
			note := &Note{cluster: c.cluster, group: g, topic: topic, partition: assigned.ID, end: span.To}
			p := &partition{consumer: c, id: assigned.ID, span: span, offset: assigned.Offset, note: note, commit: note.commit}
			p.consume(context.WithValue(run, noteKey{}, note))
		})
	}
}

// partition is one partition while it is assigned.
type partition struct {
	consumer *Consumer
	id       int
	span     Span
	offset   int64 // of the next message
	note     *Note // nil when nothing is committed
	commit   func(int64) error
	gathered int // messages of the last run, as many as the next may have
	patience patience
	behind
}

func (p *partition) consume(ctx context.Context) {
	defer p.setLag(0)
	defer p.watch(ctx)()
	c := p.consumer
	if p.offset < p.span.From {
		p.offset = p.span.From
		if c.options.Spans == nil {
			p.offset = kafka.FirstOffset
		}
	}
	for ctx.Err() == nil && p.offset < p.span.To {
		if err := p.read(ctx); err != nil && ctx.Err() == nil {
			if damaged := (*unreadable)(nil); errors.As(err, &damaged) {
				c.log.Error("a partition stands before a batch that cannot be read; trying again", "partition", p.id, "error", err,
					"hint", damaged.hint(c.cluster.config.Brokers, c.options.Group, c.options.Topic, p.id))
			} else {
				c.log.Warn("cannot read a partition; trying again", "partition", p.id, "error", err)
			}
			p.findLag(ctx)
			pause(ctx, time.Second)
		}
	}
	<-ctx.Done() // a generation ends when one of its partitions does
}

func (p *partition) read(ctx context.Context) error {
	c := p.consumer
	if p.offset < 0 {
		first, _, err := c.cluster.bounds(ctx, c.options.Topic, p.id)
		if err != nil {
			return err
		}
		p.offset = first
	}
	reader := newPartitionReader(ctx, c.cluster, c.options.Topic, p.id, p.offset)
	defer reader.close()
	p.patience = patience{}
	for {
		messages, err := p.gather(ctx, reader)
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			p.finish()
			return nil
		}
		if !p.deliver(ctx, messages) {
			return ctx.Err()
		}
		if p.offset >= p.span.To {
			return nil
		}
	}
}

// finish commits that the span has been handled, though the topic has no more of
// its messages.
func (p *partition) finish() {
	p.offset = p.span.To
	if err := p.commit(p.offset); err != nil {
		p.consumer.log.Warn("cannot commit", "group", p.consumer.options.Group, "partition", p.id, "error", err)
	}
}

// maxRun is the bytes at which a run is handed out, however few messages it has.
const maxRun = 32 << 20

// gather collects a run of messages; none when the next is beyond the span.
func (p *partition) gather(ctx context.Context, reader *partitionReader) ([]kafka.Message, error) {
	first, err := p.first(ctx, reader)
	if err != nil {
		return nil, err
	}
	p.passOver(min(first.Offset, p.span.To))
	if first.Offset >= p.span.To {
		return nil, nil
	}
	messages, size := append(make([]kafka.Message, 0, max(p.gathered, 1024)), first), len(first.Value)
	wait, cancel := context.WithTimeout(ctx, p.consumer.options.MaxWait)
	defer cancel()
	for len(messages) < p.consumer.options.MaxMessages && size < maxRun && messages[len(messages)-1].Offset < p.span.To-1 {
		m, err := reader.next(wait)
		if err != nil {
			break // time is up, or else the next run begins with the same error
		}
		messages, size = append(messages, m), size+len(m.Value)
	}
	p.gathered = len(messages)
	last := messages[len(messages)-1]
	p.setLag(last.HighWaterMark - last.Offset - 1 + int64(len(messages)))
	return messages, ctx.Err()
}

// passOver notes that there are no messages before an offset any more.
func (p *partition) passOver(offset int64) {
	if p.offset < 0 || offset <= p.offset { // less than 0: it begins with what there is
		return
	}
	c := p.consumer
	c.gone.Add(offset - p.offset)
	if c.options.Topic == c.cluster.config.Topics.Events {
		c.log.Error("messages expired before they were read; see kafka.retention", "group", c.options.Group, "partition", p.id, "from", p.offset, "messages", offset-p.offset)
	}
	p.offset = offset
}

// first waits for a message. While none comes it makes sure that there is none:
// a reader can lose its broker unnoticed. When Kafka no longer has the offset, or
// has it not yet, reading begins where there is something. When nothing of the
// span is left, what it returns is not a message but says so by its offset.
func (p *partition) first(ctx context.Context, reader *partitionReader) (kafka.Message, error) {
	for {
		idle, cancel := context.WithTimeout(ctx, stall)
		m, err := reader.next(idle)
		quiet := idle.Err() != nil
		cancel()
		if err == nil {
			p.patience.read()
		}
		expired := errors.Is(err, kafka.OffsetOutOfRange)
		if err == nil || ctx.Err() != nil || !expired && !quiet {
			return m, err
		}
		first, end, err := p.consumer.cluster.bounds(ctx, p.consumer.options.Topic, p.id)
		if err != nil {
			return m, err
		}
		at := max(p.offset, first)
		read := max(at, reader.offset) // marks of transactions have offsets, too, and are no messages
		p.setLag(max(end-read, 0))
		switch {
		case end < read:
			p.offset = first
			return m, errShorter
		case max(first, reader.offset) >= p.span.To:
			return kafka.Message{Offset: max(first, reader.offset)}, nil
		case expired:
			p.passOver(at)
			return m, err
		case p.patience.over(end > read):
			return m, errStalled
		}
	}
}

// deliver has a run handled and commits it; false when ctx ended first, or when the
// run is to be gathered again.
func (p *partition) deliver(ctx context.Context, messages []kafka.Message) bool {
	c := p.consumer
	wait := 100 * time.Millisecond
	p.begin(messages)
	defer p.end()
	for {
		p.note.at(p.offset)
		err := c.handle(ctx, p.id, messages)
		if err == nil {
			break
		}
		var partial *Partial
		if errors.As(err, &partial) && partial.Handled > 0 {
			p.handled(messages[:partial.Handled])
			if messages = messages[partial.Handled:]; len(messages) == 0 {
				return ctx.Err() == nil
			}
			p.begin(messages)
		}
		if ctx.Err() != nil {
			return false
		}
		c.log.Warn("cannot handle a run of messages; trying again", "group", c.options.Group, "partition", p.id, "messages", len(messages), "pause", wait, "error", err)
		var unfinished *Unfinished
		if errors.As(err, &unfinished) {
			pause(ctx, min(c.options.MaxWait, maxPause))
			return false
		}
		pause(ctx, wait)
		wait = min(2*wait, maxPause)
	}
	p.handled(messages)
	return ctx.Err() == nil
}

// maxPause is the longest between two attempts to handle a run.
const maxPause = 10 * time.Second

// handled commits messages.
func (p *partition) handled(messages []kafka.Message) {
	p.offset = messages[len(messages)-1].Offset + 1
	if err := p.commit(p.offset); err != nil {
		// What was handled is handed out again, and found to be there already.
		p.consumer.log.Warn("cannot commit", "group", p.consumer.options.Group, "partition", p.id, "error", err)
	}
	p.mu.Lock()
	lag := p.lag - int64(len(messages))
	p.mu.Unlock()
	p.setLag(max(lag, 0))
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
