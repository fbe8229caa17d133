package stream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// Errors of Write. All mean that the events are not durable as far as is
// known, and, but for ErrTooLarge, that the client should keep them and try
// again.
var (
	ErrOverloaded  = errors.New("too many events are waiting for Kafka")
	ErrUnavailable = errors.New("Kafka did not acknowledge in time")
	ErrTooLarge    = errors.New("the record is larger than a Kafka batch may be")
)

// Message is an enforced event on its way to Kafka, or, without a value, only
// decisions to be counted.
type Message struct {
	Key, Value []byte
	Time       time.Time
	Decisions  []schemas.Decision
	// Hashes are the registry's hashes of the identifiers whose pseudonyms are
	// in the value. A message that has to wait on disk is checked again by them.
	Hashes [][16]byte
}

// Producer writes enforced events. For each partition one goroutine keeps one
// batch in flight; what was queued meanwhile is the next batch, so batches grow
// with the load and nobody waits for a timer. With every batch goes an account
// of the decisions behind it.
//
// With a spool, a batch that Kafka does not acknowledge soon is durable on disk
// instead; see [Spooling].
//
// What waits takes at most kafka.max_queued of memory, or what one request
// brings when that is more. Encoding takes some 4 MiB beside it for every
// partition with a batch in flight.
//
// Safe for concurrent use.
type Producer struct {
	client  *kafka.Client
	topic   string
	timeout time.Duration
	log     *slog.Logger
	spooling

	queues     []*queue
	partitions []int
	spread     atomic.Uint32
	queued     atomic.Int64 // bytes of memory
	limit      int64
	batches    sync.Pool
	encoders   sync.Pool
	closing    atomic.Bool
	workers    sync.WaitGroup
	acked      atomic.Int64 // when Kafka last acknowledged a batch, in Unix nanoseconds

	mu      sync.Mutex
	refused schemas.Account // decisions that nobody waits for, in no batch yet
}

// ProducerOptions configure a producer.
type ProducerOptions struct {
	Log   *slog.Logger
	Spool *Spooling // nil for none
}

// NewProducer starts a producer for the events topic, which has that many
// partitions. Close ends it.
func NewProducer(cluster *Cluster, partitions int, o ProducerOptions) *Producer {
	c := cluster.config
	p := &Producer{
		client: cluster.client, topic: c.Topics.Events, timeout: c.Timeout, limit: int64(c.MaxQueued), log: o.Log,
		refused: make(schemas.Account),
	}
	p.batches.New = func() any { return new(batch) }
	p.encoders.New = func() any { return newEncoder() }
	for i := range partitions {
		p.partitions = append(p.partitions, i)
		p.queues = append(p.queues, &queue{partition: i, producer: p, wake: make(chan struct{}, 1)})
	}
	p.startSpooling(o.Spool)
	for _, q := range p.queues {
		p.workers.Go(q.work)
	}
	return p
}

// Waiter waits until the messages of one request are durable.
type Waiter struct {
	left atomic.Int32
	fail atomic.Pointer[error]
	done chan struct{} // has room for one
}

// waiters are reused: each request has one.
var waiters = sync.Pool{New: func() any { return &Waiter{done: make(chan struct{}, 1)} }}

// Durable returns a Waiter of what is durable already.
func Durable() *Waiter {
	w := waiters.Get().(*Waiter)
	w.done <- struct{}{}
	return w
}

func (w *Waiter) finish(err error) {
	if err != nil {
		failed := err // err itself would be allocated on success too
		w.fail.CompareAndSwap(nil, &failed)
	}
	if w.left.Add(-1) == 0 {
		w.done <- struct{}{} // whoever waits may reuse w from now on
	}
}

// Wait returns when the messages are durable: acknowledged by all in-sync
// replicas, or in the spool. Else it returns why that is not known. It is called
// once.
func (w *Waiter) Wait(ctx context.Context) error {
	if over := ctx.Done(); over == nil {
		<-w.done
	} else {
		select {
		case <-w.done:
		case <-over:
			return ErrUnavailable
		}
	}
	err := w.fail.Swap(nil)
	waiters.Put(w)
	if err != nil {
		return *err
	}
	return nil
}

// Submit queues the messages, which it copies, and returns at once. Wait on
// the result for durability, which ends within kafka.timeout. Decisions
// without a value are counted too.
func (p *Producer) Submit(messages []Message) (*Waiter, error) {
	if p.closing.Load() {
		return nil, ErrUnavailable
	}
	cost := int64(0)
	for i := range messages {
		if messages[i].size() > maxBatch {
			return nil, ErrTooLarge
		}
		cost += messages[i].cost()
	}
	// What is alone in the queue may be as large as it likes: it would never
	// fit otherwise.
	if total := p.queued.Add(cost); total > p.limit && total > cost {
		p.queued.Add(-cost)
		return nil, ErrOverloaded
	}
	w := waiters.Get().(*Waiter)
	w.left.Store(int32(len(messages)) + 1)
	any := p.any()
	for i := range messages {
		m := &messages[i]
		q := any
		if m.Value != nil {
			q = p.queues[p.partition(m.Key)]
		}
		if !q.add(m, w) {
			p.queued.Add(-m.cost())
			w.finish(ErrUnavailable)
		}
	}
	w.finish(nil)
	return w, nil
}

// Write submits the messages and waits.
func (p *Producer) Write(ctx context.Context, messages []Message) error {
	w, err := p.Submit(messages)
	if err != nil {
		return err
	}
	return w.Wait(ctx)
}

// Count counts a decision about something that was refused, for which nobody
// waits. It neither blocks nor fails for want of room: such decisions are added
// up, and what could not be written is written again until Close. It reports
// whether the producer still takes any.
func (p *Producer) Count(d schemas.Decision) bool {
	if p.closing.Load() {
		return false
	}
	p.mu.Lock()
	if len(p.refused) >= maxRefused {
		d.Minute -= d.Minute % (24 * 60 * 60)
	}
	p.refused[d]++
	p.mu.Unlock()
	p.any().signal()
	return true
}

// maxRefused is the most rows that refused decisions are counted in by the
// minute. While Kafka is away for hours, further ones are counted by the day.
const maxRefused = 1024

// takeRefused returns the decisions that nobody waits for, nil for none.
func (p *Producer) takeRefused() schemas.Account {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refused) == 0 {
		return nil
	}
	taken := p.refused
	p.refused = make(schemas.Account)
	return taken
}

// Healthy reports whether the last batch of every partition was acknowledged. A
// partition that failed and for which there has been nothing since, for longer
// than kafka.timeout, does not count when another one's was acknowledged later.
func (p *Producer) Healthy() bool {
	quiet := time.Now().Add(-p.timeout - time.Second).UnixNano()
	for _, q := range p.queues {
		failed := q.failed.Load()
		over := failed < quiet && failed < p.acked.Load() && (p.spool == nil || p.spool.Pending(q.partition) == 0)
		if failed != 0 && !over {
			return false
		}
	}
	return true
}

// Queued returns the bytes of memory that what waits takes.
func (p *Producer) Queued() int64 { return p.queued.Load() }

// Close writes what is queued and returns when all is durable or given up,
// within kafka.timeout. What is in the spool stays there. Submit fails from then
// on. Safe to call twice.
func (p *Producer) Close() {
	p.closing.Store(true)
	for _, q := range p.queues {
		q.close()
	}
	p.workers.Wait()
	p.stopSpooling()
	if lost := p.takeRefused(); lost != nil {
		owed := newAccount(lost)
		if p.spool == nil || p.spool.Append(0, appendSpooled(nil, &batch{}, []account{owed}, account{})) != nil {
			p.logLost(owed.total)
		}
	}
}

// logLost tells that decisions are in the metrics and not in Kafka.
func (p *Producer) logLost(decisions uint64) {
	p.log.Error("refused events are missing from the account in Kafka", "topic", p.topic, "events", decisions)
}

// any returns a queue for what has no key.
func (p *Producer) any() *queue { return p.queues[p.spread.Add(1)%uint32(len(p.queues))] }

// partition places a key as Kafka's own clients do.
func (p *Producer) partition(key []byte) int {
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, p.partitions...)
}
