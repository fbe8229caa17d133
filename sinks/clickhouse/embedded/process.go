package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const readyPoll = 10 * time.Millisecond

// process is one run of the child.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   *os.File
	begun int64         // where its part of the log begins
	done  chan struct{} // closed when it has ended
	err   error         // how it ended; read after done
}

// startProcess runs this executable as an engine's child process. The child
// inherits the lock, and so holds the data directory until it has ended, even
// after a parent that is gone.
func startProcess(e engine, dir string, lock *os.File) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := openLog(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the engine's log: %w", err)
	}
	p := &process{log: log, done: make(chan struct{})}
	if info, err := log.Stat(); err == nil {
		p.begun = info.Size()
	}
	p.cmd = exec.Command(self, Command, string(e.kind), e.path, dir)
	p.cmd.Dir = dir
	p.cmd.Env = childEnvironment(dir)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.ExtraFiles = []*os.File{lock}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for the child
	p.stdin, err = p.cmd.StdinPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		log.Close()
		return nil, fmt.Errorf("cannot start the engine's process: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// childEnvironment leaves out all that the engine has no use for: queries can
// read its environment, and ours may hold secrets.
func childEnvironment(dir string) []string {
	env := []string{
		"HOME=" + dir,
		"TERM=dumb",
		"TZ=UTC", // times read the same on every machine
		// Give freed memory back after a second instead of keeping it.
		"JE_MALLOC_CONF=background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0",
	}
	for _, name := range []string{"PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// awaitReady returns when the child answers on both ports, has ended, or ctx is
// done.
func (p *process) awaitReady(ctx context.Context, native, http string) error {
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	for {
		if pingHTTP(ctx, http) == nil && pingNative(ctx, native) == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.exitError()
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// exitError quotes what the child last wrote. Call after done.
func (p *process) exitError() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	tail := logTail(p.log, p.begun)
	if tail == "" {
		return fmt.Errorf("the engine's process ended: %s", how)
	}
	return fmt.Errorf("the engine's process ended: %s: %s", how, tail)
}

// cause says how the child ended, in a line that quotes no query. Call after done.
func (p *process) cause() string {
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return "killed: by somebody, or by the system, which was short of memory"
		}
	}
	if fault := faultIn(p.log, p.begun); fault != "" {
		return fault + ": a fault within the engine"
	}
	if p.err != nil {
		return p.err.Error()
	}
	return "exit status 0"
}

// stop asks the child to end in good order.
func (p *process) stop() { _ = p.stdin.Close() }

// kill ends the child and what it runs.
func (p *process) kill() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// close frees what outlives the child. Call after done.
func (p *process) close() {
	p.stop()
	p.log.Close()
}

func pingNative(ctx context.Context, addr string) error {
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{addr}, DialTimeout: time.Second})
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Ping(ctx)
}

func pingHTTP(ctx context.Context, addr string) error {
	client := http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, // no proxy, nothing kept
		Timeout:   time.Second,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/?query=SELECT+1", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || string(body) != "1\n" {
		return errors.New("it does not answer like ClickHouse")
	}
	return nil
}
