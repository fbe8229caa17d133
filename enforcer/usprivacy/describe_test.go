package usprivacy

import (
	"encoding/json"
	"testing"
)

func TestDescribe(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		s, err := Decode(in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(s.Describe())
		if err != nil || string(got) != want {
			t.Errorf("%q: got %s, %v; want %s", in, got, err, want)
		}
	}
	check("1YYN", `{"Version":1,"Notice":"Y","OptOutSale":"Y","LspaCovered":"N"}`)
	check("1---", `{"Version":1,"Notice":"-","OptOutSale":"-","LspaCovered":"-"}`)
	check("1yyn", `{"Version":1,"Notice":"Y","OptOutSale":"Y","LspaCovered":"N"}`)
}
