package forward

import (
	"sync"

	"github.com/google/uuid"
)

// maxCopies is how many events are known again, twice over.
const maxCopies = 100_000

// copies knows the events that were sent lately, so that copies of one on the
// topic, of a client's retry or a producer's, are not sent again: not every
// vendor would notice. What was sent before the process started it does not know.
type copies struct {
	mu        sync.Mutex
	now, last map[uuid.UUID]struct{} // by event id; last is the older half
}

func (c *copies) sent(id uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.now) >= maxCopies || c.now == nil {
		c.last, c.now = c.now, make(map[uuid.UUID]struct{})
	}
	c.now[id] = struct{}{}
}

func (c *copies) wasSent(id uuid.UUID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, now := c.now[id]
	_, last := c.last[id]
	return now || last
}

// isCopy reports whether an event is a copy of one that was sent, or that
// another message of the run will send.
func (d *delivery) isCopy(id uuid.UUID, place int) bool {
	if d.copies.wasSent(id) {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sender == nil {
		d.sender = map[uuid.UUID]int{}
	}
	if other, ok := d.sender[id]; ok {
		return other != place
	}
	d.sender[id] = place
	return false
}
