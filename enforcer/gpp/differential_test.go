//go:build differential

package gpp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// What the IAB's own library writes, or wrote in older versions, is read here
// as it was meant, field by field; and of strings that were changed, whatever
// is accepted here is read by the library in the same way. The test needs node
// and npm, and fetches the library.
func TestDifferential(t *testing.T) {
	const seed, strings = 20260301, 5000
	dir := t.TempDir()
	for _, name := range []string{"package.json", "generate.mjs"} {
		text, err := os.ReadFile(filepath.Join("differential", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
	lines := bufio.NewScanner(bytes.NewReader(run(t, dir, "node", "generate.mjs", strconv.Itoa(seed), strconv.Itoa(strings))))
	lines.Buffer(nil, 1<<24)
	count := map[string]int{}
	for lines.Scan() {
		var line differentialLine
		if err := json.Unmarshal(tcStringAsField(lines.Bytes()), &line); err != nil {
			t.Fatal(err)
		}
		line.compare(t, count)
	}
	if lines.Err() != nil || count["encoded strings"] != strings || count["mutant strings"] != strings ||
		count["encoded sections refused"]+count["older sections refused"] > strings/500 {
		t.Fatalf("%v, %v", count, lines.Err())
	}
	t.Logf("%v", count)
}

type differentialLine struct {
	Kind    string
	GPP     string
	Decoded *struct {
		SectionIDs []int
		Sections   map[string]map[string]any
	}
}

func (l *differentialLine) compare(t *testing.T, count map[string]int) {
	count[l.Kind+" strings"]++
	var g String
	if err := Decode(&g, l.GPP); err != nil {
		count[l.Kind+" strings refused"]++
		if l.Kind != "mutant" {
			t.Errorf("%s: %v", l.GPP, err)
		}
		return
	}
	text := marshal(t, g.Describe(func(s string) (any, error) { return map[string]string{"raw": s}, nil }))
	described := plain(t, text).(map[string]any)["sections"].(map[string]any)
	for i := range g.Sections() {
		s := &g.Sections()[i]
		if s.Malformed != 0 {
			count[l.Kind+" sections refused"]++
			// A few Canadian sections can be read in two ways, and the library
			// takes whichever it tries first.
			if l.Kind != "mutant" && (s.ID != TCFCAv1 || s.Malformed != ErrAmbiguous) {
				t.Errorf("%s: %v: %v", l.GPP, s.ID, s.Malformed)
			}
			continue
		}
		if l.Decoded == nil {
			// The library gives up the whole string where a section has an
			// unknown sub-section, and looks for them in section 2 too.
			if g.Section(TCFEUv2) == nil && !g.OptedOut(0) {
				t.Errorf("%s: not opted out, but not accepted by the library", l.GPP)
			}
			continue
		}
		got, want := described[s.ID.String()].(map[string]any), l.Decoded.Sections[s.ID.String()]
		cutNational(s, got)
		cutNational(s, want)
		normaliseUSPrivacy(s, want)
		count[l.Kind+" sections"]++
		count[l.Kind+" fields"] += len(want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v:\n got %v\nwant %v", l.GPP, s.ID, got, want)
		}
	}
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, stderr.Bytes())
	}
	return out
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tcStringAsField gives section 2, which is compared as text, the form of the
// others.
func tcStringAsField(line []byte) []byte {
	before, after, found := bytes.Cut(line, []byte(`"tcfeuv2":"`))
	if !found {
		return line
	}
	raw, after, _ := bytes.Cut(after, []byte(`"`))
	return []byte(string(before) + `"tcfeuv2":{"raw":"` + string(raw) + `"}` + string(after))
}

// cutNational cuts the lists of usnat as the library does: it shows version 1
// with shorter lists, even where it was sent with the longer ones.
func cutNational(s *Section, fields map[string]any) {
	if s.ID != USNat || s.Version != 1 {
		return
	}
	for name, n := range map[string]int{"SensitiveDataProcessing": 12, "KnownChildSensitiveDataConsents": 2} {
		fields[name] = fields[name].([]any)[:n]
	}
}

// normaliseUSPrivacy brings the library's letters, which it takes as they
// come, into upper case.
func normaliseUSPrivacy(s *Section, fields map[string]any) {
	if s.ID != USPv1 {
		return
	}
	for name, v := range fields {
		if letter, is := v.(string); is {
			fields[name] = strings.ToUpper(letter)
		}
	}
}
