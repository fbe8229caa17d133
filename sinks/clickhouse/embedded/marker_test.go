package embedded

import (
	"os"
	"strings"
	"testing"
)

func TestMarkerClaim(t *testing.T) {
	check := func(old string, m marker, want string) {
		t.Helper()
		dir := t.TempDir()
		if old != "" {
			if err := os.WriteFile(markerPath(dir), []byte(old), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := m.claim(dir)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v on %s: %v, want %q", m, old, err, want)
			}
			return
		}
		if err != nil {
			t.Errorf("%+v on %s: %v", m, old, err)
		}
		if got, err := readMarker(dir); got != m || err != nil {
			t.Errorf("marker is %+v, %v, want %+v", got, err, m)
		}
	}
	this := marker{kindLibrary, "26.7.3"}
	check("", this, "")
	check(`{"engine":"library","version":"26.7.3"}`, this, "")
	check(`{"engine":"library","version":"26.5.10"}`, this, "")
	check(`{"engine":"library","version":"26.7"}`, this, "")
	check(`{"engine":"library","version":"26.7.3.1"}`, this, "newer than this engine")
	check(`{"engine":"library","version":"26.10.1"}`, this, "newer than this engine")
	check(`{"engine":"binary","version":"26.7.3"}`, this, "was made by a ClickHouse binary, not a library")
	check(`{"engine":`, this, "cannot read engine marker")
}
