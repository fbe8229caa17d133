package ingest

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

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
	connections *metrics.Counter
	refused     *metrics.Counter
	malformed   *metrics.Counter
	resets      *metrics.Counter
	optOuts     *metrics.Counter
	unaccounted *metrics.Counter
	// refusedOfAddress are those of refused that one address had too many of, ended
	// those that made room for others.
	refusedOfAddress, ended *metrics.Counter

	mu sync.Mutex // held while decisions is replaced
	// decisions are the counters by decision, its minute being 0.
	decisions atomic.Pointer[map[schemas.Decision]*metrics.Counter]
}

func newCounters(set *metrics.Set) *counters {
	return &counters{
		set:         set,
		requests:    set.NewCounter("sekisho_requests_total"),
		unavailable: set.NewCounter("sekisho_unavailable_total"),
		panics:      set.NewCounter("sekisho_panics_total"),
		connections: set.NewCounter("sekisho_connection_errors_total"),
		refused:     set.NewCounter("sekisho_connections_refused_total"),
		malformed:   set.NewCounter("sekisho_malformed_requests_total"),
		resets:      set.NewCounter("sekisho_resets_total"),
		optOuts:     set.NewCounter("sekisho_opt_outs_total"),
		unaccounted: set.NewCounter("sekisho_unaccounted_rejections_total"),

		refusedOfAddress: set.NewCounter("sekisho_connections_of_one_address_refused_total"),
		ended:            set.NewCounter("sekisho_connections_ended_total"),
	}
}

// count counts a decision. Site and recipient are the policy's own names,
// never a client's, so the number of counters is bounded.
func (c *counters) count(d schemas.Decision) {
	d.Minute = 0
	c.of(d).Inc()
}

// of returns the counter of a decision with the minute 0.
func (c *counters) of(d schemas.Decision) *metrics.Counter {
	if known := c.decisions.Load(); known != nil {
		if counter := (*known)[d]; counter != nil {
			return counter
		}
	}
	return c.add(d)
}

// recent has counters that a session used last: its next request mostly brings the
// same decisions in the same order.
type recent [8]struct {
	decision schemas.Decision
	counter  *metrics.Counter
}

// appendTo appends the counters of decisions.
func (r *recent) appendTo(to []*metrics.Counter, c *counters, decisions []schemas.Decision) []*metrics.Counter {
	for i, d := range decisions {
		d.Minute = 0
		last := &r[i%len(r)]
		if last.counter == nil || last.decision != d {
			last.decision, last.counter = d, c.of(d)
		}
		to = append(to, last.counter)
	}
	return to
}

// add makes the counter of a decision. Readers take no lock: they go on with
// the old map meanwhile.
func (c *counters) add(d schemas.Decision) *metrics.Counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	more := make(map[schemas.Decision]*metrics.Counter)
	if known := c.decisions.Load(); known != nil {
		maps.Copy(more, *known)
	}
	name, recipient := "sekisho_events_total", ""
	if d.Recipient != "" {
		name = "sekisho_recipient_events_total"
		recipient = fmt.Sprintf("recipient=%q,", d.Recipient)
	}
	more[d] = c.set.GetOrCreateCounter(fmt.Sprintf("%s{%ssite=%q,type=%q,outcome=%q,reason=%q}",
		name, recipient, d.Site, d.Type, d.Outcome, d.Reason))
	c.decisions.Store(&more)
	return more[d]
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
	l.c.counters.connections.Inc()
	if !strings.Contains(format, "serving connection") {
		l.c.log.Debug("the listener reported a problem")
	}
}
