package embedded

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
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

	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // nothing is ever sent
		close(closed)
		time.Sleep(orphanGrace)
		os.Exit(1)
	}()
	switch e.kind {
	case kindLibrary:
		return serveLibrary(e.path, dir)
	case kindBinary:
		return serveBinary(e.path, dir, closed)
	default:
		return fmt.Errorf("unknown kind of engine %q", e.kind)
	}
}

// serveLibrary opens both listeners and then runs a query that lasts as long as
// standard input does, on which the engine ends in good order.
func serveLibrary(path, dir string) error {
	l, err := openLibrary(path)
	if err != nil {
		return err
	}
	if err := (marker{kindLibrary, l.version()}).claim(dir); err != nil {
		return err
	}
	return l.run("--config-file="+configPath(dir), "--query",
		"SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "+
			"SELECT count() FROM file('/dev/stdin', 'LineAsString', 'l String')")
}
