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
	Append(ctx context.Context, resets []schemas.Reset) error
}

// errNothingToReset: the request carried no identifier.
var errNothingToReset = errors.New("there is nothing to reset: the request has neither the visitor cookie nor an identifier")

// serveReset serves POST /v1/reset: the browser's visitor cookie and the
// identifiers in the body, an object of field names, are reset. When it is
// answered, no event under them passes this collector any more.
//
// Only a page of a site may ask for it (the request must have an Origin, and
// be of a kind that no form can send), and only for what it holds.
func (c *Collector) serveReset(ctx *fasthttp.RequestCtx) {
	if len(ctx.Request.Header.Peek(fasthttp.HeaderOrigin)) > 0 && !isApplicationJSON(ctx) {
		answerError(ctx, fasthttp.StatusUnsupportedMediaType, "Content-Type must be application/json: a form of another site cannot send that")
		return
	}
	if err := c.unready(); err != nil {
		answerUnavailable(ctx, err.Error())
		return
	}
	s := c.sessions.Get().(*session)
	defer c.sessions.Put(s)
	s.begin(ctx, c)
	resets, err := c.resetsOf(ctx, s)
	if err != nil {
		answerError(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	if err := c.reset(resets); err != nil {
		c.counters.unavailable.Inc()
		answerUnavailable(ctx, "the reset could not be made durable; send it again")
		return
	}
	if s.cookies.visitor != "" {
		dropVisitor(ctx)
	}
	body, _ := json.Marshal(map[string]any{"status": "accepted", "identifiers": len(resets)})
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}

func isApplicationJSON(ctx *fasthttp.RequestCtx) bool {
	return string(ctx.Request.Header.ContentType()) == "application/json" ||
		string(ctx.Request.Header.ContentType()) == "application/json; charset=utf-8"
}

// resetsOf collects what the request asks to reset.
func (c *Collector) resetsOf(ctx *fasthttp.RequestCtx, s *session) ([]schemas.Reset, error) {
	identifiers := map[string]string{}
	if body := ctx.Request.Body(); len(body) > 0 {
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
		Pseudonyms: []string{string(c.keys.AppendPseudonym(nil, f, text))},
	})
}

// reset makes resets durable and puts them in force here.
func (c *Collector) reset(resets []schemas.Reset) error {
	if err := c.resets.Append(context.Background(), resets); err != nil {
		return err
	}
	for i := range resets {
		c.enforcer.Resets().Put(&resets[i])
	}
	c.counters.resets.Add(len(resets))
	return nil
}
