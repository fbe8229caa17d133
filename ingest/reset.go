package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// ResetLog makes resets durable and, in time, known to every collector.
type ResetLog interface {
	// Append returns the offset of the first; see [Ticket].
	Append(ctx context.Context, resets []schemas.Reset) (offset int64, err error)
	// Barrier returns when all that was acknowledged before the call is in
	// force here.
	Barrier(ctx context.Context) error
}

// provable are the identifiers that nobody knows but who holds them, so that to
// send one is to prove it. A site hands out numbers of users and panel members
// that others may know: those are the operator's to reset. A session's id is in
// addresses and logs; it ends with the visitor whose it is.
var provable = schemas.Identifiers &^ schemas.SetOf(schemas.UserID, schemas.PanelID, schemas.SessionID)

// serveReset serves POST /v1/reset: the browser's cookies that identify it and
// the identifiers in the body, an object of field names, are reset. When it is
// answered, no event under them passes this collector any more: those that were
// let through before are in Kafka. The answer is a ticket.
func (c *Collector) serveReset(ctx *fasthttp.RequestCtx) {
	c.serveWithdrawal(ctx, false, func(s *session) bool {
		offset, err := c.reset(s.resets)
		if err != nil {
			c.counters.unavailable.Inc()
			answerUnavailable(ctx, "the reset could not be made durable; send it again")
			return false
		}
		c.settle()
		s.answerForget(ctx)
		c.answerTicket(ctx, Ticket{From: offset, To: offset + int64(len(s.resets)), At: time.Now()})
		return true
	})
}

// serveWithdrawal collects the identifiers of the request into s.resets and has
// them withdrawn. The request must be of a type that no form of another site can
// send. It must have an identifier, unless a browser's is good without.
func (c *Collector) serveWithdrawal(ctx *fasthttp.RequestCtx, browser bool, withdraw func(*session) bool) {
	if !isType(ctx.Request.Header.ContentType(), "application/json") {
		answerError(ctx, fasthttp.StatusUnsupportedMediaType, "Content-Type must be application/json: a form of another site cannot send that")
		return
	}
	if coding, ok := codingOf(&ctx.Request.Header); !ok || coding != identity {
		answerError(ctx, fasthttp.StatusUnsupportedMediaType, "the body must not be compressed: there must be no Content-Encoding")
		return
	}
	s := c.admit(ctx)
	if s == nil {
		return
	}
	defer s.end(c)
	body, err := c.receive(ctx, s, maxReset)
	if err != nil {
		c.answerUnread(ctx, err, ignore)
		return
	}
	if err := c.readReset(body, s); err != nil && !(browser && s.origin != "" && errors.Is(err, errNothingToReset)) {
		answerError(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	if wait, ok := c.withdrawals.allowMany(s.client, s.now, len(s.resets)); !ok {
		answerRetry(ctx, fasthttp.StatusTooManyRequests, wait, "too many resets and opt-outs")
		return
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	withdraw(s)
}

// maxReset is the longest body of a reset, in bytes: all identifiers there are.
const maxReset = 16 << 10

// What is wrong with the body of a reset.
var (
	errNothingToReset = errors.New("there is nothing to reset or to opt out: the request has neither the visitor cookie nor an identifier that proves whose it is, as session_id does not")
	errNotIdentifiers = errors.New("the body must be an object of identifiers, such as {\"idfa\":\"…\"}")
	errTwice          = errors.New("the body has a key twice: only one of the two would be reset; send the other in a request of its own")
	errNoIdentifier   = errors.New("the body has a key that is no identifier of the event model")
	errNotProvable    = errors.New("user_id and panel_id are the site's own numbers, which others may know: its operator resets them")
)

// readReset collects what the request asks to reset.
func (c *Collector) readReset(body []byte, s *session) error {
	identifiers, err := identifiersIn(body)
	if err != nil {
		return err
	}
	for name, text := range identifiers {
		f, ok := schemas.FieldNamed([]byte(name))
		switch {
		case !ok || !schemas.Identifiers.Has(f):
			return errNoIdentifier
		case f == schemas.SessionID:
			continue // clients send it with the others
		case !provable.Has(f):
			return errNotProvable
		}
		if problem := enforcer.CheckIdentifier(f, text); problem != nil {
			return problem
		}
		s.addReset(c, f, text)
	}
	s.addCookies(c, func(schemas.Field, string) bool { return false })
	if len(s.resets) == 0 {
		return errNothingToReset
	}
	return nil
}

// identifiersIn reads the body of a reset: nothing, or an object of texts.
func identifiersIn(body []byte) (map[string]string, error) {
	if len(body) == 0 {
		return nil, nil
	}
	identifiers := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(body))
	if opening, err := d.Token(); err != nil || opening != json.Delim('{') {
		return nil, errNotIdentifiers
	}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		text := ""
		if err != nil || !ok || d.Decode(&text) != nil {
			return nil, errNotIdentifiers
		}
		if _, twice := identifiers[name]; twice {
			return nil, errTwice
		}
		identifiers[name] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotIdentifiers
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotIdentifiers
	}
	return identifiers, nil
}

// addReset notes an identifier to be reset, unless it is none or is noted
// already.
func (s *session) addReset(c *Collector, f schemas.Field, text string) {
	if text = enforcer.NormalIdentifier(f, text); text == "" {
		return
	}
	reset := ResetOf(c.enforcer.Resets(), c.keys, f, text, s.now)
	if reset.By = "app"; s.origin != "" {
		reset.By = "browser"
	}
	for i := range s.resets {
		if s.resets[i].Hash == reset.Hash {
			return
		}
	}
	s.resets = append(s.resets, reset)
}

// ResetOf makes the reset of an identifier, which must be in its normal form.
func ResetOf(registry *enforcer.Resets, keys *enforcer.Keys, f schemas.Field, normal string, at time.Time) schemas.Reset {
	return schemas.Reset{
		Field: f, Hash: registry.Hash(f, normal), At: at, Pseudonyms: keys.Pseudonyms(f, normal),
		Registry: registry.KeyID(), Secret: keys.Name(),
	}
}

// addCookies notes the identifiers of the request's cookies, but for those that
// are to be spared. The browser then has to forget them.
func (s *session) addCookies(c *Collector, spare func(schemas.Field, string) bool) {
	for f, value := range s.cookies.each {
		if spare(f, value) {
			continue
		}
		s.addReset(c, f, value)
		if f != schemas.VisitorID || value != s.newID { // which the browser does not have yet
			s.forget |= 1 << f
		}
		s.cookies.clear(f)
	}
}

// reset makes resets durable and puts them in force here.
func (c *Collector) reset(resets []schemas.Reset) (offset int64, err error) {
	offset, err = c.resets.Append(context.Background(), resets)
	if err != nil {
		return 0, err
	}
	for i := range resets {
		c.enforcer.Resets().Put(&resets[i])
	}
	c.counters.resets.Add(len(resets))
	return offset, nil
}
