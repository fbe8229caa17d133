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
