package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// Meta's limits, and how far we stay below them.
const (
	maxEvents = 1000
	maxBodies = 4 << 20 // own: 1,000 ordinary events have less
	// maxAge is short of the 7 days after which one event fails its whole batch.
	maxAge  = 7*24*time.Hour - time.Hour
	maxName = 50
)

// Kind is Meta's Conversions API as a recipient. See [forward.Kind].
type Kind struct {
	config Config
	now    func() time.Time
	count  func(what string)
}

// New makes the kind of a configuration that was validated. What had to be
// changed to fit Meta's rules is counted in set, under the recipient's name.
func New(c Config, recipient string, set *metrics.Set) *Kind {
	return &Kind{config: c, now: time.Now, count: func(what string) {
		set.GetOrCreateCounter(fmt.Sprintf(`sekisho_forward_adjusted_total{recipient=%q,what=%q}`, recipient, what)).Inc()
	}}
}

// Limits are Meta's. Its advice to give up after 1.5 s is for those who send
// while a page is made.
func (k *Kind) Limits() forward.Limits {
	return forward.Limits{
		Events: maxEvents, Bytes: maxBodies, MaxAge: maxAge,
		Timeout: 10 * time.Second, Concurrency: 4, Deduplicates: true,
	}
}

// Project makes the event; its group is the key of the site's pixel.
func (k *Kind) Project(b []byte, e *forward.Event) (body []byte, group string, err error) {
	key := e.Site
	if _, ok := k.config.Pixels[key]; !ok {
		key = "*"
		if _, ok := k.config.Pixels[key]; !ok {
			return b, "", forward.Refusal("no_pixel")
		}
	}
	if e.Type == schemas.ConsentGiven {
		return b, "", forward.ErrUnwanted
	}
	body, ok := k.appendEvent(b, e)
	if !ok {
		return b, "", forward.Unsendable("no_identifier")
	}
	return body, key, nil
}

// Request sends a batch. The token is in the body, so that no address has it.
func (k *Kind) Request(ctx context.Context, batch *forward.Batch) (*http.Request, error) {
	pixel := k.config.Pixels[batch.Group]
	body := forward.AppendText([]byte{'{'}, "access_token", pixel.Token.Reveal())
	if k.config.TestEventCode != "" {
		body = forward.AppendText(body, "test_event_code", k.config.TestEventCode)
	}
	body = append(body, `,"data":[`...)
	body = append(body, bytes.Join(batch.Bodies, []byte{','})...)
	body = append(body, "]}"...)
	address := k.config.Endpoint + "/" + k.config.Version + "/" + pixel.ID + "/events"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("cannot make a request to Meta")
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// graphAnswer is an answer of the Graph API.
type graphAnswer struct {
	Received *int `json:"events_received"`
	Error    *struct {
		Code      int  `json:"code"`
		Subcode   int  `json:"error_subcode"`
		Transient bool `json:"is_transient"`
	} `json:"error"`
}

// tooOld is the subcode of a batch with an event of more than 7 days.
const tooOld = 2804003

// Classify goes by the error's code, since Meta's statuses say little.
func (k *Kind) Classify(batch *forward.Batch, r *forward.Response) forward.Answer {
	var a graphAnswer
	unread := json.Unmarshal(r.Body, &a) != nil
	if unread || a.Error == nil {
		answer := forward.ByStatus(r)
		switch {
		case answer.Verdict != forward.Done:
		case unread || a.Received == nil:
			// A success says how many it took; this is somebody else's, between
			// here and there.
			return forward.Answer{Verdict: forward.Retry, Reason: "no_receipt"}
		case *a.Received < len(batch.Bodies):
			// Which it took it does not say. The halves are sent again: what it has
			// it knows by its event_id.
			return forward.Answer{Verdict: forward.Permanent, Reason: "partly_received"}
		}
		return answer
	}
	switch code := a.Error.Code; {
	case code == 190 || code == 102:
		return forward.Answer{Verdict: forward.Pause, Reason: "token"}
	case code == 10 || code >= 200 && code < 300:
		return forward.Answer{Verdict: forward.Pause, Reason: "permission"}
	case code == 4 || code == 17 || code == 32 || code == 613:
		return forward.Answer{Verdict: forward.Throttled, Reason: "rate_limited"}
	case code == 1 || code == 2 || a.Error.Transient:
		return forward.Answer{Verdict: forward.Retry, Reason: "transient"}
	case code == 100 && a.Error.Subcode == tooOld:
		return forward.Answer{Verdict: forward.Permanent, Reason: "too_old"}
	case code == 100:
		return forward.Answer{Verdict: forward.Permanent, Reason: "invalid_parameter"}
	}
	return forward.ByStatus(r)
}

// Forget is unsupported: the Conversions API has no way to delete one user.
func (k *Kind) Forget(context.Context, forward.Sender, *forward.Identity) (schemas.ProgressState, error) {
	return schemas.Unsupported, nil
}
