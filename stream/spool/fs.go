package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// FS is what the spool asks of the file system, one method for a system call,
// so that tests can make each of them fail. Names are within the directory.
type FS interface {
	// Names lists the directory.
	Names() ([]string, error)
	// Create makes a file, which must not be there yet.
	Create(name string) (File, error)
	// Open opens a file for reading and appending.
	Open(name string) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes what happened to names durable.
	Sync() error
	// Lock takes the directory for this process until Close.
	Lock() (io.Closer, error)
}

// File is an open file. Writes append.
type File interface {
	io.ReaderAt
	io.Writer
	io.Closer
	Size() (int64, error)
	// Modified returns when it was last written to.
	Modified() (time.Time, error)
	Truncate(size int64) error
	Sync() error
}

// directory is the FS of an operating system.
type directory string

// openDirectory makes the directory where there is none, for the owner alone,
// and makes its name durable.
func openDirectory(path string) (directory, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		err = makeDirectory(path, syncDirectory)
	}
	return directory(path), err
}

// makeDirectory makes a directory with those above it that are missing, and
// syncs each that has a new name in it: what is in a directory is lost with any
// of the names that lead to it.
func makeDirectory(path string, sync func(string) error) error {
	above := []string{filepath.Dir(path)}
	for {
		last := above[len(above)-1]
		if _, err := os.Lstat(last); !errors.Is(err, fs.ErrNotExist) || last == filepath.Dir(last) {
			break
		}
		above = append(above, filepath.Dir(last))
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for _, each := range above {
		if err := sync(each); err != nil {
			return err
		}
	}
	return nil
}

func (d directory) path(name string) string { return filepath.Join(string(d), name) }

func (d directory) Names() (names []string, err error) {
	entries, err := os.ReadDir(string(d))
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (d directory) Create(name string) (File, error) {
	return open(d.path(name), os.O_CREATE|os.O_EXCL)
}

func (d directory) Open(name string) (File, error) { return open(d.path(name), 0) }

func open(path string, flags int) (File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|flags, 0o600)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (d directory) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d directory) Remove(name string) error     { return os.Remove(d.path(name)) }
func (d directory) Sync() error                  { return syncDirectory(string(d)) }

func syncDirectory(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Lock takes a file of the directory; the operating system lets it go when the
// process ends, however it ends.
func (d directory) Lock() (io.Closer, error) {
	f, err := os.OpenFile(d.path("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name())
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("process %s has it; give each collector a directory of its own", strings.TrimSpace(string(holder)))
		}
		return nil, err
	}
	// Whose it is helps the operator; a full disk must not keep the spool shut.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

type file struct{ *os.File }

func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f file) Modified() (time.Time, error) {
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
