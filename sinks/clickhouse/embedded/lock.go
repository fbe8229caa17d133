package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const lockPoll = 20 * time.Millisecond

// heldError says that another process holds a lock.
type heldError struct{ pid int }

func (e *heldError) Error() string {
	if e.pid == 0 {
		return "in use by another process"
	}
	return fmt.Sprintf("in use by process %d", e.pid)
}

// lockFile takes an exclusive lock on the file at path, made if need be, and
// writes our process id in it; closing the file releases the lock. The lock
// belongs to the open file, so a child that inherits it holds it too.
//
// While a living process holds the lock: with wait, it waits until ctx is done;
// without, it returns a *heldError. A dead holder's lock is held by a child that
// is still ending, and is always waited for.
func lockFile(ctx context.Context, path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("cannot lock %q: %w", path, err)
		}
		if pid := readPid(path); !wait && alive(pid) {
			f.Close()
			return nil, &heldError{pid}
		}
		select {
		case <-ctx.Done():
			pid := readPid(path)
			f.Close()
			return nil, fmt.Errorf("%w: %w", &heldError{pid}, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
	if err := writePid(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write lock file %q: %w", path, err)
	}
	return f, nil
}

func writePid(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return err
}

// readPid is 0 where the file holds no process id (its owner is just writing it).
func readPid(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}

func alive(pid int) bool {
	if pid == 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
