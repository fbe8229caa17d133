package clickhouse

import (
	"strconv"

	"github.com/ClickHouse/ch-go/proto"

	"sekisho/schemas"
)

// property is a property as the store has it: a text or a number.
type property[V string | float64] struct {
	name  string
	value V
}

// addProperty keeps a property of the row: as a number if it is one, and else, being
// a text, "true" or "false", or a number too large to be one, as a text.
func (e *events) addProperty(p *schemas.Property, row *event) {
	if value, ok := number(p); ok {
		e.numeric = withProperty(e.numeric, row.numeric.from, e.name(p.Name), value)
	} else {
		e.textual = withProperty(e.textual, row.textual.from, e.name(p.Name), e.keep(p.Text))
	}
}

// withProperty appends a property of the row whose first one is given. Of those of one
// name a row has the last.
func withProperty[V string | float64](list []property[V], first int32, name string, value V) []property[V] {
	for i := int(first); i < len(list); i++ {
		if list[i].name == name {
			list[i].value = value
			return list
		}
	}
	return append(list, property[V]{name, value})
}

func number(p *schemas.Property) (float64, bool) {
	if p.Kind != schemas.PropertyNumber {
		return 0, false
	}
	n, err := strconv.ParseFloat(p.Text, 64)
	return n, err == nil
}

func (b *block) textProperties(to *proto.Buffer) {
	putMap(b, to, b.events.textual, func(row *event) span { return row.textual }, func(text string) { putText(to, text) })
}

func (b *block) numberProperties(to *proto.Buffer) {
	putMap(b, to, b.events.numeric, func(row *event) span { return row.numeric }, to.PutFloat64)
}

// putMap writes a map: where each row's ends, and then the keys of all of them, and
// their values.
func putMap[V string | float64](b *block, to *proto.Buffer, all []property[V], of func(*event) span, put func(V)) {
	end := uint64(0)
	for _, i := range b.chosen {
		s := of(&b.events.list[i])
		end += uint64(s.to - s.from)
		to.PutUInt64(end)
	}
	for _, i := range b.chosen {
		s := of(&b.events.list[i])
		for _, p := range all[s.from:s.to] {
			putText(to, p.name)
		}
	}
	for _, i := range b.chosen {
		s := of(&b.events.list[i])
		for _, p := range all[s.from:s.to] {
			put(p.value)
		}
	}
}
