package ingest

import (
	"sekisho/enforcer"
	"sekisho/schemas"
)

// withdraw handles events by which consent is taken back, before and after they
// are decided. A visitor who declines is reset: everything by which the request
// knows the visitor, so that whoever agrees again is a new one, and nothing that
// is sent later under the old one passes. The resets are in force at once, for
// what comes after in the same request, and durable before it is answered.

// declines resets a visitor who declined everything. What comes after that in
// the same request is another visitor's.
func (s *session) declines(c *Collector) {
	e := &s.event
	first := len(s.resets)
	for f := range (e.Fields & provable).Each {
		s.addReset(c, f, e.Get(f))
	}
	s.addCookies(c)
	s.force(c, first)
	s.cookies, s.newID = cookieIdentifiers{}, ""
}

// limits resets the advertising identifier of an app whose user does not allow
// tracking any more, as a consent event with it reports. The event goes on
// without it.
func (s *session) limits(c *Collector) {
	e := &s.event
	carried := e.Fields & schemas.SetOf(schemas.IDFA, schemas.GAID)
	if e.Type != schemas.ConsentGiven || carried == 0 || !enforcer.LimitsTracking(&e.Consent.Signals) {
		return
	}
	first := len(s.resets)
	for f := range carried.Each {
		s.addReset(c, f, e.Get(f))
		e.Unset(f)
	}
	s.force(c, first)
}

// force puts resets in force here that are not durable yet: too early is
// harmless. Those that are new count as resets of the client's address do: when
// there are too many, none of them is put in force, and the request is refused.
func (s *session) force(c *Collector, first int) {
	fresh := 0
	for i := first; i < len(s.resets); i++ {
		if !c.enforcer.Resets().Any([][16]byte{s.resets[i].Hash}) {
			fresh++
		}
	}
	wait, ok := c.withdrawals.allowMany(s.client, s.now, fresh)
	if !ok {
		s.resets, s.overdrawn = s.resets[:first], wait
		return
	}
	for i := first; i < len(s.resets); i++ {
		c.enforcer.Resets().Put(&s.resets[i])
	}
}

// meetDead has the browser forget cookies whose identifiers have been reset
// elsewhere, so that it is met anew from the next request on. This one is still
// under them.
func (s *session) meetDead(c *Collector) {
	for f, value := range s.cookies.each {
		if value = enforcer.NormalIdentifier(f, value); value != "" && c.enforcer.Resets().Has(f, value) {
			s.forget |= 1 << f
		}
	}
}
