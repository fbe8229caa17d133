package ingest

import (
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// A visitor who takes back consent is reset: everything by which the request
// knows the visitor, so that whoever agrees again is a new one, and nothing that
// is sent later under the old one passes. The resets are in force at once, for
// what comes after in the same request, and durable before it is answered.

// meetChoice acts on what was decided about the current event: it resets a
// visitor who took back consent, has the browser forget one who was reset, and
// makes an id for one who has none, once the verdict lets one pass.
func (s *session) meetChoice(c *Collector, site *enforcer.Site) {
	switch {
	case s.declines():
		s.decline(c)
		return
	case s.verdict.Reason == schemas.ReasonReset:
		s.meetDead(c)
		return
	case s.withdraws(site):
		s.withdraw(c)
		c.enforcer.Decide(s.table, site, &s.event, &s.request, &s.verdict)
	}
	s.meetVisitor()
	s.noteGranted(site)
}

// heed carries out what an event refuses that is rejected: neither a clock that is a day
// ahead nor a member that is misspelt keeps anybody from taking back what was agreed to.
func (s *session) heed(c *Collector, site *enforcer.Site) {
	switch {
	case s.declines():
		s.decline(c)
	case s.withdraws(site):
		s.withdraw(c)
	}
}

// decline resets a visitor who refuses everything.
func (s *session) decline(c *Collector) {
	s.cut(c)
	s.chosen = s.made.Time
}

// declines reports whether the event is a choice by which everything is refused.
// That nothing is said, or was under a policy of before, is no refusal.
func (s *session) declines() bool {
	refused, _ := s.verdict.Refused()
	return s.event.Type == schemas.ConsentGiven && s.verdict.Purposes&schemas.OptionalPurposes == 0 && refused != 0
}

// withdraws reports whether the event refuses what the visitor cookie says was
// granted on the site, and was made since. A signal that cannot be understood
// refuses, but tells nothing of a withdrawal.
func (s *session) withdraws(site *enforcer.Site) bool {
	if s.cookies.granted == "" || s.predates(schemas.VisitorID, s.cookies.visitor) {
		return false
	}
	_, refused := s.verdict.Refused()
	purposes, since := s.cookies.granted.of(site.Name)
	return purposes&refused != 0 && (!s.made.before(since) || s.turnedBack(since))
}

// predates reports whether the event's choice is older than an identifier of a
// cookie, so that it takes nothing back of what was agreed to since. Where clocks
// leave that in doubt it does: to refuse must always help.
func (s *session) predates(f schemas.Field, value string) bool {
	born, ok := bornAt(f, value, s.now)
	if f == schemas.VisitorID {
		// By the client's clock, which may be behind the one that the id is of.
		if since, granted := s.cookies.granted.first(); granted && since.Before(born) {
			born = since
		}
	}
	return ok && s.made.before(born) && !s.turnedBack(born)
}

// turnedBack reports whether the client's clock was turned back since a time that
// it told: that is yet to come, and the event's is not.
func (s *session) turnedBack(told time.Time) bool {
	return told.After(s.now) && !s.made.After(s.now)
}

// withdraw resets a visitor who took back a part of what was granted. What is
// still granted goes on under a new identifier, which the choice is the first to
// bear. Another event, by which the withdrawal is noticed, may have been let
// through under the old one before: it goes on under none.
func (s *session) withdraw(c *Collector) {
	e := &s.event
	carried := e.Fields & provable
	s.cut(c)
	s.severed = s.severed || e.Type != schemas.ConsentGiven
	for f := range carried.Each {
		e.Unset(f)
	}
	s.cookies = cookieIdentifiers{}
	s.qualify()
}

// cut resets what the current event carries, and the cookies, but for those that
// were made later: an old choice that was kept for long cuts only what is older.
// When there were too many, the request is refused: to refuse must always help, and
// who is refused comes again.
func (s *session) cut(c *Collector) {
	e := &s.event
	first := len(s.resets)
	for f := range (e.Fields & provable).Each {
		s.addReset(c, f, e.Get(f))
	}
	s.addSessions(c)
	s.addCookies(c, s.predates)
	if wait, ok := s.force(c, first); !ok {
		s.overdrawn = wait
	}
}

// limits resets the advertising identifier of an app whose user does not allow
// tracking any more, as an event with it reports. The event goes on without it.
func (s *session) limits(c *Collector) {
	e := &s.event
	carried := e.Fields & schemas.SetOf(schemas.IDFA, schemas.GAID)
	if carried == 0 || !enforcer.LimitsTracking(&e.Consent.Signals) {
		return
	}
	// Some phones give it out all the same, in every event.
	report := e.Type == schemas.ConsentGiven
	first := len(s.resets)
	for f := range carried.Each {
		if report || first < maxChoices && !c.enforcer.Resets().Has(f, e.Get(f)) {
			s.addReset(c, f, e.Get(f))
		}
		e.Unset(f)
	}
	if wait, ok := s.force(c, first); !ok && report {
		s.overdrawn = wait
	}
}

// force puts resets in force here that are not durable yet: too early is
// harmless. Those that are new count as resets of the client's address do: when
// there are too many, none of them is put in force.
func (s *session) force(c *Collector, first int) (wait time.Duration, ok bool) {
	fresh := 0
	for i := first; i < len(s.resets); i++ {
		if !c.enforcer.Resets().Any([][16]byte{s.resets[i].Hash}) {
			fresh++
		}
	}
	if wait, ok = c.withdrawals.allowMany(s.client, s.now, fresh); !ok {
		s.resets = s.resets[:first]
		return wait, false
	}
	for i := first; i < len(s.resets); i++ {
		c.enforcer.Resets().Put(&s.resets[i])
	}
	return 0, true
}

// meetDead has the browser forget those of its cookies that have been reset
// elsewhere, so that it is met anew from the next request on. This one is still
// under them. Beside a visitor who was reset the others are reset, too: they would
// join the new visitor with the old.
func (s *session) meetDead(c *Collector) (dead schemas.FieldSet) {
	known := c.enforcer.Resets()
	for f, value := range s.cookies.each {
		if value = enforcer.NormalIdentifier(f, value); value != "" && known.Has(f, value) {
			dead |= 1 << f
		}
	}
	if dead.Has(schemas.VisitorID) {
		first := len(s.resets)
		for f, value := range s.cookies.each {
			if !dead.Has(f) {
				s.addReset(c, f, value)
				dead |= 1 << f
			}
		}
		_, _ = s.force(c, first) // what is too much now is met again
	}
	s.forget |= dead
	return dead
}
