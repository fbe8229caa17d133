package clickhouse

import (
	"encoding/binary"
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
		column{name: "properties", kind: "Map(String, String)", encode: (*block).textProperties},
		column{name: "properties_number", kind: "Map(String, Float64)", encode: (*block).numberProperties},
		said("outcome", func(row *event) string { return row.outcome.String() }),
		said("reason", func(row *event) string { return row.reason.String() }),
		said("policy", func(row *event) string { return row.policy }),
		said("jurisdiction", func(row *event) string { return row.jurisdiction }),
		column{name: "purposes", kind: "Array(String)", encode: (*block).purposes},
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
	values := &b.events.values[f]
	for _, i := range b.chosen {
		putText(to, values.text(i))
	}
}

func putText(to *proto.Buffer, text string) {
	to.Buf = append(binary.AppendUvarint(to.Buf, uint64(len(text))), text...)
}

// names are texts of which many are the same.
func (b *block) names(to *proto.Buffer, f schemas.Field) {
	values := &b.events.values[f]
	b.dictionary.reset()
	for _, i := range b.chosen {
		b.dictionary.add(values.text(i))
	}
	b.dictionary.encode(to)
}

// said is a column of what the enforcer said.
func said(name string, text func(*event) string) column {
	return column{
		name: name, kind: "String",
		encode: func(b *block, to *proto.Buffer) {
			for _, i := range b.chosen {
				putText(to, text(&b.events.list[i]))
			}
		},
		names: func(b *block, to *proto.Buffer) {
			b.dictionary.reset()
			for _, i := range b.chosen {
				b.dictionary.add(text(&b.events.list[i]))
			}
			b.dictionary.encode(to)
		},
	}
}

// nulls says of which rows the field is NULL; their values follow.
func (b *block) nulls(to *proto.Buffer, f schemas.Field) {
	for _, fields := range b.has {
		to.PutBool(!fields.Has(f))
	}
}

func (b *block) wholeNumbers(to *proto.Buffer, f schemas.Field) {
	b.nulls(to, f)
	if !b.fields.Has(f) {
		b.zeros(to, 4)
		return
	}
	for _, i := range b.chosen {
		to.PutUInt32(uint32(b.events.values[f].number(i)))
	}
}

// money are numbers of 128 bits.
func (b *block) money(to *proto.Buffer, f schemas.Field) {
	b.nulls(to, f)
	if !b.fields.Has(f) {
		b.zeros(to, 16)
		return
	}
	for _, i := range b.chosen {
		amount := b.events.values[f].number(i)
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
	end := uint64(0)
	for _, i := range b.chosen {
		end += uint64(len(b.events.list[i].purposeNames()))
		to.PutUInt64(end)
	}
	for _, i := range b.chosen {
		for _, name := range b.events.list[i].purposeNames() {
			putText(to, name)
		}
	}
}

func (row *event) purposeNames() []string { return purposeNames[row.purposes&schemas.AllPurposes] }

var purposeNames = func() (names [schemas.NumPurposeSets][]string) {
	for set := range names {
		names[set] = schemas.Purposes(set).Names()
	}
	return names
}()
