package forward

import (
	"context"
	"sync"
	"time"
)

// fresh keeps the resets that are known here no older than maxStale, by asking
// the topic's end again when they are. Requests under way share one question.
type fresh struct {
	barrier func(context.Context) error
	check   func() error // may be nil; see Options

	mu   sync.Mutex
	last time.Time // all resets acknowledged before it are known
}

// maxStale is how old what is known of resets may be when a request is made.
const maxStale = 200 * time.Millisecond

// ensure returns a time before which all acknowledged resets are known, not
// longer ago than maxStale. The error is that of check, too, by what is known.
func (f *fresh) ensure(ctx context.Context) (time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.last) >= maxStale {
		began := time.Now()
		if err := f.barrier(ctx); err != nil {
			return time.Time{}, err
		}
		f.last = began
	}
	if f.check != nil {
		if err := f.check(); err != nil {
			return time.Time{}, err
		}
	}
	return f.last, nil
}
