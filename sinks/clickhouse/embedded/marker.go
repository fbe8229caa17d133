package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// marker records in the data directory which engine its data was last opened
// with. ClickHouse reads the data of its older versions, not of newer ones.
type marker struct {
	Kind    engineKind `json:"engine"`
	Version string     `json:"version"`
}

func markerPath(dir string) string { return filepath.Join(dir, "engine.json") }

// readMarker returns the zero marker for a new data directory.
func readMarker(dir string) (marker, error) {
	var m marker
	b, err := os.ReadFile(markerPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("cannot read engine marker %q: %w", markerPath(dir), err)
	}
	return m, nil
}

// claim records in dir that the engine m is about to open its data, or says why
// it must not.
func (m marker) claim(dir string) error {
	old, err := readMarker(dir)
	if err != nil {
		return err
	}
	if old == m {
		return nil
	}
	if old.Kind != "" && old.Kind != m.Kind {
		return fmt.Errorf("the data in %q was made by a ClickHouse %s, not a %s: %s", dir, old.Kind, m.Kind, oldEngineHint)
	}
	if compareVersions(old.Version, m.Version) > 0 {
		return fmt.Errorf("the data in %q was made by ClickHouse %s, newer than this engine (%s): %s", dir, old.Version, m.Version, oldEngineHint)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return writeFileAtomic(markerPath(dir), b)
}

const oldEngineHint = "name that engine with embedded.clickhouse.library or embedded.clickhouse.binary, or choose another data directory"

// compareVersions compares dotted numbers; a missing or odd part counts as 0.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		if d := versionPart(as, i) - versionPart(bs, i); d != 0 {
			return d
		}
	}
	return 0
}

func versionPart(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, err := strconv.Atoi(parts[i])
	if err != nil {
		return 0
	}
	return n
}
