package embedded

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeClickHouse is a program that writes its arguments into a file and runs
// until it is asked to stop, as the server would.
const fakeClickHouse = `#!/bin/sh
if [ "$2" = --version ]; then echo "ClickHouse server version 26.7.2.1 (official build)."; exit; fi
trap 'echo stopped >> "$HOME/calls"; exit 0' TERM
echo "$@ watchdog=$CLICKHOUSE_WATCHDOG_ENABLE" >> "$HOME/calls"
while :; do sleep 0.02; done
`

func TestBinaryIsRunAndStopped(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(t.TempDir(), "clickhouse")
	if err := os.WriteFile(program, []byte(fakeClickHouse), 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, Command, string(kindBinary), program, dir)
	child.Env = append(os.Environ(), "HOME="+dir)
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	calls := func() string {
		b, _ := os.ReadFile(filepath.Join(dir, "calls"))
		return string(b)
	}
	want := "server --config-file=" + configPath(dir) + " watchdog=0\n"
	eventually(t, "the server was started", func() bool { return strings.HasSuffix(calls(), "\n") })
	if got := calls(); got != want {
		t.Errorf("called with %q, want %q", got, want)
	}
	stdin.Close()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	if got := calls(); got != want+"stopped\n" {
		t.Errorf("calls are %q, want a stop at the end", got)
	}
	if m, err := readMarker(dir); err != nil || m != (marker{kindBinary, "26.7.2.1"}) {
		t.Errorf("marker is %+v, %v", m, err)
	}
}

func TestFindEngine(t *testing.T) {
	bin, cache := t.TempDir(), t.TempDir()
	program := filepath.Join(bin, "clickhouse")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	pkg := packageOf(nil)
	if real, ok := pinnedPackage("linux", "amd64"); ok {
		pkg = real
	}
	library := filepath.Join(cache, "chdb-"+pkg.version+"-"+pkg.platform, "libchdb.so")
	if err := os.Mkdir(filepath.Dir(library), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(library, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(path, made string, o Options, want engine, wantErr string) {
		t.Helper()
		t.Setenv("PATH", path)
		o.Dir, o.CacheDir = t.TempDir(), cache
		if made != "" {
			if err := os.WriteFile(markerPath(o.Dir), []byte(made), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := findEngine(t.Context(), o)
		if wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), wantErr) {
				t.Errorf("engine: %v, want %q", err, wantErr)
			}
			return
		}
		if err != nil || got != want {
			t.Errorf("engine is %+v, %v, want %+v", got, err, want)
		}
	}
	byLibrary, byBinary := `{"engine":"library","version":"1"}`, `{"engine":"binary","version":"1"}`
	empty := t.TempDir()
	check(bin, "", Options{Library: library}, engine{kindLibrary, library}, "")
	check(empty, "", Options{Binary: program}, engine{kindBinary, program}, "")
	check(bin, "", Options{}, engine{kindBinary, program}, "")
	check(bin, byBinary, Options{}, engine{kindBinary, program}, "")
	check(bin, byLibrary, Options{}, engine{kindLibrary, library}, "")
	check(empty, "", Options{}, engine{kindLibrary, library}, "")
	check(empty, byBinary, Options{}, engine{}, "was made by a clickhouse binary")
	check(empty, "{", Options{}, engine{}, "cannot read engine marker")
	check(empty, "", Options{Library: empty}, engine{}, "is not a file")
}
