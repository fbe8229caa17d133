package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// Errors of Write. Both mean that the events are not durable as far as is
// known, and that the client should keep them and try again.
var (
	ErrOverloaded  = errors.New("too many events are waiting for Kafka")
	ErrUnavailable = errors.New("Kafka did not acknowledge in time")
)

// Message is an enforced event on its way to Kafka, or, without a value, only
// decisions to be counted.
type Message struct {
	Key, Value []byte
	Time       time.Time
	Decisions  []schemas.Decision
}

// Producer writes enforced events. For each partition one goroutine keeps one
// batch in flight; what was queued meanwhile is the next batch, so batches grow
// with the load and nobody waits for a timer. With every batch goes an account
// of the decisions behind it.
//
// Safe for concurrent use.
type Producer struct {
	client  *kafka.Client
	topic   string
	timeout time.Duration
	log     *slog.Logger

	queues     []*queue
	partitions []int
	spread     atomic.Uint32
	queued     atomic.Int64 // bytes
	limit      int64
	closing    atomic.Bool
	workers    sync.WaitGroup
	healthy    atomic.Bool
}

// ProducerOptions configure a producer.
type ProducerOptions struct {
	Topic      string
	Partitions int           // of the topic
	Timeout    time.Duration // for one batch, retries included
	MaxQueued  int64         // bytes that may wait in memory
	Log        *slog.Logger
}

// NewProducer starts a producer. Close ends it.
func NewProducer(client *kafka.Client, o ProducerOptions) *Producer {
	p := &Producer{client: client, topic: o.Topic, timeout: o.Timeout, limit: o.MaxQueued, log: o.Log}
	p.healthy.Store(true)
	p.queues = make([]*queue, o.Partitions)
	for i := range p.queues {
		p.partitions = append(p.partitions, i)
		p.queues[i] = &queue{wake: make(chan struct{}, 1)}
		p.workers.Add(1)
		go p.work(i)
	}
	return p
}

// queue is what waits for one partition. Its lock is held for appending only.
type queue struct {
	mu      sync.Mutex
	closed  bool
	waiting []*batch
	wake    chan struct{}
}

// batch is one Kafka batch in the making: the messages, copied, and who waits.
type batch struct {
	bytes   []byte
	records []span
	account schemas.Account
	waiters []*Waiter
}

// maxBatch is the most bytes of messages in one batch, well below the 1 MiB
// that brokers take by default (message.max.bytes).
const maxBatch = 768 << 10

// span locates a message's key and value in the batch's bytes.
type span struct {
	key, value, end int
	time            time.Time
}

// Waiter waits until the messages of one request are durable.
type Waiter struct {
	left atomic.Int32
	fail atomic.Pointer[error]
	done chan struct{}
}

func (w *Waiter) finish(err error) {
	if err != nil {
		w.fail.CompareAndSwap(nil, &err)
	}
	if w.left.Add(-1) == 0 {
		close(w.done)
	}
}

// Submit queues the messages, which it copies, and returns at once. Wait on
// the result for durability. Decisions without a value are counted too.
func (p *Producer) Submit(messages []Message) (*Waiter, error) {
	if p.closing.Load() {
		return nil, ErrUnavailable
	}
	size := int64(0)
	for i := range messages {
		size += int64(len(messages[i].Key) + len(messages[i].Value))
	}
	if p.queued.Add(size) > p.limit {
		p.queued.Add(-size)
		return nil, ErrOverloaded
	}
	w := &Waiter{done: make(chan struct{})}
	w.left.Store(int32(len(messages)) + 1)
	any := int(p.spread.Add(1))
	for i := range messages {
		m := &messages[i]
		partition := any % len(p.queues)
		if m.Value != nil {
			partition = p.partition(m.Key)
		}
		if !p.queues[partition].add(m, w) {
			p.queued.Add(-int64(len(m.Key) + len(m.Value)))
			w.finish(ErrUnavailable)
		}
	}
	w.finish(nil)
	return w, nil
}

// Wait returns when the messages are acknowledged by all in-sync replicas, or
// with why that is not known.
func (w *Waiter) Wait(ctx context.Context) error {
	select {
	case <-w.done:
		if err := w.fail.Load(); err != nil {
			return *err
		}
		return nil
	case <-ctx.Done():
		return ErrUnavailable
	}
}

// Write submits the messages and waits.
func (p *Producer) Write(ctx context.Context, messages []Message) error {
	w, err := p.Submit(messages)
	if err != nil {
		return err
	}
	return w.Wait(ctx)
}

// Healthy reports whether the last batch was acknowledged.
func (p *Producer) Healthy() bool { return p.healthy.Load() }

// Queued returns the bytes that wait in memory.
func (p *Producer) Queued() int64 { return p.queued.Load() }

// Close writes what is queued and returns when all is acknowledged or given
// up. Submit fails from then on. Safe to call twice.
func (p *Producer) Close() {
	p.closing.Store(true)
	for _, q := range p.queues {
		q.close()
	}
	p.workers.Wait()
}

// partition places a key as Kafka's own clients do.
func (p *Producer) partition(key []byte) int {
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, p.partitions...)
}

func (q *queue) add(m *Message, w *Waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	if n := len(q.waiting); n == 0 || len(q.waiting[n-1].bytes) > 0 && len(q.waiting[n-1].bytes)+len(m.Value) > maxBatch {
		q.waiting = append(q.waiting, &batch{account: make(schemas.Account)})
	}
	b := q.waiting[len(q.waiting)-1]
	if m.Value != nil {
		s := span{key: len(b.bytes), time: m.Time}
		b.bytes = append(b.bytes, m.Key...)
		s.value = len(b.bytes)
		b.bytes = append(b.bytes, m.Value...)
		s.end = len(b.bytes)
		b.records = append(b.records, s)
	}
	for _, d := range m.Decisions {
		b.account[d]++
	}
	b.waiters = append(b.waiters, w)
	q.signal()
	return true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() (waiting []*batch, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting, q.waiting = q.waiting, nil
	return waiting, q.closed
}

func (p *Producer) work(partition int) {
	defer p.workers.Done()
	q := p.queues[partition]
	for range q.wake {
		waiting, closed := q.take()
		for _, b := range waiting {
			err := p.produce(partition, b)
			p.queued.Add(-int64(len(b.bytes)))
			for _, w := range b.waiters {
				w.finish(err)
			}
		}
		if closed {
			return
		}
	}
}

// produce writes the batch, again and again until the deadline: kafka-go does
// not retry by itself. A copy that landed unseen is found by its ids later.
func (p *Producer) produce(partition int, b *batch) error {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	id := uuid.New()
	pause := 20 * time.Millisecond
	for {
		err := p.attempt(ctx, partition, b, id)
		if err == nil {
			if !p.healthy.Swap(true) {
				p.log.Info("Kafka acknowledges again", "topic", p.topic)
			}
			return nil
		}
		if p.healthy.Swap(false) {
			p.log.Warn("Kafka does not acknowledge; trying again", "topic", p.topic, "partition", partition, "error", err)
		}
		if isPermanent(err) || p.closing.Load() && ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		case <-time.After(pause):
			pause = min(2*pause, time.Second)
		}
	}
}

func (p *Producer) attempt(ctx context.Context, partition int, b *batch, id uuid.UUID) error {
	records := make([]kafka.Record, 0, len(b.records)+1)
	for _, s := range b.records {
		records = append(records, kafka.Record{
			Time:    s.time,
			Key:     kafka.NewBytes(b.bytes[s.key:s.value]),
			Value:   kafka.NewBytes(b.bytes[s.value:s.end]),
			Headers: eventHeaders,
		})
	}
	if len(b.account) > 0 {
		records = append(records, kafka.Record{
			Time:    time.Now().Truncate(time.Minute),
			Value:   kafka.NewBytes(b.account.AppendJSON(nil)),
			Headers: accountHeaders(id),
		})
	}
	answer, err := p.client.Produce(ctx, &kafka.ProduceRequest{
		Topic:        p.topic,
		Partition:    partition,
		RequiredAcks: kafka.RequireAll,
		Records:      kafka.NewRecordReader(records...),
		Compression:  kafka.Lz4,
	})
	if err != nil {
		return fmt.Errorf("cannot produce: %w", err)
	}
	if answer.Error != nil {
		return fmt.Errorf("cannot produce: %w", answer.Error)
	}
	for _, err := range answer.RecordErrors {
		return fmt.Errorf("cannot produce: %w", err)
	}
	return nil
}

// isPermanent reports whether trying the same batch again cannot help.
func isPermanent(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.TopicAuthorizationFailed) ||
		errors.Is(err, kafka.InvalidRequiredAcks)
}
