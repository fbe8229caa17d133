package schemas

import (
	"reflect"
	"testing"
)

// TestAnySignal: no signal goes unheard, whichever it is.
func TestAnySignal(t *testing.T) {
	if new(Signals).Any() {
		t.Error("there is a signal where there is none")
	}
	for i := range reflect.TypeFor[Signals]().NumField() {
		var s Signals
		reflect.ValueOf(&s).Elem().Field(i).SetString("0")
		if !s.Any() {
			t.Errorf("%s is not heard", reflect.TypeFor[Signals]().Field(i).Name)
		}
	}
}
