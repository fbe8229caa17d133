package forward

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas"
)

// Kind is what is particular to one sort of recipient: how its requests look, and
// what its answers mean. The runner does the rest: batches, concurrency, time
// limits, retries, rate limits, expiry, dead letters, metrics.
//
// All methods may be called concurrently, and more than once for the same event.
// None keeps what it is given, logs, or puts a secret or anything of an event or
// an answer's body into an error.
type Kind interface {
	// Limits are those of the vendor. They never change.
	Limits() Limits

	// Project appends the event in the vendor's form to b. Events of one group
	// may share a request; what stands once in a request, such as the client
	// whose events they are, is the group. It is called again for every attempt,
	// with what the recipient may have by then.
	//
	// An error says that this event cannot be sent: [ErrUnwanted], [ErrWithheld],
	// [Unsendable] or a [Refusal].
	Project(b []byte, e *Event) (body []byte, group string, err error)

	// Request makes the request that sends a batch. Secrets are revealed here, so
	// that a rotated one is used at once. An error is tried again as one of the
	// network is: a kind that cannot make a request at all says so at its start.
	Request(ctx context.Context, batch *Batch) (*http.Request, error)

	// Classify says what an answer means. Redirects are not followed, and come
	// here. [ByStatus] is what most statuses mean.
	Classify(batch *Batch, r *Response) Answer

	// Forget asks the vendor to delete what it has under an identifier that was
	// reset, and returns how far it got; Unsupported when the vendor cannot be
	// asked. An error is tried again later; [ErrPaused] among its causes says that
	// it needs an operator first.
	Forget(ctx context.Context, send Sender, id *Identity) (schemas.ProgressState, error)
}

// Section is the part of a configuration that says that a recipient is of a kind:
// a pointer to the Config of a kind's package.
type Section interface {
	// Kind makes the kind, when the section was validated and its secrets are
	// resolved. What it counts goes into set, under the recipient's name.
	Kind(recipient string, set *metrics.Set) (Kind, error)
}

// Limits are what a vendor allows. A zero is no limit.
type Limits struct {
	Events int           // most in one request
	Bytes  int           // most of all bodies of one request together
	MaxAge time.Duration // of an event: older ones are not sent, and counted as expired
	// Timeout of a request, the answer's body included. Default 30 s.
	Timeout time.Duration
	// Concurrency is how many requests may be under way at once. Default 4.
	Concurrency int
	// Rate is how many requests may be made in a second.
	Rate float64
	// Deduplicates: the vendor knows an event that it has had before by its id,
	// so that sending one again does no harm. Where it does not, what might
	// arrive twice is counted.
	Deduplicates bool
}

// Batch is what one request sends.
type Batch struct {
	Group  string
	Bodies [][]byte // of the events, as Project made them; at least one
}

// Response is a vendor's answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // at most MaxResponse bytes of it; never to be quoted
}

// MaxResponse is how much of an answer's body is read.
const MaxResponse = 256 << 10

// Sender sends a request of [Kind.Forget] with the runner's client: its time
// limit, its addresses, no redirects. Its errors do not quote the request.
type Sender func(*http.Request) (*Response, error)

// Answer is what an answer means.
type Answer struct {
	Verdict Verdict
	// Reason is a label for metrics, dead letters and the log: a word of a list
	// that is fixed, such as the vendor's error code; never a text of the vendor.
	Reason string
	// After, with Retry and Throttled, is how long to wait at least. Retry-After is
	// the runner's to read.
	After time.Duration
	// Refused, with Done, are the places in the batch of events that the vendor
	// did not take and never will.
	Refused []int
}

// Verdict is what becomes of a batch.
type Verdict uint8

// The verdicts.
const (
	// Done: the vendor has it.
	Done Verdict = iota
	// Retry: it may be taken another time.
	Retry
	// Permanent: it will never be taken. Of a batch of several the runner finds
	// out whose fault it is, by sending halves; a single event becomes a dead
	// letter.
	Permanent
	// Pause: nothing will be taken until an operator acts, as when a token was
	// revoked. Nothing is lost: the runner tells, keeps everything where it is,
	// and tries again now and then and whenever secrets were loaded again.
	Pause
	// Throttled: it will be taken later, and the recipient wants less until then.
	// It is not down.
	Throttled
)

// ByStatus is what a status means where a vendor does not say otherwise.
func ByStatus(r *Response) Answer {
	switch {
	case r.Status >= 200 && r.Status < 300:
		return Answer{Verdict: Done}
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		return Answer{Verdict: Pause, Reason: "unauthorised"}
	case r.Status == http.StatusNotFound, r.Status == http.StatusGone, r.Status == http.StatusMethodNotAllowed:
		return Answer{Verdict: Pause, Reason: "no_such_endpoint"}
	case r.Status >= 300 && r.Status < 400:
		return Answer{Verdict: Pause, Reason: "redirected"}
	case r.Status == http.StatusTooManyRequests:
		return Answer{Verdict: Throttled, Reason: "rate_limited"}
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly, r.Status == http.StatusMisdirectedRequest:
		return Answer{Verdict: Retry, Reason: "try_again"}
	case r.Status >= 400 && r.Status < 500:
		return Answer{Verdict: Permanent, Reason: "refused"}
	}
	return Answer{Verdict: Retry, Reason: "server_error"}
}

// ErrUnwanted: the vendor has no use for such an event. It is counted and left
// out.
var ErrUnwanted = errors.New("the recipient has no use for such an event")

// ErrWithheld: whatever the vendor is sent serves a purpose that was not granted
// for the event. It is counted as withheld, and left out.
var ErrWithheld = errors.New("what the recipient is sent serves a purpose that was refused")

// ErrPaused: nothing can be done before an operator acts.
var ErrPaused = errors.New("the recipient needs an operator")

// Unsendable says that an event lacks what the vendor takes none without, and will
// never have it: it is counted by this reason, a word of a list that is fixed, such as
// "no_client_id", and left out.
type Unsendable string

func (u Unsendable) Error() string { return "the vendor takes no such event: " + string(u) }

// Refusal says that an event cannot be sent as things are. It becomes a dead letter,
// to be driven again when they are otherwise, with this reason, a word of a list that
// is fixed, such as "no_stream".
type Refusal string

func (r Refusal) Error() string { return "the event cannot be sent: " + string(r) }
