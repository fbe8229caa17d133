package traffic

import (
	"sync"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// Account is what became of the traffic: by the ledger, and in ClickHouse.
type Account struct {
	// What the collector answered, retries included.
	Received   uint64 `json:"received"`
	Allowed    uint64 `json:"allowed"`
	Anonymised uint64 `json:"anonymised"`
	Dropped    uint64 `json:"dropped"`
	Rejected   uint64 `json:"rejected"`
	// Events sent, without retries; and events sent a second time on purpose.
	Events  uint64 `json:"events"`
	Retried uint64 `json:"retried"`
	Resets  uint64 `json:"resets"`
	// Unanswered is events whose request broke off; they may or may not have
	// been taken.
	Unanswered uint64 `json:"unanswered"`
	// What ClickHouse has of them.
	Stored      uint64 `json:"stored"`
	Reset       uint64 `json:"reset"` // allowed, and then withheld or erased, since the visitor reset
	Lost        uint64 `json:"lost"`
	Doubled     uint64 `json:"doubled"`
	Leaked      uint64 `json:"leaked"`
	Unaccounted uint64 `json:"unaccounted"`
	// ThirdParties that were watched.
	ThirdParties []ThirdParty `json:"third_parties,omitempty"`

	Seconds         float64 `json:"seconds"`
	EventsPerSecond float64 `json:"events_per_second"`
	Balanced        bool    `json:"balanced"`
}

// ledger remembers what the collector answered. Safe for concurrent use.
type ledger struct {
	mu         sync.Mutex
	account    Account
	allowed    map[uuid.UUID]struct{}
	anonymised map[uuid.UUID]struct{}
}

func newLedger() *ledger {
	return &ledger{allowed: make(map[uuid.UUID]struct{}), anonymised: make(map[uuid.UUID]struct{})}
}

// enter notes the answer to an event. A retry is received again, and is to be
// stored only once.
func (l *ledger) enter(e *event, outcome schemas.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &l.account
	a.Received++
	switch outcome {
	case schemas.Allowed:
		a.Allowed++
		l.allowed[e.id] = struct{}{}
		if e.refused || e.bad {
			a.Leaked++
		}
	case schemas.Anonymised:
		a.Anonymised++
		l.anonymised[e.id] = struct{}{}
	case schemas.Dropped:
		a.Dropped++
	default:
		a.Rejected++
	}
}

func (l *ledger) add(change func(*Account)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.account)
}
