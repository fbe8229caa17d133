package schemas

import (
	"encoding"
	"fmt"
	"os"
	"strings"
	"testing"
)

// testNames checks that each value of an enumeration has a name of its own,
// which is read back as that value.
func testNames[E ~uint8, P interface {
	*E
	fmt.Stringer
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}](t *testing.T, count int) {
	t.Helper()
	seen := map[string]bool{}
	for i := range count {
		e, back := E(i), E(count)
		text, err := P(&e).MarshalText()
		if err != nil || P(&back).UnmarshalText(text) != nil || back != e || seen[string(text)] || string(text) != P(&e).String() {
			t.Errorf("%T %d: %q, %v, read back as %d", e, i, text, err, uint8(back))
		}
		seen[string(text)] = true
	}
	beyond, back := E(count), E(1)
	unknown := fmt.Sprintf("unknown(%d)", count)
	if got := P(&beyond).String(); got != unknown {
		t.Errorf("%T %d: got %s", beyond, count, got)
	}
	for _, text := range []string{"", unknown, "0", "Allowed", "ALLOWED", " allowed", "taro@shop.example"} {
		err := P(&back).UnmarshalText([]byte(text))
		if err == nil || back != 1 || strings.Contains(err.Error(), "taro") {
			t.Errorf("%T: %q: got %d, %v", back, text, uint8(back), err)
		}
	}
}

func TestNames(t *testing.T) {
	testNames[Category](t, NumCategories)
	testNames[Purpose](t, NumPurposes)
	testNames[Outcome](t, NumOutcomes)
	testNames[Reason](t, NumReasons)
	testNames[EventType](t, NumEventTypes)
	testNames[PropertyKind](t, len(propertyKindNames))
}

// What version 1 wrote is read for ever: its names keep their numbers, and its
// fields their order, category and kind. New ones are appended, to the file
// too; see package model.
func TestModelKeepsItsPromises(t *testing.T) {
	promised, err := os.ReadFile("testdata/model.v1.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	list := func(what string, names []string) {
		for i, name := range names {
			fmt.Fprintf(&b, "%s %d %s\n", what, i, name)
		}
	}
	list("category", categoryNames[:])
	list("purpose", purposeNames[:])
	list("outcome", outcomeNames[:])
	list("reason", reasonNames[:])
	list("type", eventTypeNames[:])
	for f := Field(0); f < NumFields; f++ {
		d := f.Definition()
		fmt.Fprintf(&b, "field %d %s %s kind %d\n", f, d.Name, d.Category, d.Kind)
	}
	if got := b.String(); got != string(promised) {
		t.Errorf("the model is not what testdata/model.v1.txt promises; got\n%s", got)
	}
}
