package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/cmd/sekisho/internal/local"
)

// TestAddresses: addresses are for as long as who announced them is there. What a killed
// process has left says so, until another one has announced its own.
func TestAddresses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), local.AddressesFile)
	check := func(what, kafka, problem string) {
		t.Helper()
		a, err := local.ReadAddresses(file)
		if a.Kafka != kafka || (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: got %q, %v", what, a.Kafka, err)
		}
	}
	check("nobody", "", "is not there")
	withdraw, err := local.Addresses{Kafka: "one"}.Announce(file)
	if err != nil {
		t.Fatal(err)
	}
	check("announced", "one", "")
	check("and asked again", "one", "")
	left, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	withdraw()
	check("withdrawn", "", "is not there")
	if err := os.WriteFile(file, left, 0o600); err != nil {
		t.Fatal(err)
	}
	check("left behind", "", "gone without having ended")
	reader, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() // who has it open is not in the way of the next one
	withdraw, err = local.Addresses{Kafka: "two"}.Announce(file)
	if err != nil {
		t.Fatal(err)
	}
	defer withdraw()
	check("announced by another", "two", "")
}
