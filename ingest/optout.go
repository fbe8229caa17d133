package ingest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
)

// optOutPath is before a recipient's name: POST /v1/optout/RECIPIENT.
const optOutPath = "/v1/optout/"

// serveOptOut serves POST and DELETE /v1/optout/RECIPIENT: the user who holds
// the request's cookies and the identifiers in its body opts out of one third
// party, or takes that back. When it is answered, no event under them passes
// this collector for that third party; the others have what they had. A browser is
// given a cookie that names the third party, by which the opt-out outlives a reset
// and holds for who is not known yet. It is the same for everyone.
func (c *Collector) serveOptOut(ctx *fasthttp.RequestCtx) {
	recipient := strings.TrimPrefix(string(ctx.Path()), optOutPath)
	if place := slices.Index(c.enforcer.Table().Recipients, recipient); place < 1 {
		answerError(ctx, fasthttp.StatusNotFound, "the path must end with the name of a third party of the handling policy; for the gateway's own store there is POST /v1/reset")
		return
	}
	revoked := ctx.IsDelete()
	c.serveWithdrawal(ctx, true, func(s *session) bool {
		for i := range s.resets {
			s.resets[i].Recipient, s.resets[i].Revoked = recipient, revoked
		}
		if err := c.optOut(s.resets); err != nil {
			c.counters.unavailable.Inc()
			answerUnavailable(ctx, "the opt-out could not be made durable; send it again")
			return false
		}
		c.settle()
		s.answerOptOut(ctx, recipient, !revoked)
		status := "opted_out"
		if revoked {
			status = "opted_in"
		}
		answer, _ := json.Marshal(struct {
			Status      string `json:"status"`
			Recipient   string `json:"recipient"`
			Identifiers int    `json:"identifiers"`
		}{status, recipient, len(s.resets)})
		answerJSON(ctx, fasthttp.StatusOK, answer)
		return true
	})
}

// answerOptOut has a browser keep what its user opted out of, of what the policy
// names.
func (s *session) answerOptOut(ctx *fasthttp.RequestCtx, recipient string, out bool) {
	if s.origin == "" {
		return
	}
	var kept []string
	for _, name := range s.table.Recipients[1:] {
		if name == recipient && out || name != recipient && slices.Contains(strings.Split(s.request.OptedOut, "+"), name) {
			kept = append(kept, name)
		}
	}
	setOptOuts(ctx, strings.Join(kept, "+"))
}

// optOut makes opt-outs durable and waits until they are in force here. What is
// opted out and in again must take effect in the order of the topic, so that it
// is left to who follows it.
func (c *Collector) optOut(optOuts []schemas.Reset) error {
	if len(optOuts) == 0 {
		return nil // a browser's that nobody knows yet
	}
	if _, err := c.resets.Append(context.Background(), optOuts); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.bound)
	defer cancel()
	if err := c.resets.Barrier(ctx); err != nil {
		return err
	}
	c.counters.optOuts.Add(len(optOuts))
	return nil
}
