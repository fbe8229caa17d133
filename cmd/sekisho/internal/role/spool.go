package role

import (
	"errors"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/stream"
	"sekisho/stream/spool"
)

// openSpool opens the spool that the configuration names, nil for none, and
// adds its metrics.
func openSpool(c spool.Config, set *metrics.Set, log *slog.Logger) (*spool.Spool, error) {
	if c.Dir == "" {
		log.Info("there is no spool (collector.spool.dir): while Kafka is away, events are refused with 503")
		return nil, nil
	}
	s, err := spool.Open(c, log)
	if err != nil {
		return nil, err
	}
	gauge := func(name string, value func(spool.Stats) float64) {
		set.NewGauge(name, func() float64 { return value(s.Stats()) })
	}
	gauge("sekisho_spool_bytes", func(st spool.Stats) float64 { return float64(st.Bytes) })
	gauge("sekisho_spool_max_bytes", func(st spool.Stats) float64 { return float64(st.Limit) })
	gauge("sekisho_spool_records", func(st spool.Stats) float64 { return float64(st.Records) })
	gauge("sekisho_spool_oldest_age_seconds", func(st spool.Stats) float64 {
		if st.Oldest.IsZero() {
			return 0
		}
		return max(time.Since(st.Oldest).Seconds(), 0)
	})
	gauge(`sekisho_spool_set_aside_total{cause="damaged"}`, func(st spool.Stats) float64 { return float64(st.Damaged) })
	gauge(`sekisho_spool_set_aside_total{cause="unfinished"}`, func(st spool.Stats) float64 { return float64(st.Unfinished) })
	gauge("sekisho_spool_set_aside_files", func(st spool.Stats) float64 { return float64(st.SetAside) })
	gauge("sekisho_spool_set_aside_bytes", func(st spool.Stats) float64 { return float64(st.SetAsideBytes) })
	gauge("sekisho_spool_set_aside_removed_total", func(st spool.Stats) float64 { return float64(st.Removed) })
	for _, state := range []string{"empty", "holding", "refusing"} {
		gauge(`sekisho_spool_state{state="`+state+`"}`, func(st spool.Stats) float64 {
			if stateOf(st) == state {
				return 1
			}
			return 0
		})
	}
	return s, nil
}

func closeSpool(s *spool.Spool) error {
	if s == nil {
		return nil
	}
	return s.Close()
}

func stateOf(st spool.Stats) string {
	switch {
	case st.Refusing:
		return "refusing"
	case st.Records > 0:
		return "holding"
	}
	return "empty"
}

// readiness is whether events can be taken: not before the registry has caught
// up once, and, when it has lost touch, only while there is a spool with room,
// from which nothing comes out until it has caught up again; and not under other
// keys than those of the resets.
func readiness(keys *keyWatch, resets *stream.Resets, s *spool.Spool) func() error {
	current := keys.current(resets)
	return func() error {
		err := current()
		if s != nil && errors.Is(err, stream.ErrStale) && !s.Full() {
			return nil
		}
		return err
	}
}
