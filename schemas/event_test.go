package schemas

import (
	"reflect"
	"testing"
)

func TestEventSetUnset(t *testing.T) {
	var e Event
	e.Set(Title, "")
	e.Set(Value, "1")
	if !e.Fields.Has(Title) || e.Get(Value) != "1" || e.Fields.Len() != 2 {
		t.Errorf("after Set: %v", e.Fields.Names())
	}
	e.Unset(Value)
	e.Unset(Value)
	if e.Fields.Has(Value) || e.Get(Value) != "" || e.text[Value] != "" {
		t.Error("Unset leaves the text")
	}
}

// Reset leaves nothing of the event behind, not even out of sight.
func TestEventReset(t *testing.T) {
	var e Event
	for f := Field(0); f < NumFields; f++ {
		e.Set(f, "taro")
	}
	e.Properties = append(e.Properties, Property{Name: "p", Text: "taro"})
	e.Consent.Signals.TCF = "taro"
	e.Reset()
	hidden := e.Properties[:1][0]
	e.Properties = nil
	if !reflect.DeepEqual(e, Event{}) || hidden != (Property{}) {
		t.Errorf("left: %+v, %+v", e, hidden)
	}
}

func TestFieldSets(t *testing.T) {
	var all FieldSet
	for c := Category(0); c < NumCategories; c++ {
		in := FieldsIn(CategoriesOf(c))
		if in&all != 0 || in == 0 {
			t.Errorf("%s: a field has two categories, or none has this one", c)
		}
		for f := range in.Each {
			if f.Definition().Category != c {
				t.Errorf("%s is not %s", f, c)
			}
		}
		all |= in
	}
	if all.Len() != NumFields || FieldsIn(AllCategories) != all || FieldsIn(0) != 0 {
		t.Errorf("%d fields have a category", all.Len())
	}
	for f := Field(0); f < NumFields; f++ {
		if got, ok := FieldNamed([]byte(f.String())); !ok || got != f {
			t.Errorf("%s is found as %d", f, got)
		}
		if Identifiers.Has(f) && f.Definition().Anonymous != AnonymousNothing {
			t.Errorf("an anonymised event would keep %s", f)
		}
	}
	if _, ok := FieldNamed([]byte("email")); ok {
		t.Error("there is a field for e-mail addresses")
	}
	for range SetOf(ID, Type).Each {
		break // Each must stop here
	}
	if got := PurposesOf(Necessary, Social).Names(); !reflect.DeepEqual(got, []string{"necessary", "social"}) {
		t.Error(got)
	}
}
