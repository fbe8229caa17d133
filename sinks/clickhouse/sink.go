package clickhouse

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/sinks/throttle"
	"sekisho/stream"
)

// DeadLetters keeps the letters of messages that cannot be stored; it is
// [stream.DeadLetters.Append]. When it returns an error the run is tried again, so
// a letter may be given to it more than once.
type DeadLetters func(ctx context.Context, letters ...schemas.DeadLetter) error

// SinkOptions configure a sink.
type SinkOptions struct {
	Gate    *Gate // what knows the resets
	Log     *slog.Logger
	Metrics *metrics.Set // nil for none
	Dead    DeadLetters  // nil to leave out what cannot be stored
	Table   string       // of the events' structure; [Events] when empty
}

// Sink stores the events topic in ClickHouse. Run makes it a member of its
// consumer group.
type Sink struct {
	store    *Store
	log      *slog.Logger
	metrics  *sinkMetrics
	badLog   throttle.Lines
	dead     DeadLetters
	gate     *Gate
	topic    string
	table    string
	consumer *stream.Consumer
	idle     chan *workspace

	suspension suspension

	mu         sync.Mutex
	partitions map[int]*partition
}

// concurrentRuns is how many runs are worked on at once. Others wait, so that a
// backlog of many partitions takes no more memory than one of few.
func concurrentRuns() int { return min(max(runtime.GOMAXPROCS(0), 2), maxConnections/2) }

// NewSink prepares a sink; the database must have been migrated before Run.
func NewSink(s *Store, cluster *stream.Cluster, o SinkOptions) *Sink {
	if o.Table == "" {
		o.Table = Events
	}
	k := &Sink{
		table: o.Table,
		store: s, log: o.Log, dead: o.Dead, gate: o.Gate, topic: cluster.Config().Topics.Events,
		idle: make(chan *workspace, concurrentRuns()), partitions: map[int]*partition{},
	}
	for range cap(k.idle) {
		k.idle <- newWorkspace(s)
	}
	k.consumer = stream.NewConsumer(cluster, stream.ConsumerOptions{
		Group:       s.config.Group,
		MaxMessages: s.config.Batch.MaxEvents,
		MaxWait:     s.config.Batch.MaxWait,
		Log:         o.Log,
	}, k.Handle)
	k.metrics = newSinkMetrics(o.Metrics, k.consumer)
	return k
}

// Run stores events until ctx ends. It returns when the runs under way are
// stored or given up, after the grace period at the latest.
func (k *Sink) Run(ctx context.Context) error {
	defer k.Watch()()
	return k.consumer.Run(ctx)
}

// Watch begins to watch for suspensions of the process, until stop is called,
// once no run is under way; it also closes the sink's connections. It is for who
// calls Handle instead of Run, as the handler of another consumer of the topic.
func (k *Sink) Watch() (stop func()) {
	watch, cancel := context.WithCancel(context.Background())
	go k.suspension.watch(watch)
	return func() {
		cancel()
		for range cap(k.idle) {
			w := <-k.idle
			w.sender.close()
			k.idle <- w
		}
	}
}

// grace is how long a run may go on when its partition is no longer to be read.
// With a heartbeat's interval and time limit it is below the session timeout of
// the group, so that nobody else has begun.
const grace = 3 * time.Second

// Handle stores a run of messages of one partition, in order; it is the
// consumer's handler. When it returns nil, all is stored.
func (k *Sink) Handle(ctx context.Context, id int, messages []kafka.Message) (err error) {
	defer func() {
		if err != nil {
			k.metrics.errors.Inc()
		}
	}()
	var w *workspace
	select {
	case w = <-k.idle:
		defer func() { k.idle <- w }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	longer, stop := withGrace(ctx, grace)
	defer stop()
	return k.partition(id).handle(longer, ctx, w, messages)
}

func (k *Sink) partition(id int) *partition {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.partitions[id]
	if p == nil {
		p = &partition{sink: k, id: id, ledger: newLedger(k.store, k.topic, id)}
		k.partitions[id] = p
	}
	return p
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
