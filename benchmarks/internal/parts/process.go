package parts

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a child that can be killed and run again. Its methods are for one
// goroutine at a time.
type Process struct {
	Name        string
	Path        string
	Arguments   []string
	Environment []string
	Log         string // file of what it says
	Ready       func(context.Context) bool

	cmd   *exec.Cmd
	ended chan struct{}
}

// Begin starts it, unless it runs, and returns at once.
func (p *Process) Begin() error {
	if p.Running() {
		return nil
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(p.Path, p.Arguments...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.Environment, log, log, dieWithParent()
	ended, started := make(chan struct{}), make(chan error)
	p.cmd, p.ended = cmd, ended
	go func() {
		defer log.Close()
		runtime.LockOSThread() // "parent" there is the thread that starts it
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("cannot start the %s: %w", p.Name, err)
	}
	return nil
}

// Running reports whether it has been started and has not ended.
func (p *Process) Running() bool {
	if p.ended == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Await returns when it is ready. With again, it is started again should it end
// by itself; else that is an error.
func (p *Process) Await(ctx context.Context, again bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if p.Ready(ctx) {
			return nil
		}
		switch {
		case p.Running():
		case !again:
			said, _ := os.ReadFile(p.Log)
			return fmt.Errorf("the %s ended at its start: %s", p.Name, said[max(len(said)-2000, 0):])
		default:
			if err := p.Begin(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the %s does not become ready: %w", p.Name, ctx.Err())
		case <-tick.C:
		}
	}
}

// Kill ends it at once and reports whether it ran.
func (p *Process) Kill() bool {
	if !p.Running() {
		return false
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return true
}

// Pid is its process id, 0 unless it runs.
func (p *Process) Pid() int {
	if !p.Running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Stop ends it in good order, and fails unless it does so in time.
func (p *Process) Stop(within time.Duration) error {
	if !p.Running() {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(within):
		p.Kill()
		return fmt.Errorf("the %s did not stop within %s", p.Name, within)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the %s was stopped and ended with code %d", p.Name, code)
	}
	return nil
}

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) error {
	if !p.Running() {
		return os.ErrProcessDone
	}
	return p.cmd.Process.Signal(s)
}
