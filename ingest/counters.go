package ingest

import (
	"fmt"
	"strings"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/enforcer/identifiers"
	"sekisho/schemas"
)

// counters are the collector's metrics.
type counters struct {
	set         *metrics.Set
	requests    *metrics.Counter
	unavailable *metrics.Counter
	panics      *metrics.Counter
	refused     *metrics.Counter
	malformed   *metrics.Counter
	resets      *metrics.Counter
	unaccounted *metrics.Counter
	decisions   sync.Map // decisionKey to *metrics.Counter
}

// decisionKey is a decision without its minute.
type decisionKey struct {
	site, recipient string
	kind            schemas.EventType
	outcome         schemas.Outcome
	reason          schemas.Reason
}

func newCounters(set *metrics.Set) *counters {
	return &counters{
		set:         set,
		requests:    set.NewCounter("sekisho_requests_total"),
		unavailable: set.NewCounter("sekisho_unavailable_total"),
		panics:      set.NewCounter("sekisho_panics_total"),
		refused:     set.NewCounter("sekisho_connections_refused_total"),
		malformed:   set.NewCounter("sekisho_malformed_requests_total"),
		resets:      set.NewCounter("sekisho_resets_total"),
		unaccounted: set.NewCounter("sekisho_unaccounted_rejections_total"),
	}
}

// count counts a decision. Site and recipient are the policy's own names,
// never a client's, so the number of counters is bounded.
func (c *counters) count(d schemas.Decision) {
	key := decisionKey{d.Site, d.Recipient, d.Type, d.Outcome, d.Reason}
	if counter, ok := c.decisions.Load(key); ok {
		counter.(*metrics.Counter).Inc()
		return
	}
	name := "sekisho_events_total"
	recipient := ""
	if d.Recipient != "" {
		name = "sekisho_recipient_events_total"
		recipient = fmt.Sprintf("recipient=%q,", d.Recipient)
	}
	counter := c.set.GetOrCreateCounter(fmt.Sprintf("%s{%ssite=%q,type=%q,outcome=%q,reason=%q}",
		name, recipient, d.Site, d.Type, d.Outcome, d.Reason))
	counter.Inc()
	c.decisions.Store(key, counter)
}

// mask counts direct identifiers that were found and replaced.
func (c *counters) mask(kind int, n uint32) {
	if n > 0 {
		c.set.GetOrCreateCounter(fmt.Sprintf("sekisho_masked_total{kind=%q}", identifiers.Kind(kind))).AddInt64(int64(n))
	}
}

// serverLog counts what fasthttp would log of single connections, which may
// quote their bytes.
type serverLog struct{ c *Collector }

func (l serverLog) Printf(format string, _ ...any) {
	l.c.counters.refused.Inc()
	if !strings.Contains(format, "serving connection") {
		l.c.log.Debug("the listener reported a problem")
	}
}
