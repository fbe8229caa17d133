package ingest

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/stream"
)

// session is all that one request needs, reused by later ones.
type session struct {
	now      time.Time
	client   netip.Addr
	table    *enforcer.Table
	request  enforcer.Request
	cookies  cookieIdentifiers
	origin   string
	foreign  bool   // the page is of another site than the collector, whose cookies the browser refuses
	agent    string // the request's User-Agent, where an event may have it
	decoder  schemas.Decoder
	events   int // in the decoder
	event    schemas.Event
	verdict  enforcer.Verdict
	project  enforcer.Projector
	held     int64  // bytes taken from the budget
	parsed   int    // most values that the decoder had
	recalled int64  // most bytes that what was remembered may have taken
	body     []byte // as it was sent
	decoded  []byte // decompressed body
	text     []byte // texts made for the current event
	values   []byte // records of all messages
	messages []stream.Message
	spans    []span // of messages in values
	// decisions of all messages; each message has a run of them.
	decisions []schemas.Decision
	recent    recent     // counters of decisions
	hashes    [][16]byte // of the identifiers of all messages; each has a run of them
	results   []result
	rejected  int              // results that are
	newID     string           // visitor id made for this request
	granted   bool             // the visitor cookie says more than it did
	made      moment           // when the current event was made
	apart     string           // visitor id made for the current event, which does not bear it
	sessionID string           // session id of the current event, as it came
	given     bool             // the current event was given newID after the verdict
	chosen    time.Time        // when somebody declined in this request
	severed   bool             // a withdrawal was noticed, and no choice has come since
	resets    []schemas.Reset  // of visitors who declined
	overdrawn time.Duration    // to wait, when they are too many; the request is refused
	forget    schemas.FieldSet // whose cookies the browser must forget
	receipts  []schemas.Receipt
}

// span locates a message's key, value and decisions.
type span struct {
	key, value, end        int
	decision, decisionsEnd int
	hash, hashesEnd        int
	time                   time.Time
}

// result is what became of one event.
type result struct {
	id       string // only when the client gave it, or it was allowed
	outcome  schemas.Outcome
	reason   schemas.Reason
	stripped schemas.FieldSet // of which nothing is in any record of it
	invalid  *schemas.Invalid
}

// end gives the session to later requests.
func (s *session) end(c *Collector) {
	c.memory.give(s.held)
	if s.retained() <= reusable {
		c.sessions.Put(s)
	}
}

// begin readies the session for a request.
func (s *session) begin(ctx *fasthttp.RequestCtx, c *Collector) {
	h := &ctx.Request.Header
	s.now = ctx.Time()
	s.client, s.overdrawn = c.client(ctx), 0
	s.table = c.enforcer.Table()
	s.request = enforcer.Request{Now: s.now, Place: c.place(ctx), Lookup: c.lookUp(ctx)}
	s.origin = share(h.Peek(fasthttp.HeaderOrigin))
	s.foreign = share(h.Peek("Sec-Fetch-Site")) == "cross-site"
	if s.agent = share(h.UserAgent()); schemas.Check(schemas.UserAgent, s.agent) != nil {
		s.agent = ""
	}
	s.values, s.spans, s.hashes = s.values[:0], s.spans[:0], s.hashes[:0]
	s.decisions, s.results, s.rejected = s.decisions[:0], s.results[:0], 0
	s.newID, s.granted, s.resets, s.forget, s.receipts = "", false, nil, 0, nil // choices are rare
	s.chosen, s.severed = time.Time{}, false
	clear(s.project.Masked[:])
	s.readSignals(h)
	s.readCookies(ctx)
}

// reject counts and remembers an event that was not let in.
func (s *session) reject(site string, reason schemas.Reason, invalid *schemas.Invalid) {
	s.rejected++
	s.results = append(s.results, result{outcome: schemas.Rejected, reason: reason, invalid: invalid})
	at := len(s.decisions)
	d := s.decision(site, schemas.Rejected, reason)
	if !s.event.Fields.Has(schemas.Type) {
		d.Type = schemas.UnknownType
	}
	s.decisions = append(s.decisions, d)
	s.spans = append(s.spans, span{decision: at, decisionsEnd: at + 1})
}

func (s *session) decision(site string, outcome schemas.Outcome, reason schemas.Reason) schemas.Decision {
	return schemas.Decision{Minute: schemas.MinuteOf(s.now), Site: site, Type: s.event.Type, Outcome: outcome, Reason: reason}
}

// take decides about the current event and writes what is let through. One with a
// problem does not fit the schema: it is rejected, as is what does not fit the site, and
// what it refuses is heard all the same.
func (s *session) take(c *Collector, problem *schemas.Invalid) {
	if s.overdrawn > 0 {
		return
	}
	e := &s.event
	s.text = s.text[:0]
	site := s.table.Site(e.Get(schemas.Site))
	own := site != nil && (s.origin == "" || site.Origin(s.origin))
	switch {
	case own:
	case problem != nil:
		s.reject(s.knownSite(), schemas.ReasonInvalid, problem)
		return
	case site == nil:
		s.reject("", schemas.ReasonUnknownSite, &schemas.Invalid{Path: "site", Problem: "is not a site of the handling policy"})
		return
	default:
		s.reject(site.Name, schemas.ReasonOrigin, &schemas.Invalid{Path: "site", Problem: "does not take events from this origin; add it to the site's origins in the handling policy"})
		return
	}
	if unfit := s.complete(c, site); problem == nil {
		problem = unfit
	}
	if e.Type == schemas.ConsentGiven && len(s.resets)+len(s.receipts) > maxChoices {
		s.reject(site.Name, schemas.ReasonInvalid, &schemas.Invalid{Path: "type", Problem: "is one of too many choices in one request; send the rest in another"})
		return
	}
	clientID := e.Get(schemas.ID)
	s.identify()
	if e.Type == schemas.ConsentGiven { // whoever chooses is somebody new
		for f := range s.meetDead(c).Each {
			s.cookies.clear(f)
		}
	}
	s.cookies.fill(e, s.made, s.now)
	enforcer.Normalise(e)
	s.limits(c)
	s.sessionID, s.apart, s.given = e.Get(schemas.SessionID), "", false
	s.qualify()
	c.enforcer.Decide(s.table, site, e, &s.request, &s.verdict)
	if problem != nil {
		s.heed(c, site)
		s.reject(site.Name, schemas.ReasonInvalid, problem)
		return
	}
	s.meetChoice(c, site)
	s.write(c, site, clientID)
}

// maxChoices is how many resets and receipts a request may bring before further
// consent events in it are refused. What it brings must fit a Kafka batch.
const maxChoices = 500

// complete checks what takes the time and the site's policy.
func (s *session) complete(c *Collector, site *enforcer.Site) *schemas.Invalid {
	e := &s.event
	s.made = moment{}
	if id := e.Get(schemas.ID); e.Time.IsZero() && id != "" {
		t, ok := timeOf(id)
		if !ok {
			return &schemas.Invalid{Path: "time", Problem: "is required when the id is not a version 7 UUID: a retry must bear the same time"}
		}
		e.Time = t
	}
	if s.made = (moment{e.Time}); e.Consent.Time.After(e.Time) {
		s.made = moment{e.Consent.Time}
	}
	if e.Time.IsZero() {
		e.Time = s.now
	}
	if problem := site.CheckProperties(e); problem != nil {
		return problem
	}
	if e.Time.Before(s.now.Add(-c.config.MaxAge)) {
		return &schemas.Invalid{Path: "time", Problem: "is too old; events are taken for " + c.config.MaxAge.String()}
	}
	if e.Time.After(s.now.Add(maxAhead)) {
		return &schemas.Invalid{Path: "time", Problem: "is more than 24 hours ahead"}
	}
	return nil
}

// maxAhead is how far a client's clock may be ahead.
const maxAhead = 24 * time.Hour

// identify gives the event an id where it has none, in lower case, and the
// request's user agent.
func (s *session) identify() {
	e := &s.event
	id, err := uuid.Parse(e.Get(schemas.ID))
	if err != nil {
		id, err = uuid.NewV7()
		if err != nil {
			id = uuid.New()
		}
	}
	start := len(s.text)
	s.text = appendUUID(s.text, id)
	e.Set(schemas.ID, share(s.text[start:]))
	if !e.Fields.Has(schemas.UserAgent) && s.agent != "" {
		e.Set(schemas.UserAgent, s.agent)
	}
}

// appendUUID appends the id's text form (RFC 9562, section 4).
func appendUUID(b []byte, id uuid.UUID) []byte {
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// timeOf returns the time in a version 7 UUID (RFC 9562, section 5.7).
func timeOf(text string) (time.Time, bool) {
	id, err := uuid.Parse(text)
	if err != nil || id.Version() != 7 {
		return time.Time{}, false
	}
	ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	return time.UnixMilli(ms), true
}

// answerCookies has the browser keep the id of a visitor who agreed, and
// forget those of one who declined or was reset.
func (s *session) answerCookies(ctx *fasthttp.RequestCtx) {
	if (s.newID != "" || s.granted) && s.cookies.visitor != "" {
		s.forget &^= 1 << schemas.VisitorID
		setVisitor(ctx, s.cookies.visitor, s.cookies.granted)
	}
	s.answerForget(ctx)
}

// write appends the messages and decisions of the current event.
func (s *session) write(c *Collector, site *enforcer.Site, clientID string) {
	e, v := &s.event, &s.verdict
	first := len(s.decisions)
	s.decisions = append(s.decisions, s.decision(site.Name, v.Outcome, v.Reason))
	for n := range v.Recipients {
		i := (n + 1) % len(v.Recipients) // the store's is last
		d := s.decision(site.Name, v.Recipients[i].Outcome, v.Recipients[i].Reason)
		d.Recipient = s.table.Recipients[v.Recipients[i].Recipient]
		s.decisions = append(s.decisions, d)
	}
	counted := span{decision: first, decisionsEnd: len(s.decisions)}
	var kept schemas.FieldSet
	for _, form := range [...]schemas.Outcome{schemas.Allowed, schemas.Anonymised} {
		record := s.project.Record(c.keys, e, v, form)
		if record == nil {
			continue
		}
		s.addReceipts(c, site, record)
		kept |= record.Event.Fields
		// An event is counted once, and for the store with the record that it
		// is given.
		sp := counted
		if form == schemas.Allowed && v.Recipients[0].Outcome == schemas.Anonymised {
			sp.decisionsEnd--
		}
		counted.decision = sp.decisionsEnd
		sp.key = len(s.values)
		s.values = append(s.values, enforcer.Key(record)...)
		sp.value = len(s.values)
		s.values = record.AppendJSON(s.values)
		sp.end = len(s.values)
		sp.time = record.Event.Time
		if form == schemas.Allowed {
			sp.hash = len(s.hashes)
			s.hash(c)
			sp.hashesEnd = len(s.hashes)
		}
		s.spans = append(s.spans, sp)
	}
	if counted.decision == first {
		s.spans = append(s.spans, counted)
	}
	r := result{id: clientID, outcome: v.Outcome, reason: v.Reason}
	if kept != 0 {
		r.stripped = e.Fields &^ kept
	}
	if v.Outcome == schemas.Allowed && clientID == "" {
		r.id = strings.Clone(e.Get(schemas.ID))
	}
	s.results = append(s.results, r)
}

// hash appends the registry's hashes of the current event's identifiers.
func (s *session) hash(c *Collector) {
	s.hashes = append(s.hashes, s.verdict.Hashes...)
	if s.given {
		s.hashes = append(s.hashes, c.enforcer.Resets().Hash(schemas.VisitorID, s.newID))
	}
}

// outgoing returns the messages of the request, valid until the session ends.
func (s *session) outgoing() []stream.Message {
	s.messages = s.messages[:0]
	for _, sp := range s.spans {
		m := stream.Message{Decisions: s.decisions[sp.decision:sp.decisionsEnd]}
		if sp.end > sp.key {
			m.Key, m.Value, m.Time = s.values[sp.key:sp.value], s.values[sp.value:sp.end], sp.time
			m.Hashes = s.hashes[sp.hash:sp.hashesEnd]
		}
		s.messages = append(s.messages, m)
	}
	return s.messages
}

// share views the bytes as a string, without a copy.
func share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
