package faults

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child that can be killed and run again. Its methods are for one
// goroutine at a time.
type process struct {
	name        string
	path        string
	arguments   []string
	environment []string
	log         string // file of what it says
	ready       func(context.Context) bool

	cmd   *exec.Cmd
	ended chan struct{}
}

// begin starts it, unless it runs, and returns at once.
func (p *process) begin() error {
	if p.running() {
		return nil
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(p.path, p.arguments...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.environment, log, log, dieWithParent()
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
		return fmt.Errorf("cannot start the %s: %w", p.name, err)
	}
	return nil
}

// running reports whether it has been started and has not ended.
func (p *process) running() bool {
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

// await returns when it is ready. With again, it is started again should it end
// by itself; else that is an error.
func (p *process) await(ctx context.Context, again bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if p.ready(ctx) {
			return nil
		}
		switch {
		case p.running():
		case !again:
			said, _ := os.ReadFile(p.log)
			return fmt.Errorf("the %s ended at its start: %s", p.name, said[max(len(said)-2000, 0):])
		default:
			if err := p.begin(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the %s does not become ready: %w", p.name, ctx.Err())
		case <-tick.C:
		}
	}
}

// kill ends it at once and reports whether it ran.
func (p *process) kill() bool {
	if !p.running() {
		return false
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return true
}

// stop ends it in good order, and fails unless it does so in time.
func (p *process) stop(within time.Duration) error {
	if !p.running() {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(within):
		p.kill()
		return fmt.Errorf("the %s did not stop within %s", p.name, within)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the %s was stopped and ended with code %d", p.name, code)
	}
	return nil
}

func (p *process) signal(s os.Signal) error {
	if !p.running() {
		return os.ErrProcessDone
	}
	return p.cmd.Process.Signal(s)
}
