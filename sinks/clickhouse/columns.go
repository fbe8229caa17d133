package clickhouse

import (
	"math"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"sekisho/schemas"
)

// column is a column of the events table and how it is filled: values returns
// the slice that the client takes for it, valid until the next call.
type column struct {
	name   string
	values func(*scratch, *events, []int32) any
}

// scratch holds one column's values at a time.
type scratch struct {
	texts    []string
	times    []int64
	ids      []uuid.UUID
	integers []uint32
	numbers  []*uint32
	decimals []decimal.Decimal
	amounts  []*decimal.Decimal
	lists    [][]string
	maps     []map[string]string
	floats   []map[string]float64
}

// columns are those of the events table: one for each field of the model, and
// what the enforcer said.
var columns = func() (list []column) {
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		list = append(list, column{f.String(), valuesOf(f)})
	}
	return append(list,
		column{"properties", textProperties},
		column{"properties_number", numberProperties},
		column{"outcome", textsBy(func(row *event) string { return row.outcome.String() })},
		column{"reason", textsBy(func(row *event) string { return row.reason.String() })},
		column{"policy", textsBy(func(row *event) string { return row.policy })},
		column{"jurisdiction", textsBy(func(row *event) string { return row.jurisdiction })},
		column{"purposes", purposes},
	)
}()

// columnNames lists them as a statement does.
var columnNames = func() string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
	}
	return strings.Join(names, ", ")
}()

// fill appends the chosen events to the batch, column by column.
func (s *scratch) fill(batch interface {
	Column(i int) driver.BatchColumn
}, e *events, chosen []int32) error {
	for i := range columns {
		if err := batch.Column(i).Append(columns[i].values(s, e, chosen)); err != nil {
			return err
		}
	}
	return nil
}

// valuesOf fills a field's column, as its kind asks for.
func valuesOf(f schemas.Field) func(*scratch, *events, []int32) any {
	switch f.Definition().Kind {
	case schemas.KindUUID:
		return ids
	case schemas.KindTimestamp:
		return times
	case schemas.KindInteger:
		return func(s *scratch, e *events, chosen []int32) any { return s.wholeNumbers(e, chosen, f) }
	case schemas.KindDecimal:
		return func(s *scratch, e *events, chosen []int32) any { return s.money(e, chosen, f) }
	default:
		return func(s *scratch, e *events, chosen []int32) any {
			s.texts = s.texts[:0]
			for _, i := range chosen {
				text, _ := e.text(&e.list[i], f)
				s.texts = append(s.texts, text)
			}
			return s.texts
		}
	}
}

func ids(s *scratch, e *events, chosen []int32) any {
	s.ids = s.ids[:0]
	for _, i := range chosen {
		s.ids = append(s.ids, e.list[i].id)
	}
	return s.ids
}

func times(s *scratch, e *events, chosen []int32) any {
	s.times = s.times[:0]
	for _, i := range chosen {
		s.times = append(s.times, e.list[i].time)
	}
	return s.times
}

func textsBy(text func(*event) string) func(*scratch, *events, []int32) any {
	return func(s *scratch, e *events, chosen []int32) any {
		s.texts = s.texts[:0]
		for _, i := range chosen {
			s.texts = append(s.texts, text(&e.list[i]))
		}
		return s.texts
	}
}

// wholeNumbers points into integers, which must not move meanwhile.
func (s *scratch) wholeNumbers(e *events, chosen []int32, f schemas.Field) any {
	s.integers, s.numbers = grow(s.integers, len(chosen)), s.numbers[:0]
	for _, i := range chosen {
		var number *uint32
		if text, ok := e.text(&e.list[i], f); ok {
			n, _ := strconv.ParseUint(text, 10, 32) // checked with the field
			s.integers = append(s.integers, uint32(n))
			number = &s.integers[len(s.integers)-1]
		}
		s.numbers = append(s.numbers, number)
	}
	return s.numbers
}

func (s *scratch) money(e *events, chosen []int32, f schemas.Field) any {
	s.decimals, s.amounts = grow(s.decimals, len(chosen)), s.amounts[:0]
	for _, i := range chosen {
		var amount *decimal.Decimal
		if text, ok := e.text(&e.list[i], f); ok {
			s.decimals = append(s.decimals, decimal.New(millionths(text), -6))
			amount = &s.decimals[len(s.decimals)-1]
		}
		s.amounts = append(s.amounts, amount)
	}
	return s.amounts
}

// grow returns the slice emptied, with room for n.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, 0, n)
	}
	return s[:0]
}

// millionths reads a decimal of the model, 0 to a billion thousand, and rounds
// it to a millionth, exactly where it is written without an exponent.
func millionths(text string) int64 {
	whole, fraction, _ := strings.Cut(text, ".")
	digits := (fraction + "0000000")[:7]
	n, errWhole := strconv.ParseInt(whole, 10, 64)
	part, errPart := strconv.ParseUint(digits, 10, 32)
	if errWhole != nil || errPart != nil {
		f, _ := strconv.ParseFloat(text, 64) // checked with the field
		return int64(math.Round(f * 1e6))
	}
	return n*1e6 + int64(part+5)/10
}

func purposes(s *scratch, e *events, chosen []int32) any {
	s.lists = s.lists[:0]
	for _, i := range chosen {
		s.lists = append(s.lists, purposeNames[e.list[i].purposes&schemas.AllPurposes])
	}
	return s.lists
}

var purposeNames = func() (names [schemas.NumPurposeSets][]string) {
	for set := range names {
		names[set] = schemas.Purposes(set).Names()
	}
	return names
}()

// textProperties are the texts, "true" and "false", and a number too large to
// be one.
func textProperties(s *scratch, e *events, chosen []int32) any {
	s.maps = s.maps[:0]
	for _, i := range chosen {
		var m map[string]string
		for _, p := range e.propertiesOf(&e.list[i]) {
			if _, ok := number(p); !ok {
				if m == nil {
					m = map[string]string{}
				}
				m[p.Name] = p.Text
			}
		}
		s.maps = append(s.maps, m)
	}
	return s.maps
}

func numberProperties(s *scratch, e *events, chosen []int32) any {
	s.floats = s.floats[:0]
	for _, i := range chosen {
		var m map[string]float64
		for _, p := range e.propertiesOf(&e.list[i]) {
			if n, ok := number(p); ok {
				if m == nil {
					m = map[string]float64{}
				}
				m[p.Name] = n
			}
		}
		s.floats = append(s.floats, m)
	}
	return s.floats
}

func (e *events) propertiesOf(row *event) []schemas.Property {
	return e.properties[row.properties.from:row.properties.to]
}

func number(p schemas.Property) (float64, bool) {
	if p.Kind != schemas.PropertyNumber {
		return 0, false
	}
	n, err := strconv.ParseFloat(p.Text, 64)
	return n, err == nil
}
