package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	firstRestartDelay = 100 * time.Millisecond
	maxRestartDelay   = 5 * time.Second
	steadyAfter       = 10 * time.Second // a child that lived this long starts the delays anew
	defaultMemory     = 4 << 30
)

// Options says what to run and where. Only Dir is required.
type Options struct {
	// Dir is the data directory, made with mode 0700 if it is not there. One
	// process at a time may use it.
	Dir string
	// Library is the path of a libchdb to load. At most one of Library and Binary.
	Library string
	// Binary is the path or name of a clickhouse binary to run.
	Binary string
	// CacheDir is where a fetched library is kept; "" is "sekisho" in
	// [os.UserCacheDir].
	CacheDir string
	// NativePort and HTTPPort are the ports on 127.0.0.1; 0 is any free one.
	NativePort, HTTPPort int
	// MemoryLimit bounds what queries, inserts and merges may use together, in
	// bytes; 0 is 4 GiB. Half of the machine's memory is the limit anyway.
	MemoryLimit int64
	// Log takes word of each restart; nil is nowhere.
	Log *slog.Logger
	// Progress takes the progress of a download; nil is standard error.
	Progress io.Writer
}

// Server is a running engine and the goroutine that keeps it running. Its
// methods may be called from any goroutine.
type Server struct {
	engine       engine
	dir          string
	lock         *os.File
	native, http *port
	log          *slog.Logger

	stopping context.Context // done once Stop is called
	stop     context.CancelFunc
	stopped  chan struct{} // closed once all is released
	restarts atomic.Int64

	mu     sync.Mutex
	child  *process // nil between two children
	killed bool     // Stop's deadline has passed
}

// Start runs the engine on the data directory and returns when both ports
// answer. ctx bounds the start alone, a download included; [Server.Stop] ends
// the server. What the engine printed is quoted in the error if it does not
// start. A data directory in use is an error; one whose process was killed is
// waited for until that process's engine has ended, some seconds at most.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("cannot start embedded ClickHouse: %w", err)
	}
	s := &Server{dir: o.Dir, log: o.Log, stopped: make(chan struct{})}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if err := s.start(ctx, o); err != nil {
		s.stop()
		s.release()
		return nil, fmt.Errorf("cannot start embedded ClickHouse: %w", err)
	}
	go s.supervise(s.child)
	return s, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("no data directory is given")
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return o, err
	}
	if o.CacheDir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return o, err
		}
		o.CacheDir = filepath.Join(cache, "sekisho")
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = defaultMemory
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = os.Stderr
	}
	return o, nil
}

// start leaves in s whatever it took, for release.
func (s *Server) start(ctx context.Context, o Options) (err error) {
	data := filepath.Join(s.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if s.lock, err = lockFile(ctx, filepath.Join(s.dir, "lock"), false); err != nil {
		if held := new(heldError); errors.As(err, &held) {
			err = fmt.Errorf("%w: stop that process or choose another directory", err)
		}
		return fmt.Errorf("data directory %q: %w", s.dir, err)
	}
	if s.engine, err = findEngine(ctx, o); err != nil {
		return err
	}
	if s.native, err = holdPort(o.NativePort); err != nil {
		return err
	}
	if s.http, err = holdPort(o.HTTPPort); err != nil {
		return err
	}
	config := engineConfig{
		Dir: data, Users: usersPath(s.dir),
		Native: s.native.number, HTTP: s.http.number, SharePort: sharePort,
		Library:     s.engine.kind == kindLibrary,
		MemoryLimit: o.MemoryLimit,
	}
	if err := config.write(s.dir); err != nil {
		return fmt.Errorf("cannot write the engine's configuration: %w", err)
	}
	child, err := startProcess(s.engine, s.dir, s.lock)
	if err != nil {
		return err
	}
	if err := child.awaitReady(ctx, s.NativeAddr(), s.HTTPAddr()); err != nil {
		child.kill()
		<-child.done
		child.close()
		return err
	}
	s.child = child
	return nil
}

// supervise keeps a child running until Stop.
func (s *Server) supervise(child *process) {
	defer close(s.stopped)
	defer s.release()
	delay := firstRestartDelay
	for child != nil {
		begun := time.Now()
		select {
		case <-child.done:
		case <-s.stopping.Done():
			child.stop()
			<-child.done
		}
		s.setChild(nil)
		cause := child.cause()
		child.close()
		if s.stopping.Err() != nil {
			return
		}
		if time.Since(begun) >= steadyAfter {
			delay = firstRestartDelay
		}
		s.log.Warn("embedded ClickHouse ended unexpectedly, restarting it; what it had not acknowledged is sent again",
			"cause", cause, "after", delay, "log", logPath(s.dir))
		child = s.restart(&delay)
	}
}

// restart returns a child that answers, or, once Stop is called, none or any.
func (s *Server) restart(delay *time.Duration) *process {
	for {
		select {
		case <-s.stopping.Done():
			return nil
		case <-time.After(*delay):
		}
		*delay = min(2**delay, maxRestartDelay)
		s.restarts.Add(1)
		child, err := startProcess(s.engine, s.dir, s.lock)
		if err != nil {
			s.log.Error("embedded ClickHouse cannot be restarted", "error", err, "retry_after", *delay)
			continue
		}
		s.setChild(child)
		err = child.awaitReady(s.stopping, s.NativeAddr(), s.HTTPAddr())
		if err == nil {
			s.log.Info("embedded ClickHouse is back", "pid", child.cmd.Process.Pid, "restarts", s.Restarts())
			return child
		}
		if s.stopping.Err() != nil {
			return child
		}
		s.log.Error("embedded ClickHouse cannot be restarted", "error", err, "retry_after", *delay)
		s.setChild(nil)
		child.close()
	}
}

// setChild records which child Stop's deadline has to end.
func (s *Server) setChild(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.child = p
	if p != nil && s.killed {
		p.kill()
	}
}

func (s *Server) release() {
	for _, p := range []*port{s.native, s.http} {
		if p != nil {
			p.release()
		}
	}
	if s.lock != nil {
		s.lock.Close()
	}
}

// Stop ends the engine in good order and waits for it; when ctx is done first,
// the engine is killed and ctx's error returned. Safe to call again.
func (s *Server) Stop(ctx context.Context) error {
	s.stop()
	select {
	case <-s.stopped:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.killed = true
	if s.child != nil {
		s.child.kill()
	}
	s.mu.Unlock()
	<-s.stopped
	return fmt.Errorf("embedded ClickHouse did not stop in time and was killed: %w", ctx.Err())
}

// NativeAddr is the host:port of the native protocol. It stays the same for
// the life of s.
func (s *Server) NativeAddr() string { return loopback(s.native.number) }

// HTTPAddr is the host:port of the HTTP interface. It stays the same for the
// life of s.
func (s *Server) HTTPAddr() string { return loopback(s.http.number) }

// Restarts counts the children started after the first.
func (s *Server) Restarts() int64 { return s.restarts.Load() }

// Pid is the process id of the child, 0 while there is none.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil {
		return 0
	}
	return s.child.cmd.Process.Pid
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
