package clickhouse

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// event is a row to be: what the store may have of a record. What is in its fields
// is in the events' values.
type event struct {
	eventKey
	time         int64            // Unix milliseconds
	fields       schemas.FieldSet // that it has
	textual      span             // properties
	numeric      span             // likewise
	outcome      schemas.Outcome
	reason       schemas.Reason
	purposes     schemas.Purposes
	policy       string
	jurisdiction string
	message      int32 // of the run that brought it
	stored       bool  // it is in ClickHouse already
}

// span is a range of the events' properties.
type span struct{ from, to int32 }

// eventKey is what makes two events the same one. The client makes the id, so
// an id alone is not enough: one site's must not suppress another's event.
type eventKey struct {
	site string
	kind schemas.EventType
	id   uuid.UUID
}

// events are the events of a run, each once, decoded. They are reused from run
// to run.
type events struct {
	list       []event
	values     [schemas.NumFields]values
	textual    []property[string]
	numeric    []property[float64]
	index      map[eventKey]int32
	duplicates int // within the run

	names   map[string]string // texts that many events have, each once
	arena   []byte            // of other texts
	decoder schemas.RecordDecoder
	record  schemas.Record
}

// maxKept is the most bytes of texts for which memory is kept for later runs, about
// those of two: runs in which now this field is large and now that one must not add up.
// maxNames is of how many names the map is kept.
const (
	maxKept  = 64 << 20
	maxNames = 1 << 12
)

func (e *events) reset() {
	kept := 0
	for f := range e.values {
		kept += cap(e.values[f].texts)
	}
	if kept > maxKept {
		for f := range e.values {
			e.values[f].shrink()
		}
	}
	if len(e.names) > maxNames {
		e.names = make(map[string]string)
	}
	clear(e.list) // let go of the arenas before the last
	clear(e.textual)
	clear(e.numeric)
	if e.index == nil {
		e.index, e.names = make(map[eventKey]int32), make(map[string]string)
	}
	clear(e.index)
	clear(e.names)
	for f := range e.values {
		e.values[f].reset()
	}
	e.list, e.textual, e.numeric, e.arena = e.list[:0], e.textual[:0], e.numeric[:0], e.arena[:0]
	e.duplicates = 0
}

var errTime = errors.New("the record's time cannot be stored: it is not between 1900 and 2261")

// earliest and latest bound what DateTime64 and the client can hold.
var (
	earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

// decode decodes a record, which is valid until the next one is decoded. It is
// nil when the store may have nothing of it.
func (e *events) decode(value []byte) (*schemas.Record, error) {
	if err := e.decoder.Decode(value, &e.record); err != nil {
		return nil, err
	}
	if _, _, ok := e.record.For(policy.Store); !ok {
		return nil, nil
	}
	return &e.record, nil
}

// add keeps what the store may have of a record, which the run's i-th message
// brought, unless it has been given the event already.
func (e *events) add(r *schemas.Record, i int) error {
	fields, categories, _ := r.For(policy.Store)
	if r.Event.Time.Before(earliest) || !r.Event.Time.Before(latest) {
		return errTime
	}
	id, err := uuid.Parse(r.Event.Get(schemas.ID))
	if err != nil {
		return err // not reached: the decoder has checked it
	}
	key := eventKey{site: r.Event.Get(schemas.Site), kind: r.Event.Type, id: id}
	if _, again := e.index[key]; again {
		e.duplicates++
		return nil
	}
	key.site = e.name(key.site)
	n := len(e.list)
	e.index[key] = int32(n)
	row := event{
		eventKey: key, time: r.Event.Time.UnixMilli(), fields: fields,
		outcome: r.Outcome, reason: r.Reason, purposes: r.Purposes,
		policy: e.name(r.Policy), jurisdiction: e.name(r.Jurisdiction), message: int32(i),
	}
	for f := range fields.Each {
		e.values[f].put(n, f, r.Event.Get(f))
	}
	row.textual.from, row.numeric.from = int32(len(e.textual)), int32(len(e.numeric))
	for i := range r.Event.Properties {
		if categories.Has(r.PropertyCategories[i]) {
			e.addProperty(&r.Event.Properties[i], &row)
		}
	}
	row.textual.to, row.numeric.to = int32(len(e.textual)), int32(len(e.numeric))
	e.list = append(e.list, row)
	return nil
}

// text returns the field's text, and whether the i-th event has it.
func (e *events) text(i int32, f schemas.Field) (string, bool) {
	if !e.list[i].fields.Has(f) {
		return "", false
	}
	return e.values[f].text(i), true
}

// size returns how many bytes the texts and the properties of the events have.
func (e *events) size() (n int) {
	for f := range e.values {
		n += len(e.values[f].texts)
	}
	const lengths, float = 4, 8
	for i := range e.textual {
		n += len(e.textual[i].name) + len(e.textual[i].value) + lengths
	}
	for i := range e.numeric {
		n += len(e.numeric[i].name) + float + lengths
	}
	return n
}

// sort brings chosen events into the order in which the table has them, so that
// ClickHouse need not move what it is sent.
func (e *events) sort(chosen []int32) {
	slices.SortFunc(chosen, func(i, j int32) int {
		a, b := &e.list[i], &e.list[j]
		switch {
		case a.site != b.site:
			return strings.Compare(a.site, b.site)
		case a.kind != b.kind:
			return strings.Compare(a.kind.String(), b.kind.String())
		case a.time != b.time:
			return cmp.Compare(a.time, b.time)
		}
		return cmp.Or(bytes.Compare(a.id[8:], b.id[8:]), bytes.Compare(a.id[:8], b.id[:8])) // ClickHouse's order of UUIDs
	})
}

// missing returns those of the chosen events that are not in ClickHouse.
func (e *events) missing(chosen []int32) []int32 {
	var list []int32
	for _, i := range chosen {
		if !e.list[i].stored {
			list = append(list, i)
		}
	}
	return list
}

// months returns the events that are not in ClickHouse yet, by month: the
// table's partitions, across which an insert is not atomic.
func (e *events) months() map[string][]int32 {
	byMonth := map[string][]int32{}
	month, from, to := "", int64(0), int64(0)
	for i := range e.list {
		row := &e.list[i]
		if row.stored {
			continue
		}
		if row.time < from || row.time >= to {
			t := time.UnixMilli(row.time).UTC()
			start := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
			month, from, to = start.Format("200601"), start.UnixMilli(), start.AddDate(0, 1, 0).UnixMilli()
		}
		byMonth[month] = append(byMonth[month], int32(i))
	}
	return byMonth
}

// name keeps a text that many events have.
func (e *events) name(text string) string {
	kept, ok := e.names[text]
	if !ok {
		kept = e.keep(text)
		e.names[kept] = kept
	}
	return kept
}

// keep copies a text to the arena. When that is full another takes its place;
// texts that were kept before stay where they are.
func (e *events) keep(text string) string {
	if len(text) > cap(e.arena)-len(e.arena) {
		e.arena = make([]byte, 0, max(2*cap(e.arena), len(text), 1<<16))
	}
	start := len(e.arena)
	e.arena = append(e.arena, text...)
	return unsafe.String(unsafe.SliceData(e.arena[start:]), len(text))
}
