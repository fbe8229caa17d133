// Package forwardtest makes events of recipients for the tests of kinds, as the
// collector and the runner make them: a client's JSON is decoded, decided about
// and projected, and the record is looked at again for the recipient.
package forwardtest

import (
	"bytes"
	"testing"
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/forward"
)

// World is a handling policy and the keys of a deployment.
type World struct {
	Table *enforcer.Table
	Keys  *enforcer.Keys
	// Now is the collector's clock.
	Now func() time.Time
}

// New makes a world of a policy.
func New(t testing.TB, p *policy.Policy) *World {
	t.Helper()
	keys, err := enforcer.NewKeys("k1", bytes.Repeat([]byte("forward test "), 4))
	if err != nil {
		t.Fatal(err)
	}
	return &World{Table: enforcer.Compile(p), Keys: keys, Now: time.Now}
}

// Example makes a world of the example policy.
func Example(t testing.TB) *World {
	t.Helper()
	return New(t, ExamplePolicy(t))
}

// ExamplePolicy returns the example policy, to be changed.
func ExamplePolicy(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Record returns what is let through of a client's event as it is, in its form
// in Kafka, nil for nothing. What does not fit the schema or the site fails the
// test.
func (w *World) Record(t testing.TB, event string) []byte {
	t.Helper()
	var decoder schemas.Decoder
	var e schemas.Event
	n, err := decoder.Parse([]byte(event))
	if err != nil || n != 1 {
		t.Fatalf("%d events: %v in %s", n, err, event)
	}
	if problem := decoder.Event(0, &e); problem != nil {
		t.Fatalf("%v in %s", problem, event)
	}
	site := w.Table.Site(e.Get(schemas.Site))
	if site == nil {
		t.Fatalf("no such site in %s", event)
	}
	if problem := site.CheckProperties(&e); problem != nil {
		t.Fatalf("%v in %s", problem, event)
	}
	if e.Time.IsZero() {
		e.Time = w.Now()
	}
	if !e.Fields.Has(schemas.ID) {
		e.Set(schemas.ID, "0190163d-8694-739b-aea5-966c26f8ad91")
	}
	enforcer.Normalise(&e)
	var v enforcer.Verdict
	w.Table.Decide(site, &e, &enforcer.Request{Now: w.Now()}, nil, &v)
	r := new(enforcer.Projector).Record(w.Keys, &e, &v, schemas.Allowed)
	if r == nil {
		return nil
	}
	return r.AppendJSON(nil)
}

// Event returns what the recipient may have of a client's event, nil for nothing.
func (w *World) Event(t testing.TB, recipient, event string) *forward.Event {
	t.Helper()
	record := w.Record(t, event)
	if record == nil {
		return nil
	}
	e, err := forward.EventOf(recipient, w.Keys.Recipient(recipient), w.Table, nil, record)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
