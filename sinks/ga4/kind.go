package ga4

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// Google's limits, and how far we stay below them.
const (
	maxEvents = 25
	maxParams = 25
	// maxBodies leaves of the 130 kB of a request what its head may need.
	maxBodies = 110_000
	// maxAge is short of the 72 hours that an event may be backdated by, of which
	// an older text says that they are calendar days of the property, and whose
	// passing nobody tells.
	maxAge = 68 * time.Hour
)

// Kind is Google Analytics 4 as a recipient. See [forward.Kind].
type Kind struct {
	config  Config
	maxText int
	now     func() time.Time
	count   func(what string)
	tokens  tokens
}

// New makes the kind of a configuration that was validated. What had to be
// changed to fit Google's rules is counted in set, under the recipient's name.
func New(c Config, recipient string, set *metrics.Set) *Kind {
	k := &Kind{config: c, maxText: maxText, now: time.Now}
	if c.LongTexts {
		k.maxText = longText
	}
	k.count = func(what string) {
		set.GetOrCreateCounter(fmt.Sprintf(`sekisho_forward_adjusted_total{recipient=%q,what=%q}`, recipient, what)).Inc()
	}
	return k
}

// Limits are Google's.
func (k *Kind) Limits() forward.Limits {
	return forward.Limits{
		Events: maxEvents, Bytes: maxBodies, MaxAge: maxAge,
		Timeout: 10 * time.Second, Concurrency: 8,
	}
}

// Project makes the event; its group is the stream's key and the head of the
// request, which says whose events they are. Analytics is what Google does with
// all that it is sent here, and no flag of a request refuses that: without a grant
// for analytics nothing is sent, whatever the event's own purpose.
func (k *Kind) Project(b []byte, e *forward.Event) (body []byte, group string, err error) {
	if !e.Granted.Has(schemas.Analytics) {
		return b, "", forward.ErrWithheld
	}
	key := e.Site
	stream, ok := k.config.Streams[key]
	if !ok {
		key = "*"
		if stream, ok = k.config.Streams[key]; !ok {
			return b, "", forward.Refusal("no_stream")
		}
	}
	app := stream.FirebaseAppID != ""
	name := k.eventName(e, app)
	if name == "" {
		return b, "", forward.ErrUnwanted
	}
	head, ok := k.head(e, app)
	if !ok {
		return b, "", forward.Unsendable("no_client_id")
	}
	return k.appendEvent(b, e, name, app), key + "\n" + string(head), nil
}

// Request sends a batch. The API secret is in the address, where Google wants it.
func (k *Kind) Request(ctx context.Context, batch *forward.Batch) (*http.Request, error) {
	key, head, _ := strings.Cut(batch.Group, "\n")
	stream := k.config.Streams[key]
	query := url.Values{"api_secret": {stream.APISecret.Reveal()}}
	if stream.FirebaseAppID != "" {
		query.Set("firebase_app_id", stream.FirebaseAppID)
	} else {
		query.Set("measurement_id", stream.MeasurementID)
	}
	body := append([]byte(head), `,"events":[`...)
	body = append(body, bytes.Join(batch.Bodies, []byte{','})...)
	body = append(body, "]}"...)
	return post(ctx, k.config.Endpoint+"/mp/collect?"+query.Encode(), body)
}

func post(ctx context.Context, address string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("cannot make a request to Google Analytics")
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// Classify takes a success for a success, though Google says the same of what it
// drops: why nothing is sent that breaks its rules. A request that it did not
// take is sent again only where the status says that it may be, and never one
// that it calls wrong.
func (k *Kind) Classify(_ *forward.Batch, r *forward.Response) forward.Answer {
	return forward.ByStatus(r)
}
