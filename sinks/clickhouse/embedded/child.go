package embedded

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is the first argument with which [Start] runs this executable again.
// The program's main function must hand such a call to [Main] before anything
// else; in tests that is TestMain's part:
//
//	if len(os.Args) > 1 && os.Args[1] == embedded.Command {
//		os.Exit(embedded.Main(os.Args[2:]))
//	}
const Command = "clickhouse-engine"

// orphanGrace is how long an engine may take to end once its parent is gone. A
// parent that lives sets its own, shorter deadline.
const orphanGrace = 20 * time.Second

// Main is the child process: it serves the data directory until standard input
// closes, and returns the process's exit code. args are those after [Command].
func Main(args []string) int {
	if len(args) != 3 {
		fmt.Fprintf(os.Stderr, "%s is for the program itself to call\n", Command)
		return 2
	}
	if err := serve(engine{engineKind(args[0]), args[1]}, args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serve(e engine, dir string) error {
	// When to stop is the parent's to say: these also come to it, from a terminal
	// or a service manager. Caught, not ignored, lest a program we run inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)

	life, err := inherited()
	if err != nil {
		return err
	}
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, life) // nothing is ever sent
		close(closed)
		time.Sleep(orphanGrace)
		os.Exit(1)
	}()
	switch e.kind {
	case kindLibrary:
		return serveLibrary(e.path, dir, life)
	case kindBinary:
		return serveBinary(e.path, dir, closed)
	default:
		return fmt.Errorf("unknown kind of engine %q", e.kind)
	}
}

// inherited returns the standard input that the parent gave us, under another number, so
// that it stays where the engine gets one of its own.
func inherited() (*os.File, error) {
	fd, err := unix.FcntlInt(os.Stdin.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), os.Stdin.Name()), nil
}

// serveLibrary opens both listeners and then runs a query that lasts as long as
// life does, on which the engine ends in good order.
func serveLibrary(path, dir string, life *os.File) error {
	l, err := openLibrary(path)
	if err != nil {
		return err
	}
	if err := (marker{kindLibrary, l.version()}).claim(dir); err != nil {
		return err
	}
	hangUp, err := interactive()
	if err != nil {
		hangUp = func() {}
		fmt.Fprintln(os.Stderr, "cannot open a terminal, without which a client that is killed can end the engine:", err)
	}
	// Once it reads its queries it has seen that there is a terminal. It would wait there
	// for more of them.
	queries, err := dictate(dir, fmt.Sprintf("SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "+
		"SELECT count() FROM file('/dev/fd/%d', 'LineAsString', 'l String')", life.Fd()), hangUp)
	if err != nil {
		return err
	}
	return l.run("--config-file="+configPath(dir), "--interactive", "--progress=off", "--progress-table=off", "--history_file=/dev/null", "--queries-file="+queries)
}
