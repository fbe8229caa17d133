package ingest

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
)

// answer answers a request whose events are durable: 204, or 200 with a result
// for each event where the client asked for it (RFC 7240, section 4.2), or 400
// with what is wrong, or 403 when the origin may send none of them.
func (c *Collector) answer(ctx *fasthttp.RequestCtx, s *session) {
	s.answerCookies(ctx)
	ctx.Response.Header.SetCanonical([]byte(fasthttp.HeaderCacheControl), []byte("no-store"))
	status := s.status()
	represent := prefersRepresentation(&ctx.Request.Header)
	switch {
	case represent && status == fasthttp.StatusNoContent:
		status = fasthttp.StatusOK
		ctx.Response.Header.Set(preferenceApplied, "return=representation")
	case status == fasthttp.StatusNoContent:
		ctx.SetStatusCode(status)
		return
	}
	body, err := json.Marshal(represented(s, represent))
	if err != nil {
		answerError(ctx, fasthttp.StatusInternalServerError, "internal error")
		return
	}
	answerJSON(ctx, status, body)
}

const preferenceApplied = "Preference-Applied"

// status is 204, or what the rejected events make of it.
func (s *session) status() int {
	if s.rejected == 0 {
		return fasthttp.StatusNoContent
	}
	for i := range s.results {
		if s.results[i].reason != schemas.ReasonOrigin {
			return fasthttp.StatusBadRequest
		}
	}
	return fasthttp.StatusForbidden
}

// representation is the body of an answer about events.
type representation struct {
	Error   string         `json:"error,omitempty"`
	Invalid []invalidEvent `json:"invalid,omitempty"`
	Events  []eventResult  `json:"events,omitempty"`
}

type invalidEvent struct {
	Index   int    `json:"index"`
	Path    string `json:"path"`
	Problem string `json:"problem"`
}

type eventResult struct {
	ID       string          `json:"id,omitempty"`
	Outcome  schemas.Outcome `json:"outcome"`
	Reason   schemas.Reason  `json:"reason"`
	Stripped []string        `json:"stripped,omitempty"`
}

func represented(s *session, all bool) (r representation) {
	for i := range s.results {
		from := &s.results[i]
		if from.invalid != nil {
			r.Invalid = append(r.Invalid, invalidEvent{Index: i, Path: from.invalid.Path, Problem: from.invalid.Problem})
		}
		if all {
			r.Events = append(r.Events, eventResult{ID: from.id, Outcome: from.outcome, Reason: from.reason, Stripped: from.stripped.Names()})
		}
	}
	if len(r.Invalid) > 0 {
		r.Error = strconv.Itoa(len(r.Invalid)) + " of " + strconv.Itoa(len(s.results)) + " events were rejected; the others were taken"
	}
	return r
}

func answerText(ctx *fasthttp.RequestCtx, status int, text string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString(text)
}

// answerError answers with a problem. The text is ours, never the client's.
func answerError(ctx *fasthttp.RequestCtx, status int, problem string) {
	body, _ := json.Marshal(representation{Error: problem})
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	answerJSON(ctx, status, body)
}

func answerJSON(ctx *fasthttp.RequestCtx, status int, body []byte) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.Response.Header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	ctx.SetBody(append(body, '\n'))
}

func answerUnavailable(ctx *fasthttp.RequestCtx, problem string) {
	answerRetry(ctx, fasthttp.StatusServiceUnavailable, retryAfter*time.Second, problem)
}

func answerRetry(ctx *fasthttp.RequestCtx, status int, wait time.Duration, problem string) {
	seconds := int((wait + time.Second - 1) / time.Second)
	ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(max(seconds, 1)))
	ctx.Response.Header.Set(fasthttp.HeaderAccessControlExposeHeaders, fasthttp.HeaderRetryAfter) // to the tracker
	answerError(ctx, status, problem)
}
