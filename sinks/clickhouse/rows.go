package clickhouse

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"sekisho/schemas"
)

// rowReader reads rows of the events table, selected by columnNames, back as
// the records that they came from. Of those it lacks what the store has not:
// the grants, and which category a property has.
type rowReader struct {
	id                   uuid.UUID
	time                 time.Time
	texts                [schemas.NumFields]string
	integers             [schemas.NumFields]*uint32
	decimals             [schemas.NumFields]*decimal.Decimal
	textual              map[string]string
	numeric              map[string]float64
	outcome, reason      string
	policy, jurisdiction string
	purposes             []string
	into                 []any
}

func newRowReader() *rowReader {
	r := &rowReader{}
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		switch f.Definition().Kind {
		case schemas.KindUUID:
			r.into = append(r.into, &r.id)
		case schemas.KindTimestamp:
			r.into = append(r.into, &r.time)
		case schemas.KindInteger:
			r.into = append(r.into, &r.integers[f])
		case schemas.KindDecimal:
			r.into = append(r.into, &r.decimals[f])
		default:
			r.into = append(r.into, &r.texts[f])
		}
	}
	r.into = append(r.into, &r.textual, &r.numeric, &r.outcome, &r.reason, &r.policy, &r.jurisdiction, &r.purposes)
	return r
}

// read reads the row into the record.
func (r *rowReader) read(rows driver.Rows, record *schemas.Record) error {
	r.textual, r.numeric, r.purposes = nil, nil, nil
	if err := rows.Scan(r.into...); err != nil {
		return err
	}
	*record = schemas.Record{Policy: r.policy, Jurisdiction: r.jurisdiction}
	e := &record.Event
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		if text := r.text(f); text != "" {
			e.Set(f, text)
		}
	}
	e.Time = r.time
	for _, name := range slices.Sorted(maps.Keys(r.textual)) {
		e.Properties = append(e.Properties, schemas.Property{Name: name, Text: r.textual[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(r.numeric)) {
		text := strconv.FormatFloat(r.numeric[name], 'g', -1, 64)
		e.Properties = append(e.Properties, schemas.Property{Name: name, Kind: schemas.PropertyNumber, Text: text})
	}
	for _, name := range r.purposes {
		var p schemas.Purpose
		if err := p.UnmarshalText([]byte(name)); err != nil {
			return err
		}
		record.Purposes |= schemas.PurposesOf(p)
	}
	if err := e.Type.UnmarshalText([]byte(e.Get(schemas.Type))); err != nil {
		return err
	}
	if err := record.Outcome.UnmarshalText([]byte(r.outcome)); err != nil {
		return err
	}
	return record.Reason.UnmarshalText([]byte(r.reason))
}

// text returns the field's text, "" when the row has none.
func (r *rowReader) text(f schemas.Field) string {
	switch f.Definition().Kind {
	case schemas.KindUUID:
		return r.id.String()
	case schemas.KindTimestamp:
		return string(schemas.FormatTime(nil, r.time))
	case schemas.KindInteger:
		if n := r.integers[f]; n != nil {
			return strconv.FormatUint(uint64(*n), 10)
		}
		return ""
	case schemas.KindDecimal:
		if d := r.decimals[f]; d != nil {
			return d.String()
		}
		return ""
	}
	return r.texts[f]
}
