package ingest

import (
	"slices"
	"sync"
	"testing"

	"sekisho/schemas"
	"sekisho/stream"
)

// hashed remembers the hashes of the messages that are written.
type hashed struct {
	Durable
	mu   sync.Mutex
	seen [][][16]byte // of each message with a value
}

func (h *hashed) Submit(messages []stream.Message) (*stream.Waiter, error) {
	h.mu.Lock()
	for i := range messages {
		if messages[i].Value != nil {
			h.seen = append(h.seen, slices.Clone(messages[i].Hashes))
		}
	}
	h.mu.Unlock()
	return h.Durable.Submit(messages)
}

// TestMessagesBearTheirIdentifiersHashes, by which those that wait on disk are
// checked again: also that of a visitor who was made just now, and none where
// nothing of an identifier is left.
func TestMessagesBearTheirIdentifiersHashes(t *testing.T) {
	t.Parallel()
	r := start(t)
	h := &hashed{Durable: r.collector.events}
	r.collector.events = h
	hash := func(f schemas.Field, id string) [16]byte { return r.enforcer.Resets().Hash(f, id) }
	check := func(what string, event string, want ...[16]byte) {
		t.Helper()
		h.seen = nil
		r.post(event).want(t, what, 204)
		if len(h.seen) != 1 || !slices.Equal(h.seen[0], want) {
			t.Errorf("%s: got %x, want %x", what, h.seen, want)
		}
	}
	check("with consent", page(yes+`,"visitor_id":"v","user_id":"u"`), hash(schemas.VisitorID, "v"), hash(schemas.UserID, "u"))
	check("without", page(`"visitor_id":"v"`))
	check("nobody", page(yes))

	h.seen = nil
	a := r.post("["+page(yes)+","+page(yes)+"]", shop)
	a.want(t, "a new visitor", 204)
	want := hash(schemas.VisitorID, a.visitor(t))
	if len(h.seen) != 2 || !slices.Equal(h.seen[0], [][16]byte{want}) || !slices.Equal(h.seen[1], [][16]byte{want}) {
		t.Errorf("a new visitor: got %x, want %x twice", h.seen, want)
	}
}
