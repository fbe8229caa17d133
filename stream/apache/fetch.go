package apache

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed pom.xml
var pom []byte

// Fetch returns the class path of Kafka. What is not in the user's cache
// directory yet is fetched with Maven; progress is told of it.
func Fetch(ctx context.Context, progress io.Writer) (classPath string, err error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", fmt.Errorf("cannot run Apache Kafka: %w; install a JDK, 17 or later", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	// Another pom is another directory.
	sum := sha256.Sum256(pom)
	dir := filepath.Join(cache, "sekisho", "kafka-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(progress, "fetching Apache Kafka with Maven (43 MB)")
		if err := fetch(ctx, dir); err != nil {
			return "", fmt.Errorf("cannot fetch Apache Kafka: %w", err)
		}
	}
	return filepath.Join(dir, "*"), nil
}

// fetch fills dir at once, when all is there, whoever else does the same.
func fetch(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "kafka-partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o600); err != nil {
		return err
	}
	jars := filepath.Join(work, "jars")
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(work, "pom.xml"),
		"dependency:copy-dependencies", "-DoutputDirectory="+jars)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w; is Maven installed, and is there a network? It said: %s", err, tail(out))
	}
	if err := os.Rename(jars, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// tail returns the last lines of an output.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(len(lines)-12, 0):], "\n")
}
