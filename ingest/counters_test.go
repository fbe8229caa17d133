package ingest

import (
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas"
)

// TestCountersDoNotGrowWithTime: a decision has one counter, whatever the
// minute, and counting it allocates nothing.
func TestCountersDoNotGrowWithTime(t *testing.T) {
	c := newCounters(metrics.NewSet())
	d := schemas.Decision{Site: "shop", Recipient: "store", Outcome: schemas.Allowed}
	for minute := range int64(100) {
		d.Minute = minute * 60
		c.count(d)
	}
	if n := len(*c.decisions.Load()); n != 1 {
		t.Errorf("%d counters for one decision", n)
	}
	if n := c.add(schemas.Decision{Site: "shop", Recipient: "store", Outcome: schemas.Allowed}).Get(); n != 100 {
		t.Errorf("it counts %d", n)
	}
	if n := testing.AllocsPerRun(100, func() { c.count(d) }); n > 0 {
		t.Errorf("counting allocates %v times", n)
	}
}
