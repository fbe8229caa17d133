package schemas

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Decision is what was decided about some events of one kind, for one
// recipient. Recipient "" is the gateway as a whole: every received event is
// in exactly one decision for it, so received = allowed + anonymised + dropped
// + rejected.
type Decision struct {
	Minute    int64 // Unix time of the minute of receipt
	Site      string
	Type      EventType
	Recipient string
	Outcome   Outcome
	Reason    Reason
}

// Read sets the type, the outcome and the reason from their names.
func (d *Decision) Read(kind, outcome, reason []byte) error {
	var errType error
	if string(kind) == unknownTypeName {
		d.Type = UnknownType
	} else {
		errType = d.Type.UnmarshalText(kind)
	}
	return errors.Join(errType, d.Outcome.UnmarshalText(outcome), d.Reason.UnmarshalText(reason))
}

// Account is the value of an account record: how many events had which
// decision. It travels on the events topic in the same Kafka batch as the
// events it counts, so that both are there or neither is; it names no event.
//
// In JSON: `{"schema":1,"account":[[minute,site,type,recipient,outcome,reason,count],…]}`.
type Account map[Decision]uint64

// Names of the headers of messages on the events topic, and of their kinds.
const (
	HeaderKind   = "sekisho-kind"   // KindEvent or KindAccount
	HeaderSchema = "sekisho-schema" // Version, in decimal
	HeaderBatch  = "sekisho-batch"  // of an account: 16 random bytes, the same for every copy of it
	HeaderLetter = "sekisho-letter" // of a record that was driven again: its dead letter; no account counts it again
	KindEvent    = "event"
	KindAccount  = "account"
)

// AppendJSON appends the account's JSON form.
func (a Account) AppendJSON(b []byte) []byte {
	b = append(b, `{"schema":`...)
	b = strconv.AppendInt(b, Version, 10)
	b = append(b, `,"account":[`...)
	for d, count := range a {
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendInt(b, d.Minute, 10)
		for _, text := range [...]string{d.Site, d.Type.String(), d.Recipient, d.Outcome.String(), d.Reason.String()} {
			b = append(b, ',')
			b = appendString(b, text)
		}
		b = append(b, ',')
		b = strconv.AppendUint(b, count, 10)
		b = append(b, ']')
	}
	return append(b, "]}"...)
}

var errNotAccount = errors.New("not an account of this schema")

// Add reads an account record's value and adds its counts to a.
func (a Account) Add(value []byte) error {
	var t tape
	if err := t.scan(value, math.MaxInt); err != nil {
		return fmt.Errorf("cannot decode account: %w", err)
	}
	read, ok := t.account()
	if !ok {
		return fmt.Errorf("cannot decode account: %w", errNotAccount)
	}
	for d, count := range read {
		a[d] += count
	}
	return nil
}

func (t *tape) account() (read Account, ok bool) {
	version, rows := uint64(0), 0
	if t.kind(0) == isObject {
		for at, end := t.inside(0); at < end; at = t.after(at + 1) {
			switch t.name(at) {
			case "schema":
				version, _ = t.count(at + 1)
			case "account":
				rows = at + 1
			}
		}
	}
	if version < 1 || version > Version {
		return nil, false
	}
	read = make(Account)
	if rows == 0 || t.kind(rows) != isArray {
		return read, true
	}
	for row, end := t.inside(rows); row < end; row = t.after(row) {
		cell, end := t.inside(row)
		if t.kind(row) != isArray || end-cell != 7 || t.kind(cell) != isNumeric {
			return nil, false
		}
		minute, err := strconv.ParseInt(t.number(cell), 10, 64)
		site, isSite := t.text(cell + 1)
		recipient, isRecipient := t.text(cell + 3)
		count, isCount := t.count(cell + 6)
		var d Decision
		if err != nil || !isSite || !isRecipient || !isCount || d.Read(t.bytes(cell+2), t.bytes(cell+4), t.bytes(cell+5)) != nil {
			return nil, false
		}
		d.Minute, d.Site, d.Recipient = minute, strings.Clone(site), strings.Clone(recipient)
		read[d] += count
	}
	return read, true
}

// MinuteOf returns the minute in which t lies, as [Decision] has it.
func MinuteOf(t time.Time) int64 { return t.Unix() - t.Unix()%60 }
