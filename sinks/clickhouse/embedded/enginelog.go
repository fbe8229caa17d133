package embedded

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	maxLogBytes  = 4 << 20 // looked at whenever the child starts
	logTailBytes = 2 << 10
)

func logPath(dir string) string { return filepath.Join(dir, "engine.log") }

// openLog opens the file that takes the child's output. A large one becomes
// engine.log.1, in the place of the last.
func openLog(dir string) (*os.File, error) {
	path := logPath(dir)
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil && info.Size() > maxLogBytes {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
}

// logTail is the end of what was written to the log after offset.
func logTail(log *os.File, offset int64) string {
	info, err := log.Stat()
	if err != nil {
		return ""
	}
	from := max(offset, info.Size()-logTailBytes)
	b, err := io.ReadAll(io.NewSectionReader(log, from, info.Size()-from))
	if err != nil {
		return ""
	}
	if from > offset { // begin with a whole line
		_, after, _ := bytes.Cut(b, []byte("\n"))
		b = after
	}
	return strings.TrimSpace(string(escapes.ReplaceAll(b, nil)))
}

// escapes are what the engine tells a terminal.
var escapes = regexp.MustCompile(`\x1b\[[0-?]*[@-~]|\r`)

// fault is how Go's runtime begins to tell of a signal in the code of the library:
// "SIGABRT: abort". What the library itself says before may quote a query.
var fault = regexp.MustCompile(`(?m)^(?:SIG[A-Z]+: [a-z ]+|fatal error: [a-z ]+)`)

// noMemory ends what the library tells of a thread that it aborts for, since the
// memory limit was reached where no query could be told so.
var noMemory = []byte("(MEMORY_LIMIT_EXCEEDED)")

// faultIn finds what was written of a fault to the log after offset, "" for nothing.
func faultIn(log *os.File, offset int64) string {
	b, err := io.ReadAll(io.NewSectionReader(log, offset, maxLogBytes))
	if err != nil {
		return ""
	}
	if bytes.Contains(b, noMemory) {
		return "MEMORY_LIMIT_EXCEEDED"
	}
	return string(fault.Find(b))
}
