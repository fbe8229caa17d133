package forward_test

import (
	"context"
	"strings"
	"sync/atomic"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// picky is a kind that cannot write down the 9th visitor's event.
type picky struct{ forward.Kind }

func (k picky) Project(b []byte, e *forward.Event) ([]byte, string, error) {
	if strings.Contains(e.Get(schemas.Title), "-9-") {
		return b, "", forward.Refusal("no_such_event")
	}
	return k.Kind.Project(b, e)
}

// barred is a kind that cannot ask its vendor to forget while it is barred.
type barred struct {
	forward.Kind
	bar atomic.Bool
}

func (k *barred) Forget(ctx context.Context, send forward.Sender, id *forward.Identity) (schemas.ProgressState, error) {
	if k.bar.Load() {
		return schemas.Failed, forward.ErrPaused
	}
	return k.Kind.Forget(ctx, send, id)
}
