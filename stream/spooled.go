package stream

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// spooled is a batch as the spool has it, with its accounts. In bytes, where
// numbers are varints and texts have their length before them:
//
//	form (1) · size in Kafka
//	id and time of the batch's own account; zeros when it has none
//	the accounts that it carries for others: id, time, events, JSON
//	the different decisions: minute, site, type, recipient, outcome, reason
//	the decisions, each by its place among those
//	the records: time, lengths of key and value, key, value, number of decisions
//	before its own and of its own, its hashes (16 bytes each)
type spooled struct {
	batch batch
	own   account // without its value, which the decisions make
	owed  []account
}

const spooledForm = 1

// accounts returns the accounts as they are to be written.
func (s *spooled) accounts() []account {
	if len(s.batch.decisions) == 0 {
		return s.owed
	}
	counts := schemas.Account{}
	s.batch.count(counts)
	return append(s.owed, account{id: s.own.id, time: s.own.time, value: counts.AppendJSON(nil), total: total(counts)})
}

// appendSpooled appends a batch's bytes.
func appendSpooled(b []byte, from *batch, owed []account, own account) []byte {
	size := from.size
	for i := range owed {
		size += len(owed[i].value)
	}
	b = append(b, spooledForm)
	b = binary.AppendUvarint(b, uint64(size))
	b = append(b, own.id[:]...)
	b = binary.AppendVarint(b, unix(own.time))
	b = binary.AppendUvarint(b, uint64(len(owed)))
	for i := range owed {
		b = append(b, owed[i].id[:]...)
		b = binary.AppendVarint(b, unix(owed[i].time))
		b = binary.AppendUvarint(b, owed[i].total)
		b = appendText(b, owed[i].value)
	}
	b = appendDecisions(b, from.decisions)
	b = binary.AppendUvarint(b, uint64(len(from.records)))
	for _, r := range from.records {
		b = binary.AppendVarint(b, r.time.UnixMilli())
		b = binary.AppendUvarint(b, uint64(r.value-r.key))
		b = binary.AppendUvarint(b, uint64(r.end-r.value))
		b = append(b, from.bytes[r.key:r.end]...)
		b = binary.AppendUvarint(b, uint64(r.decisions))
		b = binary.AppendUvarint(b, uint64(r.decisionsEnd-r.decisions))
		b = binary.AppendUvarint(b, uint64(r.hashesEnd-r.hashes))
		for _, h := range from.hashes[r.hashes:r.hashesEnd] {
			b = append(b, h[:]...)
		}
	}
	return b
}

func appendDecisions(b []byte, all []schemas.Decision) []byte {
	place := make(map[schemas.Decision]int, 16)
	var different []schemas.Decision
	for _, d := range all {
		if _, ok := place[d]; !ok {
			place[d] = len(different)
			different = append(different, d)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(different)))
	for _, d := range different {
		b = binary.AppendVarint(b, d.Minute)
		for _, text := range [...]string{d.Site, d.Type.String(), d.Recipient, d.Outcome.String(), d.Reason.String()} {
			b = appendText(b, text)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, d := range all {
		b = binary.AppendUvarint(b, uint64(place[d]))
	}
	return b
}

func appendText[T string | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// unix is 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// decodeSpooled reads a batch's bytes, which it keeps.
func decodeSpooled(data []byte) (*spooled, error) {
	in := reader{rest: data}
	s := &spooled{}
	form := in.bytes(1)
	if in.bad || form[0] != spooledForm {
		return nil, errSpooled
	}
	s.batch.size = in.number(1 << 30)
	s.own.id = uuid.UUID(in.id())
	s.own.time = time.Unix(in.varint(), 0)
	for range in.number(len(in.rest)) {
		a := account{id: uuid.UUID(in.id()), time: time.Unix(in.varint(), 0)}
		a.total = in.uvarint()
		a.value = in.text()
		s.owed = append(s.owed, a)
	}
	s.batch.decisions = in.decisions()
	s.batch.bytes = data
	for range in.number(len(in.rest)) {
		r := record{time: time.UnixMilli(in.varint())}
		key := in.number(len(in.rest))
		value := in.number(len(in.rest))
		r.key = len(data) - len(in.rest)
		r.value = r.key + key
		r.end = r.value + value
		in.bytes(key + value)
		r.decisions = in.number(len(s.batch.decisions))
		r.decisionsEnd = r.decisions + in.number(len(s.batch.decisions)-r.decisions)
		r.hashes = len(s.batch.hashes)
		for range in.number(len(in.rest) / 16) {
			s.batch.hashes = append(s.batch.hashes, in.id())
		}
		r.hashesEnd = len(s.batch.hashes)
		s.batch.records = append(s.batch.records, r)
	}
	if in.bad || len(in.rest) > 0 {
		return nil, errSpooled
	}
	return s, nil
}
