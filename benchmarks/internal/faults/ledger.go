package faults

import (
	"sync"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// ledger remembers what was sent and what was answered. Safe for concurrent use.
type ledger struct {
	mu         sync.Mutex
	allowed    map[uuid.UUID]struct{} // acknowledged, to be stored under their ids
	leaving    map[uuid.UUID]struct{} // of visitors who are reset: stored once or not
	forgotten  map[uuid.UUID]struct{} // sent when the reset held everywhere: never in Kafka
	anonymised int                    // events acknowledged, each once
	answers    tallies                // what the collectors answered, repeats included
	unanswered tallies                // events of requests that broke off or were refused, by what is wanted of them
	unheld     uint64                 // of the answers, those of requests of which everything was rejected: nobody waits for their account
	leaks      []string               // what was let through and should not have been
	unexpected map[string]int         // answers that no fault explains
	requests   int
	refusals   int // requests answered 503
	resets     int
}

// tallies count events by outcome.
type tallies [schemas.NumOutcomes]uint64

func newLedger() *ledger {
	return &ledger{allowed: map[uuid.UUID]struct{}{}, leaving: map[uuid.UUID]struct{}{},
		forgotten: map[uuid.UUID]struct{}{}, unexpected: map[string]int{}}
}

// enter notes the answer to an event; repeat says that it was answered before.
func (l *ledger) enter(e *event, got schemas.Outcome, reason schemas.Reason, repeat bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.leaving {
		// The answer says little: what a collector out of touch lets through waits
		// in its spool, and is looked at again.
		if l.leaving[e.id] = struct{}{}; e.reset {
			l.forgotten[e.id] = struct{}{}
		}
		return
	}
	l.answers[got]++
	switch {
	case got == e.want:
	case got == schemas.Allowed || got == schemas.Anonymised && e.want != schemas.Allowed:
		l.leaks = append(l.leaks, "an event that should have been "+e.want.String()+" was "+got.String())
	default:
		l.unexpected[e.want.String()+" became "+got.String()+" ("+reason.String()+")"]++
	}
	switch {
	case got == schemas.Allowed:
		l.allowed[e.id] = struct{}{}
	case got == schemas.Anonymised && !repeat:
		l.anonymised++
	}
}

// miss notes that a request's events were not answered for, or refused.
func (l *ledger) miss(events []event, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if refused {
		l.refusals++
	}
	for i := range events {
		if !events[i].leaving {
			l.unanswered[events[i].want]++
		}
	}
}

func (l *ledger) sent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
}

// acknowledged is how many events have been answered for.
func (l *ledger) acknowledged() (n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, count := range l.answers {
		n += count
	}
	return n
}
