package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"syscall"
)

// serveBinary runs clickhouse server until it ends or closed is closed. The
// server knows nothing of our parent, so this process stands between them.
func serveBinary(path, dir string, closed <-chan struct{}) error {
	version, err := binaryVersion(path)
	if err != nil {
		return err
	}
	if err := (marker{kindBinary, version}).claim(dir); err != nil {
		return err
	}
	cmd := exec.Command(path, "server", "--config-file="+configPath(dir))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "CLICKHOUSE_WATCHDOG_ENABLE=0") // one process, not two
	cmd.SysProcAttr = dieWithParent()
	runtime.LockOSThread() // "parent" there is the thread that starts it
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-closed:
			_ = cmd.Process.Signal(syscall.SIGTERM)
		case <-ended:
		}
	}()
	err = cmd.Wait()
	close(ended)
	return err
}

// binaryVersion asks the binary, which answers like
// "ClickHouse server version 26.7.2.1 (official build)."
func binaryVersion(path string) (string, error) {
	out, err := exec.Command(path, "server", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("cannot ask %q for its version: %w", path, err)
	}
	m := regexp.MustCompile(`version (\d+(?:\.\d+)+)`).FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("%q does not answer like a ClickHouse server when asked for its version", path)
	}
	return string(m[1]), nil
}
