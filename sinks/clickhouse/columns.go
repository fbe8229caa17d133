package clickhouse

import (
	"math"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"sekisho/schemas"
)

// label is the type of texts with a dictionary.
const label = "LowCardinality(String)"

// column is a column of the events table: the type in which it is sent, and how
// its values are written.
type column struct {
	name   string
	kind   proto.ColumnType
	encode func(*block, *proto.Buffer)
	names  func(*block, *proto.Buffer) // of a text: likewise, with a dictionary
}

// columns are those of the events table: one for each field of the model, and
// what the enforcer said.
var columns = func() (list []column) {
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		list = append(list, columnOf(f))
	}
	return append(list,
		column{name: "properties", kind: "Map(" + label + ", String)", encode: (*block).textProperties},
		column{name: "properties_number", kind: "Map(" + label + ", Float64)", encode: (*block).numberProperties},
		column{name: "outcome", kind: label, encode: labels(func(row *event) string { return row.outcome.String() })},
		column{name: "reason", kind: label, encode: labels(func(row *event) string { return row.reason.String() })},
		column{name: "policy", kind: label, encode: labels(func(row *event) string { return row.policy })},
		column{name: "jurisdiction", kind: label, encode: labels(func(row *event) string { return row.jurisdiction })},
		column{name: "purposes", kind: "Array(" + label + ")", encode: (*block).purposes},
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

// columnOf writes a field as its kind asks for. Which texts have a dictionary
// the table says.
func columnOf(f schemas.Field) column {
	name := f.String()
	switch f.Definition().Kind {
	case schemas.KindUUID:
		return column{name: name, kind: "UUID", encode: (*block).ids}
	case schemas.KindTimestamp:
		return column{name: name, kind: "DateTime64(3, 'UTC')", encode: (*block).times}
	case schemas.KindInteger:
		return column{name: name, kind: "Nullable(UInt32)", encode: func(b *block, to *proto.Buffer) { b.wholeNumbers(to, f) }}
	case schemas.KindDecimal:
		return column{name: name, kind: "Nullable(Decimal(19, 6))", encode: func(b *block, to *proto.Buffer) { b.money(to, f) }}
	default:
		return column{
			name: name, kind: "String",
			encode: func(b *block, to *proto.Buffer) { b.texts(to, f) },
			names:  func(b *block, to *proto.Buffer) { b.names(to, f) },
		}
	}
}

// ids are two numbers of 64 bits each.
func (b *block) ids(to *proto.Buffer) {
	for _, i := range b.chosen {
		id := &b.events.list[i].id
		for _, half := range [][]byte{id[:8], id[8:]} {
			to.Buf = append(to.Buf, half[7], half[6], half[5], half[4], half[3], half[2], half[1], half[0])
		}
	}
}

func (b *block) times(to *proto.Buffer) {
	for _, i := range b.chosen {
		to.PutInt64(b.events.list[i].time)
	}
}

func (b *block) texts(to *proto.Buffer, f schemas.Field) {
	if !b.fields.Has(f) {
		b.zeros(to, 1) // empty texts
		return
	}
	for i := range b.rows {
		to.PutString(b.text(i, f))
	}
}

// names are texts of which many are the same.
func (b *block) names(to *proto.Buffer, f schemas.Field) {
	b.dictionary.reset()
	for i := range b.rows {
		b.dictionary.add(b.text(i, f))
	}
	putDictionaries(to)
	b.dictionary.encode(to)
}

func labels(label func(*event) string) func(*block, *proto.Buffer) {
	return func(b *block, to *proto.Buffer) {
		b.dictionary.reset()
		for _, i := range b.chosen {
			b.dictionary.add(label(&b.events.list[i]))
		}
		putDictionaries(to)
		b.dictionary.encode(to)
	}
}

// nulls says of which rows the field is NULL; their values follow.
func (b *block) nulls(to *proto.Buffer, f schemas.Field) {
	for i := range b.rows {
		to.PutBool(!b.rows[i].fields.Has(f))
	}
}

func (b *block) wholeNumbers(to *proto.Buffer, f schemas.Field) {
	b.nulls(to, f)
	if !b.fields.Has(f) {
		b.zeros(to, 4)
		return
	}
	for i := range b.rows {
		n, _ := strconv.ParseUint(b.text(i, f), 10, 32) // checked with the field; 0 of none
		to.PutUInt32(uint32(n))
	}
}

// money are numbers of 128 bits.
func (b *block) money(to *proto.Buffer, f schemas.Field) {
	b.nulls(to, f)
	if !b.fields.Has(f) {
		b.zeros(to, 16)
		return
	}
	for i := range b.rows {
		amount := int64(0)
		if text := b.text(i, f); text != "" {
			amount = millionths(text)
		}
		to.PutInt64(amount)
		to.PutInt64(amount >> 63)
	}
}

// millionths reads a decimal of the model, 0 to a billion thousand, and rounds
// it to a millionth, exactly where it is written without an exponent.
func millionths(text string) int64 {
	whole, fraction, _ := strings.Cut(text, ".")
	digits := (fraction + "0000000")[:7]
	n, errWhole := strconv.ParseInt(whole, 10, 64)
	part, errPart := strconv.ParseUint(digits, 10, 32)
	if errWhole != nil || errPart != nil || strings.ContainsAny(text, "eE") {
		f, _ := strconv.ParseFloat(text, 64) // checked with the field
		return int64(math.Round(f * 1e6))
	}
	return n*1e6 + int64(part+5)/10
}

// purposes are lists: where each ends, and then what is in all of them.
func (b *block) purposes(to *proto.Buffer) {
	putDictionaries(to)
	b.dictionary.reset()
	end := uint64(0)
	for _, i := range b.chosen {
		names := purposeNames[b.events.list[i].purposes&schemas.AllPurposes]
		for _, name := range names {
			b.dictionary.add(name)
		}
		end += uint64(len(names))
		to.PutUInt64(end)
	}
	b.dictionary.encode(to)
}

var purposeNames = func() (names [schemas.NumPurposeSets][]string) {
	for set := range names {
		names[set] = schemas.Purposes(set).Names()
	}
	return names
}()

// textProperties are the texts, "true" and "false", and a number too large to
// be one.
func (b *block) textProperties(to *proto.Buffer) {
	b.properties(to, func(p schemas.Property) bool { return !isNumber(p) })
	for _, p := range b.values {
		to.PutString(p.Text)
	}
}

func (b *block) numberProperties(to *proto.Buffer) {
	b.properties(to, isNumber)
	for _, p := range b.values {
		n, _ := number(p)
		to.PutFloat64(n)
	}
}

// properties writes a map: where each row's ends, and then the keys of all of
// them, those of properties that are wanted. Their values, which are to follow,
// are in b.values. Of properties of one name a row has the last.
func (b *block) properties(to *proto.Buffer, wanted func(schemas.Property) bool) {
	putDictionaries(to)
	b.dictionary.reset()
	b.values = b.values[:0]
	for _, i := range b.chosen {
		first := len(b.values)
		for _, p := range b.events.propertiesOf(&b.events.list[i]) {
			if wanted(p) {
				b.values = appendProperty(b.values, first, p)
			}
		}
		for _, p := range b.values[first:] {
			b.dictionary.add(p.Name)
		}
		to.PutUInt64(uint64(len(b.values)))
	}
	b.dictionary.encode(to)
}

// appendProperty appends one of a row, whose others begin at first.
func appendProperty(list []schemas.Property, first int, p schemas.Property) []schemas.Property {
	for i := first; i < len(list); i++ {
		if list[i].Name == p.Name {
			list[i] = p
			return list
		}
	}
	return append(list, p)
}

func (e *events) propertiesOf(row *event) []schemas.Property {
	return e.properties[row.properties.from:row.properties.to]
}

// isNumber reports whether the property is one that number reads. One of so few
// digits is not too large.
func isNumber(p schemas.Property) bool {
	if p.Kind == schemas.PropertyNumber && len(p.Text) < 300 && !strings.ContainsAny(p.Text, "eE") {
		return true
	}
	_, ok := number(p)
	return ok
}

func number(p schemas.Property) (float64, bool) {
	if p.Kind != schemas.PropertyNumber {
		return 0, false
	}
	n, err := strconv.ParseFloat(p.Text, 64)
	return n, err == nil
}
