package forward_test

import (
	"testing"
	"time"

	"sekisho/sinks/standin"
)

// TestCopies: a client's retry is on the topic twice, and comes to a recipient
// once, also to one that would not notice; whether the copies are in one run or
// far from each other, and whatever becomes of the first attempt.
func TestCopies(t *testing.T) {
	var bodies []string
	for i := range 50 {
		bodies = append(bodies, buy(i))
	}
	at := time.Now()
	for _, v := range vendors(t) {
		w := newWorld(t)
		w.send(t, at, bodies...)
		w.send(t, at, bodies...)
		v.Misbehave(standin.Fault{Kind: standin.Error, Times: 1})
		f := w.start(t, v.recipient, v.kind)
		settled := func(n float64) {
			eventually(t, "all were looked at", func() bool { return f.events("sent")+f.events("copy") == n })
		}
		settled(100)
		w.send(t, at, bodies[:20]...)
		settled(120)
		if r := v.Received(); r.Events != 50 || r.Doubled+r.Deduplicated > 0 || f.events("sent") != 50 {
			t.Errorf("%s: %d events, %d doubled, %d known", v.recipient, r.Events, r.Doubled, r.Deduplicated)
		}
		f.stop()
	}
}
