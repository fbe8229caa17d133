package apache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Node is a broker. Its methods are for one goroutine at a time.
type Node struct {
	cluster *Cluster
	id      int
	cmd     *exec.Cmd
	ended   chan struct{}

	mu  sync.Mutex
	err error // how it ended
}

// Address is where the broker itself listens for clients, whatever it
// advertises.
func (n *Node) Address() string { return loopback(n.cluster.ports[n.id].Client) }

// Log is the file of what it says.
func (n *Node) Log() string { return filepath.Join(n.cluster.nodeDir(n.id), "log") }

// Start starts a broker that has ended, on its data, and returns when it takes
// connections.
func (n *Node) Start(ctx context.Context) error {
	if err := n.Begin(); err != nil {
		return err
	}
	return n.Await(ctx)
}

// Begin starts a broker that has ended and returns at once.
func (n *Node) Begin() error {
	if n.Running() {
		return nil
	}
	log, err := os.OpenFile(n.Log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("cannot open the log of a broker: %w", err)
	}
	c := n.cluster
	cmd := exec.Command("java", slices.Concat(c.virtualMachine(), []string{"kafka.Kafka", c.config(n.id)})...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, dieWithParent()
	n.cmd, n.ended = cmd, make(chan struct{})
	ended, started := n.ended, make(chan error)
	go func() {
		defer log.Close()
		runtime.LockOSThread() // "parent" there is the thread that starts it
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			close(ended)
			started <- err
			return
		}
		started <- nil
		err := cmd.Wait()
		n.mu.Lock()
		n.err = err
		n.mu.Unlock()
		close(ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("cannot start a broker: %w", err)
	}
	return nil
}

// Await returns when the broker takes connections, or with why it does not.
func (n *Node) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		// It listens once it knows the cluster, and not before.
		if conn, err := net.DialTimeout("tcp", n.Address(), time.Second); err == nil {
			return conn.Close()
		}
		select {
		case <-n.ended:
			n.mu.Lock()
			defer n.mu.Unlock()
			said, _ := os.ReadFile(n.Log())
			return fmt.Errorf("a broker of Apache Kafka ended at its start: %w: %s", errors.Join(n.err), tail(said))
		case <-ctx.Done():
			said, _ := os.ReadFile(n.Log())
			return fmt.Errorf("a broker of Apache Kafka takes no connections: %w: %s", ctx.Err(), tail(said))
		case <-tick.C:
		}
	}
}

// Running reports whether the broker's process is there.
func (n *Node) Running() bool {
	if n.ended == nil {
		return false
	}
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

// Kill ends the broker at once (SIGKILL).
func (n *Node) Kill() {
	if n.Running() {
		_ = n.cmd.Process.Kill()
		<-n.ended
	}
}

// Stop ends the broker in good order, which hands its partitions to others.
func (n *Node) Stop(ctx context.Context) error {
	if !n.Running() {
		return nil
	}
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.ended:
		return nil
	case <-ctx.Done():
		n.Kill()
		return fmt.Errorf("a broker of Apache Kafka did not stop in time and was killed: %w", ctx.Err())
	}
}

// Signal sends the broker's process a signal, such as SIGSTOP.
func (n *Node) Signal(s os.Signal) error {
	if !n.Running() {
		return os.ErrProcessDone
	}
	return n.cmd.Process.Signal(s)
}
