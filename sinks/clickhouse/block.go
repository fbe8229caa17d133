package clickhouse

import (
	"github.com/ClickHouse/ch-go/proto"

	"sekisho/schemas"
)

// block is events on their way to ClickHouse, which takes them column by column.
// Each is written straight into the connection's buffer. It is reused.
type block struct {
	events *events
	chosen []int32            // of the events, in the order of the rows
	has    []schemas.FieldSet // the fields of each
	fields schemas.FieldSet   // that any of them has
	input  proto.Input

	dictionary dictionary // of the column that is being written
}

func newBlock() *block {
	b := &block{}
	for i := range columns {
		b.input = append(b.input, proto.InputColumn{Name: columns[i].name, Data: &blockColumn{column: columns[i], number: i, block: b}})
	}
	return b
}

// begin makes the chosen events the rows of the block; none empties it.
func (b *block) begin(e *events, chosen []int32) {
	b.events, b.chosen, b.has, b.fields = e, chosen, b.has[:0], 0
	for _, i := range chosen {
		fields := e.list[i].fields
		b.has = append(b.has, fields)
		b.fields |= fields
	}
}

// size is about how many bytes the block takes, rather too many.
func (b *block) size() int {
	return (1 << 16) + 300*len(b.chosen) + b.events.size() // what is not text, and the lengths of texts
}

// zeros writes a value of so many bytes for each row.
func (b *block) zeros(to *proto.Buffer, size int) {
	to.Buf = append(to.Buf, make([]byte, size*len(b.chosen))...)
}

// blockColumn is a column of a block as the client asks for it.
type blockColumn struct {
	column
	number int
	block  *block
}

func (c *blockColumn) Type() proto.ColumnType        { return c.kind }
func (c *blockColumn) Rows() int                     { return len(c.block.chosen) }
func (c *blockColumn) EncodeColumn(to *proto.Buffer) { c.encode(c.block, to) }
func (c *blockColumn) WriteColumn(to *proto.Writer)  { to.ChainBuffer(c.EncodeColumn) }

// Infer is told the type of the table's column before the block is written.
// ClickHouse converts what is sent in another one.
func (c *blockColumn) Infer(kind proto.ColumnType) error {
	if texts := &columns[c.number]; texts.names != nil && kind == label {
		c.kind, c.encode = label, texts.names
	} else {
		c.column = *texts
	}
	return nil
}

// dictionary is a column of texts of which many are the same: each of them once,
// and its number in each row.
type dictionary struct {
	numbers map[string]uint32
	entries []string
	rows    []uint32
	last    string // text, and its number
	number  uint32
}

func (d *dictionary) reset() {
	clear(d.entries)
	clear(d.numbers)
	d.entries, d.rows, d.last, d.number = d.entries[:0], d.rows[:0], "", 0
}

func (d *dictionary) add(text string) {
	if text != d.last || len(d.entries) == 0 {
		d.number, d.last = d.find(text), text
	}
	d.rows = append(d.rows, d.number)
}

func (d *dictionary) find(text string) uint32 {
	number, ok := d.numbers[text]
	if !ok {
		if d.numbers == nil {
			d.numbers = map[string]uint32{}
		}
		number = uint32(len(d.entries))
		d.numbers[text] = number
		d.entries = append(d.entries, text)
	}
	return number
}

// encode writes the form that dictionaries have, this being the only one, the
// dictionary, and the numbers, which are as wide as they must be.
func (d *dictionary) encode(to *proto.Buffer) {
	to.PutInt64(1)
	if len(d.rows) == 0 {
		return
	}
	const ownKeys, renewed = 1 << 9, 1 << 10 // what all blocks are that come from clients
	width := proto.KeyUInt32
	switch {
	case len(d.entries) <= 1<<8:
		width = proto.KeyUInt8
	case len(d.entries) <= 1<<16:
		width = proto.KeyUInt16
	}
	to.PutInt64(ownKeys | renewed | int64(width))
	to.PutInt64(int64(len(d.entries)))
	for _, text := range d.entries {
		to.PutString(text)
	}
	to.PutInt64(int64(len(d.rows)))
	for _, n := range d.rows {
		switch width {
		case proto.KeyUInt8:
			to.Buf = append(to.Buf, byte(n))
		case proto.KeyUInt16:
			to.Buf = append(to.Buf, byte(n), byte(n>>8))
		default:
			to.PutUInt32(n)
		}
	}
}
