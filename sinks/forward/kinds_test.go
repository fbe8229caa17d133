package forward_test

import (
	"strings"

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
