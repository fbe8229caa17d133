package forward

import (
	"fmt"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// runnerMetrics are what a forwarder tells about itself.
type runnerMetrics struct {
	set       *metrics.Set
	recipient string

	sent, retried, expired, unwanted, copies, bad, maybeTwice, unopened *metrics.Counter
	requestSeconds                                                      *metrics.Histogram
}

func newRunnerMetrics(set *metrics.Set, r *Runner) *runnerMetrics {
	if set == nil {
		set = metrics.NewSet()
	}
	m := &runnerMetrics{set: set, recipient: r.recipient}
	m.sent = m.events("sent")
	m.expired = m.events("expired")
	m.unwanted = m.events("unwanted")
	m.copies = m.events("copy")
	m.bad = m.events("bad")
	m.retried = set.NewCounter(m.name("sekisho_forward_retried_events_total"))
	m.maybeTwice = set.NewCounter(m.name("sekisho_forward_maybe_twice_events_total"))
	m.unopened = set.NewCounter(m.name("sekisho_forward_unopened_identifiers_total"))
	m.requestSeconds = set.NewHistogram(m.name("sekisho_forward_request_seconds"))
	set.NewGauge(m.name("sekisho_forward_lag"), func() float64 { return float64(r.consumer.Lag()) })
	set.NewGauge(m.name("sekisho_forward_partitions"), func() float64 { return float64(r.consumer.Assigned()) })
	set.NewGauge(m.name("sekisho_forward_standstill_seconds"), func() float64 { return r.consumer.Standstill().Seconds() })
	set.NewGauge(m.name("sekisho_forward_oldest_unsent_seconds"), func() float64 { return r.unsent.age(time.Now()).Seconds() })
	set.NewGauge(m.name("sekisho_forward_circuit_open"), func() float64 {
		open, _ := r.gate.state()
		return number(open)
	})
	set.NewGauge(m.name("sekisho_forward_paused"), func() float64 {
		_, why := r.gate.state()
		return number(why != "")
	})
	set.NewGauge(m.name("sekisho_forward_resets_waiting"), func() float64 { return float64(r.forgetter.Lag()) })
	set.NewGauge(m.name("sekisho_forward_resets_oldest_age_seconds"), func() float64 { return r.resets.age(time.Now()).Seconds() })
	set.NewGauge(m.name("sekisho_forward_resets_paused"), func() float64 { return number(r.forgetPaused.Load()) })
	return m
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (m *runnerMetrics) name(metric string) string {
	return fmt.Sprintf("%s{recipient=%q}", metric, m.recipient)
}

func (m *runnerMetrics) events(outcome string) *metrics.Counter {
	return m.set.GetOrCreateCounter(fmt.Sprintf("sekisho_forward_events_total{recipient=%q,outcome=%q}", m.recipient, outcome))
}

// withheld counts an event that may no longer be sent.
func (m *runnerMetrics) withheld(reason fmt.Stringer) {
	m.set.GetOrCreateCounter(fmt.Sprintf("sekisho_forward_events_total{recipient=%q,outcome=\"withheld\",reason=%q}", m.recipient, reason)).Inc()
}

// unsendable counts an event that lacks what the vendor needs.
func (m *runnerMetrics) unsendable(reason string) {
	m.set.GetOrCreateCounter(fmt.Sprintf("sekisho_forward_events_total{recipient=%q,outcome=\"unsendable\",reason=%q}", m.recipient, reason)).Inc()
}

// dead counts a dead letter; the reason is the kind's.
func (m *runnerMetrics) dead(reason string) {
	m.set.GetOrCreateCounter(fmt.Sprintf("sekisho_forward_events_total{recipient=%q,outcome=\"dead\",reason=%q}", m.recipient, reason)).Inc()
}

// request counts a request by what came of it.
func (m *runnerMetrics) request(result, reason string) {
	m.set.GetOrCreateCounter(fmt.Sprintf("sekisho_forward_requests_total{recipient=%q,result=%q,reason=%q}", m.recipient, result, reason)).Inc()
}

func (m *runnerMetrics) forgotten(state fmt.Stringer) {
	m.set.GetOrCreateCounter(fmt.Sprintf("sekisho_forward_resets_total{recipient=%q,state=%q}", m.recipient, state)).Inc()
}

// unsent knows the oldest message of each partition that is being worked on.
type unsent struct {
	mu     sync.Mutex
	oldest map[int]time.Time // by partition
}

func (u *unsent) begin(partition int, t time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest == nil {
		u.oldest = map[int]time.Time{}
	}
	u.oldest[partition] = t
}

func (u *unsent) end(partition int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.oldest, partition)
}

func (u *unsent) age(now time.Time) (age time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range u.oldest {
		age = max(age, now.Sub(t))
	}
	return age
}
