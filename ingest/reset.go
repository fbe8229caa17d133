package ingest

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// ResetLog makes resets durable and, in time, known to every collector.
type ResetLog interface {
	Append(ctx context.Context, resets []schemas.Reset) (offset int64, err error)
}

// errNothingToReset: the request carried no identifier.
var errNothingToReset = errors.New("there is nothing to reset: the request has neither the visitor cookie nor an identifier")

// serveReset serves POST /v1/reset: the browser's visitor cookie and the
// identifiers in the body, an object of field names, are reset. When it is
// answered, no event under them passes this collector any more: those that were
// let through before are in Kafka.
//
// It must be of a type that no form of another site can send.
func (c *Collector) serveReset(ctx *fasthttp.RequestCtx) {
	if !isType(ctx.Request.Header.ContentType(), "application/json") {
		answerError(ctx, fasthttp.StatusUnsupportedMediaType, "Content-Type must be application/json: a form of another site cannot send that")
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
	resets, err := c.resetsOf(body, s)
	if err != nil {
		answerError(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	if err := c.reset(resets); err != nil {
		c.counters.unavailable.Inc()
		answerUnavailable(ctx, "the reset could not be made durable; send it again")
		return
	}
	c.turns.wait()
	if s.cookies.visitor != "" {
		dropVisitor(ctx)
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	answer, _ := json.Marshal(map[string]any{"status": "accepted", "identifiers": len(resets)})
	answerJSON(ctx, fasthttp.StatusAccepted, answer)
}

// maxReset is the longest body of a reset, in bytes: all identifiers there are.
const maxReset = 16 << 10

// resetsOf collects what the request asks to reset.
func (c *Collector) resetsOf(body []byte, s *session) ([]schemas.Reset, error) {
	identifiers := map[string]string{}
	if len(body) > 0 {
		if json.Unmarshal(body, &identifiers) != nil {
			return nil, errors.New("the body must be an object of identifiers, such as {\"idfa\":\"…\"}")
		}
	}
	var resets []schemas.Reset
	for name, text := range identifiers {
		f, ok := schemas.FieldNamed([]byte(name))
		if !ok || !schemas.Identifiers.Has(f) {
			return nil, errors.New("the body has a key that is no identifier of the event model")
		}
		if problem := schemas.Check(f, text); problem != nil {
			return nil, problem
		}
		resets = c.appendReset(resets, s, f, text)
	}
	resets = c.appendReset(resets, s, schemas.VisitorID, s.cookies.visitor)
	if len(resets) == 0 {
		return nil, errNothingToReset
	}
	return resets, nil
}

// appendReset appends the reset of an identifier, unless it is none.
func (c *Collector) appendReset(resets []schemas.Reset, s *session, f schemas.Field, text string) []schemas.Reset {
	text = enforcer.NormalIdentifier(f, text)
	if text == "" {
		return resets
	}
	return append(resets, schemas.Reset{
		Field:      f,
		Hash:       c.enforcer.Resets().Hash(f, text),
		At:         s.now,
		Pseudonyms: c.keys.Pseudonyms(f, text),
	})
}

// reset makes resets durable and puts them in force here.
func (c *Collector) reset(resets []schemas.Reset) error {
	if _, err := c.resets.Append(context.Background(), resets); err != nil {
		return err
	}
	for i := range resets {
		c.enforcer.Resets().Put(&resets[i])
	}
	c.counters.resets.Add(len(resets))
	return nil
}
