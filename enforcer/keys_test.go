package enforcer

import (
	"slices"
	"strings"
	"testing"

	"sekisho/schemas"
)

// TestPseudonymsUnderEveryKey: what was stored under an earlier key is covered
// by a reset too.
func TestPseudonymsUnderEveryKey(t *testing.T) {
	key := func(id, secret string, previous ...*Keys) *Keys {
		t.Helper()
		k, err := NewKeys(id, []byte(strings.Repeat(secret, MinSecret)), previous...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	old, older := key("k2", "b"), key("k1", "a")
	now := key("k3", "c", old, older)
	want := []string{
		string(now.AppendPseudonym(nil, schemas.VisitorID, "v")),
		string(old.AppendPseudonym(nil, schemas.VisitorID, "v")),
		string(older.AppendPseudonym(nil, schemas.VisitorID, "v")),
	}
	if got := now.Pseudonyms(schemas.VisitorID, "v"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := now.Pseudonyms(schemas.UserID, "v"); got[0] == want[0] || got[1] == want[1] {
		t.Error("another kind of identifier has the same pseudonyms")
	}
}

// TestReplaced: who has not been given the newer key is known by the resets of who
// has; who is about to have it, or has it, or a later one alone, is not taken for that.
func TestReplaced(t *testing.T) {
	key := func(id string, previous ...*Keys) *Keys {
		t.Helper()
		k, err := NewKeys(id, []byte(strings.Repeat(id, MinSecret)), previous...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	one, two := key("k1"), key("k2")
	prepared, rotated := key("k1", two), key("k2", one)
	check := func(what string, want bool, k, maker *Keys) {
		t.Helper()
		if got := k.Replaced(maker.Pseudonyms(schemas.VisitorID, "v")); got != want {
			t.Errorf("%s: got %t", what, got)
		}
	}
	check("the old key alone", true, one, rotated)
	check("the old key with an older one", true, key("k1", key("k0")), key("k2", one, key("k0")))
	check("the same key", false, one, one)
	check("one who is prepared, by one who has it", false, prepared, rotated)
	check("one who has it, by one who is prepared", false, rotated, prepared)
	check("one who is not prepared, by one who is", false, one, prepared)
	check("one who has it, by one who has not", false, rotated, one)
	check("a later key alone", false, key("k3"), rotated)
	if one.Replaced(nil) {
		t.Error("a reset without pseudonyms replaces a key")
	}
}
