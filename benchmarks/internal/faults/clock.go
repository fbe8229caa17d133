package faults

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A process's clock cannot be set apart from the machine's, and Go programs read
// it without a library that could be put in between. So the program is built
// with a standard library in which time.Now adds what a file says, which the
// process has mapped: a clock can jump while it runs. All else is as it is.

// clockVariable names the file in a process's environment.
const clockVariable = "FAULTS_CLOCK"

// The line of the standard library that is replaced, and what comes after.
const (
	clockLine = "\tsec, nsec, mono := runtimeNow()\n"
	clockSkew = clockLine + "\tsec += skew()\n"
	clockCode = `package time

import (
	"sync"
	"syscall"
)

var skewed struct {
	once sync.Once
	data []byte
}

// skew returns the seconds that the file named in the environment says.
func skew() int64 {
	skewed.once.Do(func() {
		name, found := syscall.Getenv("` + clockVariable + `")
		if !found {
			return
		}
		file, err := syscall.Open(name, syscall.O_RDONLY, 0)
		if err != nil {
			return
		}
		skewed.data, _ = syscall.Mmap(file, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
		syscall.Close(file)
	})
	var n uint64
	for i := 0; i < len(skewed.data); i++ {
		n |= uint64(skewed.data[i]) << (8 * i)
	}
	return int64(n)
}
`
)

// buildProgram builds sekisho with a clock that can be set.
func buildProgram(dir string) (string, error) {
	overlay, err := writeOverlay(dir)
	if err != nil {
		return "", fmt.Errorf("cannot build sekisho with a clock that can be set: %w", err)
	}
	path := filepath.Join(dir, "sekisho")
	out, err := exec.Command("go", "build", "-overlay", overlay, "-o", path, "sekisho/cmd/sekisho").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot build sekisho: %w\n%s", err, out)
	}
	return path, nil
}

func writeOverlay(dir string) (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	const at = "func Now() Time {\n"
	changed := strings.Replace(string(text), at+clockLine, at+clockSkew, 1)
	if changed == string(text) {
		return "", fmt.Errorf("%s is not as this program knows it", original)
	}
	replace := map[string]string{}
	for name, text := range map[string]string{"time.go": changed, "skew.go": clockCode} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(filepath.Dir(original), name)] = file
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

// clock is the clock of one process.
type clock struct{ file string }

func newClock(file string) (*clock, error) {
	c := &clock{file}
	return c, c.set(0)
}

// set has the clock go wrong by that much, from now on.
func (c *clock) set(by time.Duration) error {
	f, err := os.OpenFile(c.file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(int64(by/time.Second))), 0)
	return err
}
