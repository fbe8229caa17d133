// Package throttle keeps a log readable while the same thing goes wrong again and
// again.
package throttle

import (
	"sync"
	"time"
)

// Lines lets a line through every ten seconds and counts those left out. The zero
// value is ready. Safe for concurrent use.
type Lines struct {
	mu      sync.Mutex
	next    time.Time
	leftOut int
}

// Allow reports whether a line may be written now, and how many were left out since
// the last one.
func (l *Lines) Allow(now time.Time) (leftOut int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.next) {
		l.leftOut++
		return 0, false
	}
	leftOut, l.leftOut, l.next = l.leftOut, 0, now.Add(10*time.Second)
	return leftOut, true
}
