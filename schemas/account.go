package schemas

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
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
	root, err := fastjson.ParseBytes(value)
	if err != nil {
		return fmt.Errorf("cannot decode account: %w", ErrNotJSON)
	}
	if root.GetInt("schema") < 1 || root.GetInt("schema") > Version {
		return fmt.Errorf("cannot decode account: %w", errNotAccount)
	}
	rows := root.GetArray("account")
	read := make(Account, len(rows))
	for _, row := range rows {
		cells, err := row.Array()
		if err != nil || len(cells) != 7 {
			return fmt.Errorf("cannot decode account: %w", errNotAccount)
		}
		var d Decision
		text := func(i int) []byte { raw, _ := cells[i].StringBytes(); return raw }
		minute, errMinute := cells[0].Int64()
		count, errCount := cells[6].Uint64()
		if errors.Join(errMinute, errCount, d.Read(text(2), text(4), text(5))) != nil {
			return fmt.Errorf("cannot decode account: %w", errNotAccount)
		}
		d.Minute, d.Site, d.Recipient = minute, string(text(1)), string(text(3))
		read[d] += count
	}
	for d, count := range read {
		a[d] += count
	}
	return nil
}

// MinuteOf returns the minute in which t lies, as [Decision] has it.
func MinuteOf(t time.Time) int64 { return t.Unix() - t.Unix()%60 }
