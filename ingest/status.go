package ingest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// ResetProgress tells what has become of resets with a recipient.
type ResetProgress interface {
	// Of reports on the resets at a range of offsets, accepted at a time; false
	// when nothing has been reported of some of them yet.
	Of(recipient string, from, to int64, accepted time.Time) (state schemas.ProgressState, at time.Time, ok bool)
}

// ResetStatus is how far the resets of a ticket are. A stage that has not been
// reached has no time.
type ResetStatus struct {
	// Accepted: in Kafka, and in force at the collector that answered.
	Accepted Stage `json:"accepted"`
	// InForce: no collector lets the identifiers into Kafka any more.
	InForce Stage `json:"in_force_everywhere"`
	// Erased: nothing in ClickHouse can be tied to them any more, nor will be. That
	// is no earlier than InForce.
	Erased Stage `json:"erased_in_clickhouse"`
	// Recipients are the third parties of the policy.
	Recipients map[string]Stage `json:"recipients"`
}

// Stage is a state, and when it was reached: pending, asked, partial, done,
// unsupported or failed.
type Stage struct {
	State string     `json:"state"`
	At    *time.Time `json:"at,omitempty"`
	// Reason is what keeps it from being done, for the operator: the answer to a
	// user has none.
	Reason string `json:"reason,omitempty"`
}

// StatusOf tells how far the resets of a ticket are at a time. bound is how long
// after its acknowledgement a reset may not be in force somewhere; recipients
// are the names of the policy's, the store among them.
func StatusOf(k Ticket, progress ResetProgress, recipients []string, bound time.Duration, now time.Time) ResetStatus {
	pending := Stage{State: "pending"}
	done := func(at time.Time) Stage {
		at = at.UTC().Truncate(time.Millisecond)
		return Stage{State: schemas.Done.String(), At: &at}
	}
	s := ResetStatus{Accepted: done(k.At), InForce: pending, Erased: pending, Recipients: map[string]Stage{}}
	if everywhere := k.At.Add(bound); !now.Before(everywhere) {
		s.InForce = done(everywhere)
	}
	accepted := k.At
	if k.Many {
		accepted = time.Time{}
	}
	for _, name := range recipients {
		stage := pending
		if state, at, ok := progress.Of(name, k.From, k.To, accepted); ok {
			stage = done(at)
			stage.State = state.String()
		}
		if name == policy.Store {
			s.Erased = after(s.InForce, stage)
		} else {
			s.Recipients[name] = stage
		}
	}
	return s
}

// after returns a stage that is reached no earlier than the one before it: while
// some collector may still let an event in, it is not the last that is erased.
func after(before, stage Stage) Stage {
	switch {
	case before.At == nil && stage.State == schemas.Done.String():
		return before
	case before.At != nil && stage.At != nil && stage.At.Before(*before.At):
		stage.At = before.At
	}
	return stage
}

// answerTicket answers a reset that is accepted.
func (c *Collector) answerTicket(ctx *fasthttp.RequestCtx, k Ticket) {
	answer, _ := json.Marshal(struct {
		Status      string `json:"status"`
		Identifiers int64  `json:"identifiers"`
		Ticket      string `json:"ticket"`
	}{"accepted", k.To - k.From, c.tickets.Seal(k)})
	answerJSON(ctx, fasthttp.StatusAccepted, answer)
}

// ticketPath is before a ticket: GET /v1/reset/TICKET.
const ticketPath = "/v1/reset/"

// serveTicket tells how far the resets of a ticket are.
func (c *Collector) serveTicket(ctx *fasthttp.RequestCtx) {
	k, err := c.tickets.Open(strings.TrimPrefix(string(ctx.Path()), ticketPath))
	if err != nil {
		answerError(ctx, fasthttp.StatusNotFound, err.Error())
		return
	}
	answer, _ := json.Marshal(StatusOf(k, c.progress, c.enforcer.Table().Recipients, c.bound, time.Now()))
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	answerJSON(ctx, fasthttp.StatusOK, answer)
}
