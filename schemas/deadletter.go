package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DeadLetter says that a message of the events topic could not be stored, or
// not be sent to a recipient, and will not be tried again by itself. It is a
// message on the dead-letter topic: Key is the message's key, AppendJSON its
// value. Several letters of one key are one letter, and the last of them says
// whether it is settled: a message that fails again is a dead letter again.
//
// Only what was enforced may be in it, so Value is a record, as the events topic
// had it, and is checked against the resets again whenever it is read. Of a
// message that cannot be read as a record nothing is kept but where it is.
//
// In JSON: `{"schema":1,"topic":"…","partition":0,"offset":17,"recipient":"store",
// "reason":"refused","detail":"…","kind":"event","site":"…","type":"…","minute":…,
// "at":"…","expires":"…","settled":"redriven","value":{…}}`.
type DeadLetter struct {
	// Topic, Partition and Offset are where the message is, or was.
	Topic     string
	Partition int
	Offset    int64
	// Recipient for whom it was handled: the store or a third party.
	Recipient string
	Reason    DeadReason
	// Detail says more, for operators. It quotes nothing of the message.
	Detail string

	// Kind of the message (KindEvent or KindAccount), "" when it has none.
	Kind string
	// Site, Type and Minute (of the event's time, Unix) are the record's. They
	// are for counting, and unknown where there is no Value.
	Site   string
	Type   EventType
	Minute int64

	At      time.Time
	Expires time.Time // when it must not be read any more
	Settled Settlement
	Value   []byte // a record's JSON; nil of what is not one, and when settled
}

// DeadReason says why a message ended as a dead letter. The list is fixed:
// reasons are labels of metrics, and are only appended.
type DeadReason uint8

// The reasons.
const (
	// DeadUndecodable: it is no record or account of a schema that is known.
	DeadUndecodable DeadReason = iota
	// DeadRefused: the store or the recipient will not take it as it is.
	DeadRefused
	// DeadTooLate: the recipient takes no event that is so old.
	DeadTooLate
	// DeadExhausted: it was tried as often and as long as is allowed.
	DeadExhausted
	NumDeadReasons = iota
)

var deadReasonNames = [NumDeadReasons]string{"undecodable", "refused", "too_late", "exhausted"}

// String returns the reason's name in metrics and on the topic.
func (r DeadReason) String() string { return nameOf(deadReasonNames[:], r) }

// UnmarshalText accepts a reason's name.
func (r *DeadReason) UnmarshalText(text []byte) error {
	return parseName(deadReasonNames[:], text, r)
}

// MarshalText returns the reason's name.
func (r DeadReason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Settlement says what became of a dead letter.
type Settlement uint8

// The settlements.
const (
	// Unsettled: nothing yet.
	Unsettled Settlement = iota
	// Redriven: it was put on the events topic again, for its recipient.
	Redriven
	// Withdrawn: its recipient may not have it any more, by a reset, an opt-out
	// or the policy.
	Withdrawn
	NumSettlements = iota
)

var settlementNames = [NumSettlements]string{"unsettled", "redriven", "withdrawn"}

// String returns the settlement's name.
func (s Settlement) String() string { return nameOf(settlementNames[:], s) }

// UnmarshalText accepts a settlement's name.
func (s *Settlement) UnmarshalText(text []byte) error {
	return parseName(settlementNames[:], text, s)
}

// MarshalText returns the settlement's name.
func (s Settlement) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

type deadLetterJSON struct {
	Schema    int             `json:"schema"`
	Topic     string          `json:"topic"`
	Partition int             `json:"partition"`
	Offset    int64           `json:"offset"`
	Recipient string          `json:"recipient"`
	Reason    DeadReason      `json:"reason"`
	Detail    string          `json:"detail,omitempty"`
	Kind      string          `json:"kind,omitempty"`
	Site      string          `json:"site,omitempty"`
	Type      *EventType      `json:"type,omitempty"`
	Minute    int64           `json:"minute,omitempty"`
	At        time.Time       `json:"at"`
	Expires   time.Time       `json:"expires"`
	Settled   Settlement      `json:"settled"`
	Value     json.RawMessage `json:"value,omitempty"`
}

// Describe fills in what the letter says of the record in its Value. The record's
// memory may be used again afterwards.
func (l *DeadLetter) Describe(r *Record) {
	l.Kind, l.Site, l.Type, l.Minute = KindEvent, strings.Clone(r.Event.Get(Site)), r.Event.Type, MinuteOf(r.Event.Time)
}

// ID names the letter among all: topic, partition, offset and recipient.
func (l *DeadLetter) ID() string {
	return l.Topic + "/" + strconv.Itoa(l.Partition) + "/" + strconv.FormatInt(l.Offset, 10) + "/" + l.Recipient
}

// Key returns the key of the letter's message.
func (l *DeadLetter) Key() []byte { return []byte(l.ID()) }

// AppendJSON appends the letter's JSON form.
func (l *DeadLetter) AppendJSON(b []byte) []byte {
	j := deadLetterJSON{
		Schema: Version, Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Recipient: l.Recipient,
		Reason: l.Reason, Detail: l.Detail, Kind: l.Kind, Site: l.Site, Minute: l.Minute,
		At: l.At.UTC().Truncate(time.Millisecond), Expires: l.Expires.UTC().Truncate(time.Millisecond),
		Settled: l.Settled, Value: l.Value,
	}
	if l.Site != "" {
		j.Type = &l.Type
	}
	if !json.Valid(l.Value) {
		j.Value = nil // no record, so not to be kept
	}
	out, err := json.Marshal(j)
	if err != nil {
		panic(err) // only texts, numbers and times of this age are in it
	}
	return append(b, out...)
}

var errNotDeadLetter = errors.New("not a dead letter of this schema")

// DecodeDeadLetter reads the value of a message on the dead-letter topic. It
// does not look into the record.
func DecodeDeadLetter(value []byte) (DeadLetter, error) {
	var j deadLetterJSON
	if json.Unmarshal(value, &j) != nil {
		return DeadLetter{}, fmt.Errorf("cannot decode dead letter: %w", ErrNotJSON)
	}
	if j.Schema < 1 || j.Schema > Version || j.Topic == "" || j.Recipient == "" || j.Partition < 0 || j.Offset < 0 ||
		!isYear(j.At) || !isYear(j.Expires) {
		return DeadLetter{}, fmt.Errorf("cannot decode dead letter: %w", errNotDeadLetter)
	}
	l := DeadLetter{
		Topic: j.Topic, Partition: j.Partition, Offset: j.Offset, Recipient: j.Recipient,
		Reason: j.Reason, Detail: j.Detail, Kind: j.Kind, Site: j.Site, Minute: j.Minute,
		At: j.At, Expires: j.Expires, Settled: j.Settled, Value: j.Value,
	}
	if j.Type != nil {
		l.Type = *j.Type
	}
	return l, nil
}

// isYear reports whether the time is set and can be written in UTC.
func isYear(t time.Time) bool { return !t.IsZero() && t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 }
