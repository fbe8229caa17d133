package role

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/ingest"
	"sekisho/schemas"
)

// TestReplacedKeyIsNoticed: who was not given the key that replaced its own makes no
// resets, which would not reach what is stored under the new one, and says so.
func TestReplacedKeyIsNoticed(t *testing.T) {
	t.Parallel()
	hasher, err := registry.NewHasher([]byte(strings.Repeat("r", registry.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	known := enforcer.NewResets(hasher)
	key := func(id string, previous ...*enforcer.Keys) *enforcer.Keys {
		t.Helper()
		k, err := enforcer.NewKeys(id, []byte(strings.Repeat(id, enforcer.MinSecret)), previous...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	one, two := key("k1"), key("k2")
	check := func(what, want string, keys *enforcer.Keys, makers ...*enforcer.Keys) {
		t.Helper()
		w := &keyWatch{registry: known, keys: keys}
		for _, maker := range makers {
			reset := ingest.ResetOf(known, maker, schemas.VisitorID, "v", time.Now())
			w.see(&reset)
		}
		err := w.Err()
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrOtherKey) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", what, err, want)
		}
	}
	rotated, prepared := key("k2", one), key("k1", two)
	check("behind", "replaced by another ("+two.Name()+")", one, one, rotated)
	check("behind, as another is", "replaced by another ("+two.Name()+")", one, rotated, one)
	check("prepared", "", prepared, one, prepared, rotated)
	check("rotated", "", rotated, one, prepared, rotated)
}
