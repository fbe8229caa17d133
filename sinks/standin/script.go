package standin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Fault is one way of misbehaving. In JSON, for PUT /script:
// `[{"kind":"throttle","times":3,"retry_after":"2s"},{"kind":"down"}]`.
type Fault struct {
	Kind Kind `json:"kind"`
	// Times is the number of requests that it is for; 0 is all, until the
	// script is replaced.
	Times int `json:"times,omitempty"`
	// Delay before anything else is done.
	Delay Duration `json:"delay,omitempty"`
	// RetryAfter is what a throttled client is told; not at all when 0.
	RetryAfter Duration `json:"retry_after,omitempty"`
	// Status of an Error: 500 when 0.
	Status int `json:"status,omitempty"`
}

// Kind is a kind of fault.
type Kind string

// The faults.
const (
	// Delay only waits, then behaves.
	Delay Kind = "delay"
	// Throttle answers 429, with Retry-After.
	Throttle Kind = "throttle"
	// Limit refuses as the vendor's own rate limit does: Meta with error 4, the
	// others like Throttle.
	Limit Kind = "limit"
	// Error answers a server error and takes nothing.
	Error Kind = "error"
	// Half takes the first half of a request's events: Google says nothing of
	// it, Meta says how many it took, a webhook receiver fails half-way.
	Half Kind = "half"
	// Reset takes the request, then resets the connection.
	Reset Kind = "reset"
	// Down resets the connection before anything was taken.
	Down Kind = "down"
	// Revoke no longer knows the secret or token.
	Revoke Kind = "revoke"
)

var kinds = []Kind{Delay, Throttle, Limit, Error, Half, Reset, Down, Revoke}

func (f *Fault) check() error {
	if !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("kind %q is none of %v", f.Kind, kinds)
	}
	if f.Times < 0 || f.Delay < 0 || f.RetryAfter < 0 || f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return errors.New("times, delay and retry_after must not be negative, status must be from 400 to 599")
	}
	return nil
}

// refusal is the answer of a fault that keeps the request away from the
// vendor, or nil.
func (f *Fault) refusal(vendor string) *answer {
	switch f.Kind {
	case Limit:
		if vendor == "meta" {
			return graphError(400, 4, "OAuthException", "Application request limit reached")
		}
		fallthrough
	case Throttle:
		a := &answer{status: 429}
		if f.RetryAfter > 0 {
			a.header = map[string]string{"Retry-After": strconv.Itoa(int(time.Duration(f.RetryAfter).Round(time.Second).Seconds()))}
		}
		return a
	case Error:
		status := f.Status
		if status == 0 {
			status = 500
		}
		if vendor == "meta" {
			return graphError(status, 2, "OAuthException", "Service temporarily unavailable")
		}
		return &answer{status: status}
	}
	return nil
}

// Duration is a time span, in JSON as text such as "2s".
type Duration time.Duration

// MarshalText returns the text.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the text.
func (d *Duration) UnmarshalText(text []byte) error {
	span, err := time.ParseDuration(string(text))
	*d = Duration(span)
	return err
}

// script is what is still to be done wrong.
type script struct {
	mu     sync.Mutex
	faults []Fault
	left   int           // requests that the first is still for
	change chan struct{} // closed when the script is replaced
	delays int           // requests that wait
}

func (s *script) set(faults []Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.left = slices.Clone(faults), 0
	if s.change != nil {
		close(s.change)
		s.change = nil
	}
}

// next returns the fault of the next request; the zero Fault is none.
func (s *script) next() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}
	}
	f := s.faults[0]
	if f.Times == 0 {
		return f
	}
	if s.left == 0 {
		s.left = f.Times
	}
	if s.left--; s.left == 0 {
		s.faults = s.faults[1:]
	}
	return f
}

// wait waits, and reports false when the client has gone meanwhile. A new
// script ends it.
func (s *script) wait(ctx context.Context, span time.Duration) bool {
	if span <= 0 {
		return true
	}
	s.mu.Lock()
	if s.change == nil {
		s.change = make(chan struct{})
	}
	change := s.change
	s.delays++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.delays--
		s.mu.Unlock()
	}()
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-change:
	case <-ctx.Done():
		return false
	}
	return true
}
