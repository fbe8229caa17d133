package embedded

import (
	"os"
	"strings"
	"testing"
)

func TestOpenLogSetsALargeOneAside(t *testing.T) {
	dir := t.TempDir()
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return -1
		}
		return info.Size()
	}
	check := func(before, want, wantOld int64) {
		t.Helper()
		if err := os.WriteFile(logPath(dir), make([]byte, before), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := openLog(dir)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if got, old := size(logPath(dir)), size(logPath(dir)+".1"); got != want || old != wantOld {
			t.Errorf("log of %d bytes: now %d and %d, want %d and %d", before, got, old, want, wantOld)
		}
	}
	check(10, 10, -1)
	check(maxLogBytes, maxLogBytes, -1)
	check(maxLogBytes+1, 0, maxLogBytes+1)
	check(maxLogBytes+2, 0, maxLogBytes+2)
}

func TestLogTail(t *testing.T) {
	log, err := openLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	check := func(content string, offset int64, want string) {
		t.Helper()
		if err := log.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := log.WriteString(content); err != nil {
			t.Fatal(err)
		}
		if got := logTail(log, offset); got != want {
			t.Errorf("tail is %q, want %q", got, want)
		}
	}
	check("", 0, "")
	check("of the last run\nof this one\n", 16, "of this one")
	check("of the last run\n", 16, "")
	check("\r\x1b[0J\x1b[?25hClickHouse local\n\x1b[?2004lBye.\n", 0, "ClickHouse local\nBye.")
	check(strings.Repeat("x", logTailBytes)+"\nlast line\n", 0, "last line")
}

func TestFaultIn(t *testing.T) {
	log, err := openLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	const before = "SIGSEGV: segmentation violation\n"
	check := func(content, want string) {
		t.Helper()
		if err := log.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := log.WriteString(before + content); err != nil {
			t.Fatal(err)
		}
		if got := faultIn(log, int64(len(before))); got != want {
			t.Errorf("%q: got %q, want %q", content, got, want)
		}
	}
	check("", "")
	check("something\nSIGABRT: abort\nPC=0x1\n", "SIGABRT: abort")
	check("2026.11.26 16:39:07 [ 1 ] {} <Fatal> ClientBase: Terminate called for uncaught exception:\n"+
		"Code: 241. DB::Exception: (total) memory limit exceeded: would use 4.01 GiB, maximum: 4.00 GiB. (MEMORY_LIMIT_EXCEEDED), Stack trace:\n", "MEMORY_LIMIT_EXCEEDED")
}
