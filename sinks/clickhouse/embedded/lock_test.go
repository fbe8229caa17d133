package embedded

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := lockFile(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	var held *heldError
	if _, err := lockFile(t.Context(), path, false); !errors.As(err, &held) || held.pid != os.Getpid() {
		t.Errorf("second lock: %v, want that process %d holds it", err, os.Getpid())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	if _, err := lockFile(ctx, path, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting lock: %v, want that the deadline passed", err)
	}

	// A dead owner's lock is waited for.
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(dead.Process.Pid)), 0o600); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(3*lockPoll, func() { first.Close() })
	second, err := lockFile(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if pid := readPid(path); pid != os.Getpid() {
		t.Errorf("lock file names process %d, want %d", pid, os.Getpid())
	}
}
