package stream

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// queue is what waits for one partition. Its lock is held for appending only.
type queue struct {
	partition int
	producer  *Producer
	wake      chan struct{}

	mu       sync.Mutex
	closed   bool
	waiting  []*batch
	messages atomic.Int32 // in waiting

	owed []account // at most one, that nobody waits for and Kafka may not have; the worker's

	// Reused by the worker.
	totals  totals
	payload []byte // for the spool

	drain  chan struct{} // wakes who empties the spool
	failed atomic.Int64  // when the last batch failed, in Unix nanoseconds; 0 when it did not
}

// batch is one Kafka batch in the making: the messages, copied, and who waits.
type batch struct {
	begun     time.Time
	size      int   // in Kafka, at most
	cost      int64 // of memory
	bytes     []byte
	records   []record
	decisions []schemas.Decision // also of messages without a record
	hashes    [][16]byte
	waiters   []*Waiter
}

// record locates a message's key and value in the batch's bytes, and its
// decisions and hashes.
type record struct {
	key, value, end         int
	decisions, decisionsEnd int
	hashes, hashesEnd       int
	time                    time.Time
}

// account is an account record. Its id is the same however often it is written.
type account struct {
	id    uuid.UUID
	time  time.Time
	value []byte
	total uint64 // decisions
}

// count adds the batch's decisions to an account.
func (b *batch) count(a schemas.Account) {
	for i := range b.decisions {
		a[b.decisions[i]]++
	}
}

func newAccount(a schemas.Account) account {
	const rowSize = 96 // about; rows are few
	value := a.AppendJSON(make([]byte, 0, 64+rowSize*len(a)))
	return account{id: uuid.New(), time: time.Now().Truncate(time.Minute), value: value, total: total(a)}
}

func total(a schemas.Account) (n uint64) {
	for _, count := range a {
		n += count
	}
	return n
}

// maxBatch is the most bytes of a batch before compression, its account
// included. It leaves room below what brokers take by default, minBrokerBatch,
// for what compression may add and for an owed account.
const maxBatch = 768 << 10

// size is the most bytes that the message takes in a Kafka batch.
func (m *Message) size() int {
	const recordOverhead, rowOverhead = 80, 96 // headers and lengths; punctuation and names
	n := recordOverhead + len(m.Key) + len(m.Value)
	for i := range m.Decisions {
		n += rowOverhead + len(m.Decisions[i].Site) + len(m.Decisions[i].Recipient)
	}
	return n
}

// cost is the bytes of memory that the message takes while it waits. Slices
// grow by a quarter at most, and a request has a Waiter.
func (m *Message) cost() int64 {
	const messageOverhead, decisionOverhead, hashOverhead = 280, 120, 20
	return int64((len(m.Key)+len(m.Value))*5/4 + messageOverhead + len(m.Decisions)*decisionOverhead + len(m.Hashes)*hashOverhead)
}

func (q *queue) add(m *Message, w *Waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	size := m.size()
	if n := len(q.waiting); n == 0 || q.waiting[n-1].size+size > maxBatch {
		b := q.producer.batches.Get().(*batch)
		b.begun = time.Now()
		q.waiting = append(q.waiting, b)
	}
	b := q.waiting[len(q.waiting)-1]
	b.size += size
	b.cost += m.cost()
	decisions := len(b.decisions)
	b.decisions = append(b.decisions, m.Decisions...)
	if m.Value != nil {
		r := record{key: len(b.bytes), time: m.Time, decisions: decisions, decisionsEnd: len(b.decisions), hashes: len(b.hashes)}
		b.hashes = append(b.hashes, m.Hashes...)
		r.hashesEnd = len(b.hashes)
		b.bytes = append(b.bytes, m.Key...)
		r.value = len(b.bytes)
		b.bytes = append(b.bytes, m.Value...)
		r.end = len(b.bytes)
		b.records = append(b.records, r)
	}
	b.waiters = append(b.waiters, w)
	q.messages.Add(1)
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
	q.messages.Store(0)
	return waiting, q.closed
}

// work writes what waits until the queue is closed.
func (q *queue) work() {
	p := q.producer
	for range q.wake {
		q.letIn()
		waiting, closed := q.take()
		if len(q.owed) == 0 {
			if refused := p.takeRefused(); refused != nil {
				q.owed = []account{newAccount(refused)}
			}
		}
		if len(waiting) == 0 && len(q.owed) > 0 && q.mayWriteOwed(closed) {
			waiting = append(waiting, &batch{begun: time.Now()})
		}
		for _, b := range waiting {
			q.write(b)
		}
		if closed {
			break
		}
		if len(q.owed) > 0 {
			time.AfterFunc(time.Second, q.signal)
		}
	}
	for i := range q.owed {
		p.logLost(q.owed[i].total)
	}
}

// letIn lets requests that are ready to run add theirs first, as long as some do, a
// few times over: a larger batch costs hardly more than a small one. Where there are
// none it returns at once, so it is no timer for anyone to wait for.
func (q *queue) letIn() {
	before := int32(-1)
	for range 4 {
		n := q.messages.Load()
		if n == before {
			return
		}
		before = n
		runtime.Gosched()
	}
}

// write writes a batch, with the accounts that are owed, and tells those who
// wait.
func (q *queue) write(b *batch) {
	p := q.producer
	var own account
	if len(b.decisions) > 0 {
		own = newAccount(q.totals.of(b.decisions))
	}
	err := q.makeDurable(b, q.owed, own)
	p.queued.Add(-b.cost)
	for _, w := range b.waiters {
		w.finish(err)
	}
	if err == nil {
		q.owed = nil
	}
	b.size, b.cost, b.bytes, b.records, b.hashes = 0, 0, b.bytes[:0], b.records[:0], b.hashes[:0]
	clear(b.decisions)
	clear(b.waiters)
	b.decisions, b.waiters = b.decisions[:0], b.waiters[:0]
	p.batches.Put(b)
}

// mayWriteOwed reports whether an account that nobody waits for is written in a
// batch of its own. It is not for the spool, which anyone could fill by sending
// what is refused; but what is left at the end may go there.
func (q *queue) mayWriteOwed(closed bool) bool {
	if q.producer.spool != nil {
		return closed || !q.mustSpool()
	}
	return !closed || q.failed.Load() == 0
}

// health notes whether the partition acknowledges, and logs when that changes.
func (q *queue) health(err error) {
	p, now := q.producer, time.Now().UnixNano()
	if err == nil {
		p.acked.Store(now)
		if q.failed.Swap(0) != 0 {
			p.log.Info("Kafka acknowledges again", "topic", p.topic, "partition", q.partition)
		}
	} else if q.failed.Swap(now) == 0 {
		p.log.Warn("Kafka does not acknowledge; trying again", "topic", p.topic, "partition", q.partition, "error", err)
	}
}

// unavailable is ErrUnavailable and why.
func unavailable(why error) error { return fmt.Errorf("%w: %w", ErrUnavailable, why) }
