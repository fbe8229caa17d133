package clickhouse

import (
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/stream"
)

// sinkMetrics are what the sink tells about itself.
type sinkMetrics struct {
	rows, duplicates, repeatedAccounts, bad, batches, errors *metrics.Counter
	anonymised, withheld, disturbed                          *metrics.Counter
	insertSeconds                                            *metrics.Histogram
}

func newSinkMetrics(set *metrics.Set, consumer *stream.Consumer) *sinkMetrics {
	if set == nil {
		set = metrics.NewSet()
	}
	const sink = `{sink="clickhouse"}`
	set.NewGauge("sekisho_sink_lag"+sink, func() float64 { return float64(consumer.Lag()) })
	set.NewGauge("sekisho_sink_oldest_age_seconds"+sink, func() float64 { return consumer.OldestAge().Seconds() })
	set.NewGauge("sekisho_sink_standstill_seconds"+sink, func() float64 { return consumer.Standstill().Seconds() })
	set.NewGauge("sekisho_sink_partitions"+sink, func() float64 { return float64(consumer.Assigned()) })
	return &sinkMetrics{
		rows:             set.NewCounter("sekisho_sink_rows_total" + sink),
		duplicates:       set.NewCounter("sekisho_sink_duplicates_total" + sink),
		repeatedAccounts: set.NewCounter("sekisho_sink_repeated_accounts_total" + sink),
		bad:              set.NewCounter("sekisho_sink_bad_records_total" + sink),
		batches:          set.NewCounter("sekisho_sink_batches_total" + sink),
		errors:           set.NewCounter("sekisho_sink_errors_total" + sink),
		anonymised:       set.NewCounter(`sekisho_sink_reset_total{sink="clickhouse",outcome="anonymised"}`),
		withheld:         set.NewCounter(`sekisho_sink_reset_total{sink="clickhouse",outcome="dropped"}`),
		disturbed:        set.NewCounter("sekisho_sink_disturbed_runs_total" + sink),
		insertSeconds:    set.NewHistogram("sekisho_sink_insert_seconds" + sink),
	}
}

// eraserMetrics are what the eraser tells about itself.
type eraserMetrics struct {
	resets, rows, batches, mutations, errors *metrics.Counter
	seconds                                  *metrics.Histogram
	parts                                    atomic.Int64
}

func newEraserMetrics(set *metrics.Set, consumer *stream.Consumer) *eraserMetrics {
	if set == nil {
		set = metrics.NewSet()
	}
	m := &eraserMetrics{
		resets:    set.NewCounter("sekisho_erasure_resets_total"),
		rows:      set.NewCounter("sekisho_erasure_rows_total"),
		batches:   set.NewCounter("sekisho_erasure_batches_total"),
		mutations: set.NewCounter("sekisho_erasure_mutations_total"),
		errors:    set.NewCounter("sekisho_erasure_errors_total"),
		seconds:   set.NewHistogram("sekisho_erasure_seconds"),
	}
	set.NewGauge("sekisho_erasure_lag", func() float64 { return float64(consumer.Lag()) })
	set.NewGauge("sekisho_erasure_standstill_seconds", func() float64 { return consumer.Standstill().Seconds() })
	set.NewGauge("sekisho_erasure_active", func() float64 { return float64(consumer.Assigned()) })
	set.NewGauge("sekisho_erasure_parts_left", func() float64 { return float64(m.parts.Load()) })
	return m
}
