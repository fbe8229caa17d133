package clickhouse

import (
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/stream"
)

// sinkMetrics are what the sink tells about itself.
type sinkMetrics struct {
	rows, duplicates, repeatedAccounts, bad, batches, errors *metrics.Counter
	insertSeconds                                            *metrics.Histogram
}

func newSinkMetrics(set *metrics.Set, consumer *stream.Consumer) *sinkMetrics {
	if set == nil {
		set = metrics.NewSet()
	}
	const sink = `{sink="clickhouse"}`
	set.NewGauge("sekisho_sink_lag"+sink, func() float64 { return float64(consumer.Lag()) })
	set.NewGauge("sekisho_sink_partitions"+sink, func() float64 { return float64(consumer.Assigned()) })
	return &sinkMetrics{
		rows:             set.NewCounter("sekisho_sink_rows_total" + sink),
		duplicates:       set.NewCounter("sekisho_sink_duplicates_total" + sink),
		repeatedAccounts: set.NewCounter("sekisho_sink_repeated_accounts_total" + sink),
		bad:              set.NewCounter("sekisho_sink_bad_records_total" + sink),
		batches:          set.NewCounter("sekisho_sink_batches_total" + sink),
		errors:           set.NewCounter("sekisho_sink_errors_total" + sink),
		insertSeconds:    set.NewHistogram("sekisho_sink_insert_seconds" + sink),
	}
}

// throttle lets a line through every ten seconds and counts those left out.
type throttle struct {
	mu      sync.Mutex
	next    time.Time
	leftOut int
}

func (t *throttle) allow(now time.Time) (leftOut int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.next) {
		t.leftOut++
		return 0, false
	}
	leftOut, t.leftOut, t.next = t.leftOut, 0, now.Add(10*time.Second)
	return leftOut, true
}
