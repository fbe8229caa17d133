//go:build differential

package tcf

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// These tests need node and npm, and get the IAB's official library:
//
//	go test -tags differential -run Differential ./enforcer/tcf
var (
	differentialCount = flag.Int("differential.count", 5000, "number of random strings")
	differentialSeed  = flag.Int("differential.seed", 1, "which random strings")
)

// library installs the official library, and the scripts that use it, in a
// directory of its own.
func library(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("differential")); err != nil {
		t.Fatal(err)
	}
	npm := exec.Command("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	return dir
}

// node runs a script, and calls each with every line of its output.
func node(t *testing.T, dir string, stdin io.Reader, each func(line []byte), args ...string) {
	t.Helper()
	args[0] = filepath.Join(dir, args[0])
	cmd := exec.Command("node", args...)
	cmd.Stdin, cmd.Stderr = stdin, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		each(lines.Bytes())
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
}

// Each string that the library writes is read as the library reads it.
func TestDifferentialWritten(t *testing.T) {
	var c Consent
	n := 0
	node(t, library(t), nil, func(line []byte) {
		var sample struct {
			TCString string
			Decoded  json.RawMessage
		}
		if err := json.Unmarshal(line, &sample); err != nil {
			t.Fatal(err)
		}
		n++
		if err := Decode(&c, sample.TCString); err != nil {
			t.Errorf("%s: %v", sample.TCString, err)
			return
		}
		sameJSON(t, sample.TCString, &c, sample.Decoded)
		saysWhatItIs(t, sample.TCString, &c)
	}, "generate.mjs", strconv.Itoa(*differentialSeed), strconv.Itoa(*differentialCount))
	if n != *differentialCount {
		t.Errorf("%d strings instead of %d", n, *differentialCount)
	}
}

// Strings with a few bits changed: what is accepted here is read as the
// library reads it, unless the library does not read it at all.
func TestDifferentialChanged(t *testing.T) {
	dir := library(t)
	random := rand.New(rand.NewPCG(uint64(*differentialSeed), 0))
	var changed []string
	node(t, dir, nil, func(line []byte) {
		var sample struct{ TCString string }
		if err := json.Unmarshal(line, &sample); err != nil {
			t.Fatal(err)
		}
		s := []byte(sample.TCString)
		for range 1 + random.IntN(3) {
			if i := random.IntN(min(len(s), 100)); s[i] != '.' {
				s[i] = alphabet[indexOf(s[i])^1<<random.IntN(6)]
			}
		}
		changed = append(changed, string(s))
	}, "generate.mjs", strconv.Itoa(*differentialSeed+1), strconv.Itoa(*differentialCount))

	var c Consent
	var accepted, refusedByBoth int
	refused := map[error]int{} // only here
	rest := changed
	node(t, dir, strings.NewReader(strings.Join(changed, "\n")+"\n"), func(line []byte) {
		var answer struct {
			Decoded json.RawMessage
			Error   string
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Fatal(err)
		}
		s := rest[0]
		rest = rest[1:]
		switch err := Decode(&c, s); {
		case err != nil && answer.Error != "":
			refusedByBoth++
		case err != nil:
			refused[err]++
		case answer.Error != "":
			if !libraryRefuses(&c) {
				t.Errorf("%s: only refused by the library: %s", s, answer.Error)
			}
		case !libraryReadsMore(&c):
			accepted++
			sameJSON(t, s, &c, answer.Decoded)
		}
	}, "read.mjs")
	t.Logf("%d accepted by both and alike, %d refused by both, only refused here: %v", accepted, refusedByBoth, refused)
	if len(rest) != 0 || accepted < len(changed)/10 {
		t.Errorf("%d strings without an answer, %d compared", len(rest), accepted)
	}
}

// libraryRefuses reports whether the string is one that the library refuses
// and this package takes: with a segment of a new type, with no registered
// platform, which is for Usable to say, or with a restriction of no defined kind.
func libraryRefuses(c *Consent) bool {
	for _, kind := range c.segments[:c.count] {
		if kind > segmentPublisher {
			return true
		}
	}
	for _, r := range c.restrictions {
		if r.purpose == 0 || r.kind == undefinedKind {
			return true
		}
	}
	return c.CMP() < 2
}

// libraryReadsMore reports whether the library takes something else from the
// string by design: ids above the highest, and restrictions of one kind put together.
func libraryReadsMore(c *Consent) bool {
	for _, v := range []*vendors{&c.vendorConsent, &c.vendorInterest, &c.disclosed, &c.allowed} {
		for _, s := range v.list.in(c.spans).spans {
			if s.last() > v.max {
				return true
			}
		}
	}
	seen := map[[2]byte]bool{}
	for _, r := range c.restrictions {
		key := [2]byte{byte(r.purpose), byte(r.kind)}
		if seen[key] || r.vendors.start == r.vendors.end {
			return true
		}
		seen[key] = true
	}
	return false
}
