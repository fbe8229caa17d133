package forward

import (
	"sync"
	"time"
)

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
