package stream

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Retry tries until it succeeds, until a failure is not one to try again after, or
// until ctx ends, and returns the last error, with that of ctx when it ended. It pauses between tries, longer each
// time and at most five seconds; report is told of each failure before the pause.
func Retry(ctx context.Context, report func(err error, pause time.Duration), try func() (again bool, err error)) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		again, err := try()
		switch ended := ctx.Err(); {
		case err == nil || !again:
			return err
		case ended != nil && !errors.Is(err, ended):
			return fmt.Errorf("%w: %w", ended, err)
		case ended != nil:
			return err
		}
		report(err, wait)
		pause(ctx, wait)
	}
}
