package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// engineKind says how an engine is run.
type engineKind string

const (
	kindLibrary engineKind = "library" // libchdb, loaded into the child
	kindBinary  engineKind = "binary"  // clickhouse server, run by the child
)

type engine struct {
	kind engineKind
	path string
}

// findEngine decides which engine opens the data directory, fetching the pinned
// library if there is no other.
func findEngine(ctx context.Context, o Options) (engine, error) {
	if o.Library != "" && o.Binary != "" {
		return engine{}, errors.New("embedded.clickhouse.library and embedded.clickhouse.binary are both set: choose one")
	}
	if o.Library != "" {
		path, err := regularFile(o.Library)
		if err != nil {
			return engine{}, fmt.Errorf("cannot use embedded.clickhouse.library: %w", err)
		}
		return engine{kindLibrary, path}, nil
	}
	if o.Binary != "" {
		path, err := lookBinary(o.Binary)
		if err != nil {
			return engine{}, fmt.Errorf("cannot use embedded.clickhouse.binary: %w", err)
		}
		return engine{kindBinary, path}, nil
	}

	made, err := readMarker(o.Dir)
	if err != nil {
		return engine{}, err
	}
	if made.Kind != kindLibrary {
		path, err := lookBinary("clickhouse")
		if err == nil {
			return engine{kindBinary, path}, nil
		}
		if made.Kind == kindBinary {
			return engine{}, fmt.Errorf("the data in %q was made by a clickhouse binary: %w; name one with embedded.clickhouse.binary", o.Dir, err)
		}
	}

	pkg, ok := pinnedPackage(runtime.GOOS, runtime.GOARCH)
	if !ok {
		return engine{}, fmt.Errorf("cannot fetch ClickHouse: no build is pinned for %s/%s; %s", runtime.GOOS, runtime.GOARCH, otherWays)
	}
	path, err := fetchLibrary(ctx, o.CacheDir, pkg, o.Progress)
	if err != nil {
		return engine{}, fmt.Errorf("cannot fetch ClickHouse: %w; install npm and retry with a network, or %s", err, otherWays)
	}
	return engine{kindLibrary, path}, nil
}

const otherWays = "name a library file (embedded.clickhouse.library) or a clickhouse binary (embedded.clickhouse.binary), or name a server (clickhouse.addresses)"

func lookBinary(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

func regularFile(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%q is not a file", path)
	}
	return path, nil
}
