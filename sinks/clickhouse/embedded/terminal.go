package embedded

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// clickhouse-local whose standard input is no terminal aborts when a connection is reset
// by a client that is killed, or when anything but the native protocol comes to its port
// (ClickHouse issue 115666, mended after 26.7). So it is given a terminal, at which
// nobody sits.

// interactive makes the standard input of this process a terminal, which ends with hangUp.
func interactive() (hangUp func(), err error) {
	ours, theirs, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	if err := unix.Dup2(int(theirs.Fd()), int(os.Stdin.Fd())); err != nil {
		ours.Close()
		return nil, os.NewSyscallError("dup2", err)
	}
	return func() { _ = ours.Close() }, nil
}

// dictate returns the path of queries that can be read once. opened is called when
// somebody is about to.
func dictate(dir, queries string, opened func()) (path string, err error) {
	path = filepath.Join(dir, "queries")
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return "", err
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return "", fmt.Errorf("cannot make %q: %w", path, err)
	}
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
		opened()
		_ = os.Remove(path)
		if err != nil {
			return
		}
		_, _ = f.WriteString(queries)
		f.Close()
	}()
	return path, nil
}
