package schemas

import "math/bits"

// Field is a field of the event model; its number is its place in
// [Event] and its bit in a [FieldSet]. Numbers never change.
type Field uint8

// Definition is what the model says of a field.
type Definition struct {
	Name      string // key in JSON, column in ClickHouse
	Category  Category
	Kind      Kind
	Max       float64 // longest text in bytes, or largest number
	Anonymous Anonymous
	Doc       string
}

// maxText returns the longest text in bytes, 0 when the kind alone limits it.
func (d *Definition) maxText() int {
	if d.Kind.Numeric() {
		return maxNumberText
	}
	return int(d.Max)
}

// Definition returns what the model says of the field.
func (f Field) Definition() *Definition { return &definitions[f] }

// String returns the field's name.
func (f Field) String() string { return definitions[f].Name }

// FieldNamed returns the field with the name, if there is one.
func FieldNamed(name []byte) (Field, bool) { return fieldNamed(share(name)) }

func fieldNamed(name string) (Field, bool) {
	if len(name) == 0 {
		return 0, false
	}
	f := fieldsByName.fields[fieldsByName.place(name)]
	return f, definitions[f].Name == name
}

// fieldsByName has each field at a place of its own, which three letters of its
// name and the length give: a map takes three times as long, and there are some
// twenty names in an event.
var fieldsByName = func() (n fieldNames) {
	for n.factor = 1; !n.fill(); n.factor += 2 {
	}
	return n
}()

type fieldNames struct {
	factor uint32
	fields [512]Field
}

func (n *fieldNames) place(name string) uint32 {
	last := len(name) - 1
	letters := uint32(name[0]) | uint32(name[last/2])<<8 | uint32(name[last])<<16 | uint32(last)<<24
	return letters * n.factor >> (32 - 9)
}

// fill reports whether no two fields have the same place.
func (n *fieldNames) fill() bool {
	n.fields = [512]Field{}
	for f := range definitions {
		at := &n.fields[n.place(definitions[f].Name)]
		if *at != 0 {
			return false
		}
		*at = Field(f)
	}
	return true
}

// Kind is what a field's text must look like.
type Kind uint8

// The kinds; package model describes them.
const (
	KindUUID Kind = iota
	KindType
	KindTimestamp
	KindIdentifier
	KindName
	KindURI
	KindText
	KindInteger
	KindDecimal
)

// Numeric reports whether the kind is a number in JSON.
func (k Kind) Numeric() bool { return k == KindInteger || k == KindDecimal }

// Anonymous is what an anonymised event keeps of a field.
type Anonymous uint8

// What is kept; package model describes it.
const (
	AnonymousNothing Anonymous = iota
	AnonymousKeep
	AnonymousAddress
	AnonymousOrigin
	AnonymousFamily
	AnonymousPrimary
	AnonymousCampaign
)

// FieldSet is a set of fields, one bit each.
type FieldSet uint64

// SetOf returns the set of the given fields.
func SetOf(fields ...Field) (set FieldSet) {
	for _, f := range fields {
		set |= 1 << f
	}
	return set
}

// Has reports whether f is in the set.
func (s FieldSet) Has(f Field) bool { return s&(1<<f) != 0 }

// Len returns the number of fields in the set.
func (s FieldSet) Len() int { return bits.OnesCount64(uint64(s)) }

// Each calls yield for each field of the set, in the model's order; it serves
// as a range function.
func (s FieldSet) Each(yield func(Field) bool) {
	for rest := uint64(s); rest != 0; rest &= rest - 1 {
		if !yield(Field(bits.TrailingZeros64(rest))) {
			return
		}
	}
}

// Names returns the names of the fields in the set.
func (s FieldSet) Names() []string {
	names := make([]string, 0, s.Len())
	for f := range s.Each {
		names = append(names, f.String())
	}
	return names
}

// FieldsIn returns the fields whose category is in the set.
func FieldsIn(categories Categories) FieldSet { return fieldsByCategories[categories] }

var fieldsByCategories = func() (table [int(AllCategories) + 1]FieldSet) {
	for set := range table {
		for f := range definitions {
			if Categories(set).Has(definitions[f].Category) {
				table[set] |= 1 << f
			}
		}
	}
	return table
}()

// Identifiers are the fields that single out a terminal or a user.
var Identifiers = func() (set FieldSet) {
	for f := range definitions {
		if definitions[f].Kind == KindIdentifier {
			set |= 1 << f
		}
	}
	return set
}()
