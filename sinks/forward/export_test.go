package forward

import "time"

// Hurry has the runner wait less before it tries again.
func (r *Runner) Hurry() {
	r.pace = pace{
		backoff: 20 * time.Millisecond, maxBackoff: 200 * time.Millisecond,
		pause: 50 * time.Millisecond, maxPause: 200 * time.Millisecond,
		grace: 2 * time.Second,
	}
	r.gate = newGate(r.limits, r.pace)
}

// Dialer is the dialer that clients connect with.
func Dialer(allowed ...string) *dialer { return newDialer(allowed) }

// IsPublic and RetryAfter are for tests of their own.
var (
	IsPublic   = isPublic
	RetryAfter = retryAfter
)

// MaxStale is how old what is known of resets may be.
const MaxStale = maxStale
