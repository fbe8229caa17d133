package ingest

import (
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// fresh is how long ago an event may have been made that is the first of a new
// visitor. Nobody can tell an older one from that of somebody who was reset
// meanwhile. settling is how long ago one may have been made for which a browser
// is given an identifier at all: clocks differ.
const (
	fresh    = 10 * time.Second
	settling = 5 * time.Minute
)

// meetVisitor makes an identifier for a browser that has none and would keep one:
// else each request would be another visitor's. The event bears it if it is fresh;
// else it counts only for what is made from now on.
func (s *session) meetVisitor() {
	e := &s.event
	if e.Fields.Has(schemas.VisitorID) || s.cookies.visitor != "" || s.origin == "" || s.foreign ||
		s.made.before(s.now.Add(-settling)) || s.made.before(s.chosen) || s.severed && e.Type != schemas.ConsentGiven || !s.verdict.Allows(schemas.TerminalIdentification) {
		return
	}
	old := s.made.before(s.now.Add(-fresh))
	born := s.made.or(s.now)
	if old {
		born = s.now
	}
	s.newID, s.severed = newVisitorID(born), false
	s.cookies.visitor, s.cookies.granted = s.newID, ""
	if old {
		s.apart = s.newID
		return
	}
	s.given = true
	e.Set(schemas.VisitorID, s.newID)
	s.qualify()
}

// noteGranted has the visitor cookie say what was granted, when that is more than
// it says already. Where the client tells no time, it is told so that a clock
// which is a little behind does not make a withdrawal look older.
func (s *session) noteGranted(site *enforcer.Site) {
	id := s.event.Get(schemas.VisitorID)
	if s.origin == "" || s.cookies.visitor == "" || id != s.cookies.visitor && s.apart == "" {
		return
	}
	now := s.verdict.Purposes & schemas.OptionalPurposes
	before, _ := s.cookies.granted.of(site.Name)
	if now&^before == 0 {
		return
	}
	s.cookies.granted = s.cookies.granted.with(site.Name, now|before, s.made.or(s.now.Add(-settling)))
	s.granted = true
}

// anchors are the identifiers by the first of which a session is known.
var anchors = [...]schemas.Field{schemas.VisitorID, schemas.AppInstanceID, schemas.GA, schemas.FBP, schemas.IDFA, schemas.GAID}

// qualify makes the event's session id one of its visitor: with another
// identifier, after a reset, the same session id is another session, and nothing
// joins the two. An app's or a server's may be by itself, or an account's; a
// browser's event that is not given its visitor is not given a session either.
func (s *session) qualify() {
	e := &s.event
	if s.sessionID == "" {
		return
	}
	for _, f := range anchors {
		if e.Fields.Has(f) {
			e.Set(schemas.SessionID, s.qualified(f))
			return
		}
	}
	switch {
	case s.origin != "":
		e.Unset(schemas.SessionID)
	case e.Fields.Has(schemas.UserID):
		e.Set(schemas.SessionID, s.qualified(schemas.UserID))
	default:
		e.Set(schemas.SessionID, s.sessionID)
	}
}

// qualified returns the session id as one of the event's identifier. No client
// can send such a text.
func (s *session) qualified(f schemas.Field) string {
	start := len(s.text)
	s.text = append(append(append(s.text, s.sessionID...), 0, byte(f)), s.event.Get(f)...)
	return share(s.text[start:])
}

// addSessions notes the event's session to be reset as it is by itself and as one
// of an account. As one of another identifier it is reset with that.
func (s *session) addSessions(c *Collector) {
	if s.sessionID == "" {
		return
	}
	s.addReset(c, schemas.SessionID, s.sessionID)
	if s.event.Fields.Has(schemas.UserID) {
		s.addReset(c, schemas.SessionID, s.qualified(schemas.UserID))
	}
}
