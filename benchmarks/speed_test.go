package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/benchmarks/internal/speed"
)

// TestResultsThatCannotBeWritten are told of before anything is measured.
func TestResultsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a-file")
	if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for into, want := range map[string]string{
		filepath.Join(file, "results.json"): "cannot write the results: ",
		dir:                                 "cannot write the results: ",
		file:                                "context canceled",
		filepath.Join(dir, "new", "dir", "results.json"): "context canceled",
	} {
		cmd := command()
		cmd.SetArgs([]string{"speed", "--results", "", "--json", into})
		if err := cmd.ExecuteContext(ended); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", into, err, want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "before" {
		t.Errorf("earlier results are now %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new", "dir", "results.json")); err == nil {
		t.Error("there are results of a run that measured nothing")
	}
}

func TestResultsAreWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	if err := writeJSON(file, &speed.Report{Ended: "sink: gone"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), `"ended": "sink: gone"`) {
		t.Errorf("%s, %v", text, err)
	}
}
