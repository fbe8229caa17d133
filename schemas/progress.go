package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Progress says how far resets have come with one recipient: all those at the
// offsets From to To, To excluded, of the resets topic. It is a message on the
// progress topic: Key is the message's key, AppendJSON its value.
//
// In JSON: `{"schema":1,"recipient":"store","from":0,"to":7,"state":"done","at":"…"}`,
// with a "reason" where there is one.
type Progress struct {
	// Recipient is the store, where done means erased, or a third party.
	Recipient string
	From, To  int64
	State     ProgressState
	// At is when the state was reached.
	At time.Time
	// Reason is for the operator: what keeps it from being done, and what to do. It
	// names things of the deployment and nothing of users; often it is empty.
	Reason string
}

// ProgressState is what has become of a reset with a recipient.
type ProgressState uint8

// The states.
const (
	// Asked: the recipient was asked and has not finished yet.
	Asked ProgressState = iota
	// Done: nothing there can be tied to the identifier any more, as far as
	// the recipient says.
	Done
	// Unsupported: the recipient cannot be asked to forget.
	Unsupported
	// Failed: the recipient refused, or could not be asked in time.
	Failed
	// Partial: the recipient was asked, and may have more of the user under names of
	// its own that nothing here leads to from the identifier.
	Partial
	numProgressStates = iota
)

var progressStateNames = [numProgressStates]string{"asked", "done", "unsupported", "failed", "partial"}

// String returns the state's name in tickets.
func (s ProgressState) String() string { return nameOf(progressStateNames[:], s) }

// UnmarshalText accepts a state's name.
func (s *ProgressState) UnmarshalText(text []byte) error {
	return parseName(progressStateNames[:], text, s)
}

// MarshalText returns the state's name.
func (s ProgressState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

type progressJSON struct {
	Schema    int           `json:"schema"`
	Recipient string        `json:"recipient"`
	From      int64         `json:"from"`
	To        int64         `json:"to"`
	State     ProgressState `json:"state"`
	At        time.Time     `json:"at"`
	Reason    string        `json:"reason,omitempty"`
}

// Key returns the key of the message: a later report that begins at the same
// offset replaces an earlier one.
func (p *Progress) Key() []byte {
	key := strconv.AppendInt(append([]byte(p.Recipient), '/'), p.From, 10)
	if p.Reason != "" { // it takes the place of nothing that was reached
		key = append(key, "/held"...)
	}
	return key
}

// AppendJSON appends the JSON form.
func (p *Progress) AppendJSON(b []byte) []byte {
	out, err := json.Marshal(progressJSON{Version, p.Recipient, p.From, p.To, p.State, p.At.UTC().Truncate(time.Millisecond), p.Reason})
	if err != nil {
		panic(err) // only strings, numbers and a time of this age are in it
	}
	return append(b, out...)
}

var errNotProgress = errors.New("not a report of this schema")

// DecodeProgress reads the value of a message on the progress topic.
func DecodeProgress(value []byte) (Progress, error) {
	var in progressJSON
	if json.Unmarshal(value, &in) != nil {
		return Progress{}, fmt.Errorf("cannot decode progress: %w", ErrNotJSON)
	}
	if in.Schema < 1 || in.Schema > Version || in.Recipient == "" || in.From < 0 || in.To <= in.From || in.At.IsZero() {
		return Progress{}, fmt.Errorf("cannot decode progress: %w", errNotProgress)
	}
	return Progress{Recipient: in.Recipient, From: in.From, To: in.To, State: in.State, At: in.At, Reason: in.Reason}, nil
}
