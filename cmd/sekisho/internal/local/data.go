// Package local is what `sekisho up` keeps on one machine: its data directory
// and the addresses of what it runs.
package local

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// layout is the version of the data directory's layout.
const layout = "1"

// Dir is a data directory, held by this process until Close.
type Dir struct {
	path string
	lock *os.File
}

// DefaultDir is the data directory where none is named: $XDG_DATA_HOME/sekisho
// or ~/.local/share/sekisho.
func DefaultDir() string {
	if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "sekisho")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "sekisho-data"
	}
	return filepath.Join(home, ".local", "share", "sekisho")
}

// Open takes the data directory, which it makes where there is none. It fails
// when another process has it, when it cannot be written, or when it was made
// by a version of another layout.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use the data directory: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory (name another with --data): %w", err)
	}
	lock, err := lockFile(filepath.Join(path, "lock"))
	if err != nil {
		return nil, fmt.Errorf("cannot use the data directory %s (name another with --data): %w", path, err)
	}
	d := &Dir{path: path, lock: lock}
	if err := d.checkLayout(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Dir) checkLayout() error {
	file := d.Path("layout")
	have, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.WriteFile(file, []byte(layout+"\n"), 0o600); err != nil {
			return fmt.Errorf("cannot write to the data directory (name another with --data): %w", err)
		}
	case err != nil:
		return fmt.Errorf("cannot read the data directory: %w", err)
	case strings.TrimSpace(string(have)) != layout:
		return fmt.Errorf("the data directory %s has layout %q, this version has %s: name another with --data, or use the version that made it",
			d.path, strings.TrimSpace(string(have)), layout)
	}
	return nil
}

// Path returns the path of a name in the directory.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Close lets the directory go.
func (d *Dir) Close() { d.lock.Close() }

// SecretFile is where a data directory has a secret.
func SecretFile(dir, name string) string { return filepath.Join(dir, "secret-"+name) }

// Secret returns the file of a secret of the directory's own, made at random
// the first time.
func (d *Dir) Secret(name string) (file string, err error) {
	file = SecretFile(d.path, name)
	if info, err := os.Stat(file); err == nil && info.Size() > 0 {
		return file, nil
	}
	var secret [32]byte
	rand.Read(secret[:])
	if err := writeAtomic(file, []byte(hex.EncodeToString(secret[:])+"\n")); err != nil {
		return "", fmt.Errorf("cannot keep a secret in the data directory: %w", err)
	}
	return file, nil
}

// Keep writes a file of the directory, whole or not at all.
func (d *Dir) Keep(name string, content []byte) (file string, err error) {
	file = d.Path(name)
	if err := writeAtomic(file, content); err != nil {
		return "", fmt.Errorf("cannot write to the data directory: %w", err)
	}
	return file, nil
}

// writeAtomic writes a file whole or not at all, for the owner alone.
func writeAtomic(file string, content []byte) error {
	return Replace(file, func(f *os.File) error {
		_, err := f.Write(content)
		return err
	})
}
