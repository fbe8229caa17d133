package speed

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunBeginsWithNothing: what an earlier run left has other keys and other
// events, and what cannot be written at the end is told at the beginning.
func TestRunBeginsWithNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		want string
		o    Options
	}{
		{"--dir " + dir + " is not empty", Options{Dir: dir}},
		{"a-file", Options{Results: filepath.Join(file, "plots")}},
		{"a-file", Options{Profiles: filepath.Join(file, "profiles")}},
		{`there is no scenario "nothing": there are collector, `, Options{Only: []string{"nothing"}}},
		{"--only names no scenario: there are collector, ", Options{Only: []string{}}},
		{"--soak must be at least", Options{Soak: 1}},
		{"context canceled", Options{Dir: filepath.Join(dir, "new"), Results: filepath.Join(dir, "plots")}},
	} {
		c.o.Log = io.Discard
		if r, err := Run(ended, c.o); r != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, %v", c.o, r, err)
		}
	}
}
