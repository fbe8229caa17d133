package ingest

import (
	"bytes"
	"sync/atomic"
)

// budget bounds the memory that all requests under way take for their bodies
// and what is made of them. Nobody waits for it: what does not fit is told to
// come back.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take takes bytes for a request that has so many already, or reports that
// there are not so many left. A request that is alone always fits: it would
// never fit otherwise.
func (b *budget) take(n, already int64) bool {
	if used := b.used.Add(n); used > b.limit && used > n+already {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// footprint returns the most memory that a body and its events take while they
// are parsed, decided and written: copies of its texts, the parser's values,
// and for every event what the request adds to its records (cookies, the user
// agent, the decision) in both forms. Text that looks like JSON counts too.
func footprint(body []byte) int64 {
	const copies, value, event = 4, 512, 6 << 10
	events := bytes.Count(body, []byte{'{'})
	values := bytes.Count(body, []byte{','}) + bytes.Count(body, []byte{'['}) + events
	return int64(copies*len(body) + value*values + event*events)
}

// reusable is the largest footprint of a request whose session is kept for
// others: a few large ones must not make all sessions large.
const reusable = 256 << 10
