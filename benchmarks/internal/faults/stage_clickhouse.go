package faults

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sekisho/sinks/clickhouse/embedded"
)

// clickHouse is the embedded ClickHouse, which starts again by itself when it
// ends, on a small disk and behind a proxy.
type clickHouse struct {
	server *embedded.Server
	proxy  *cutter
}

// clickHouseDisk is what its data may take.
const clickHouseDisk = 512 << 20

func (s *stage) startClickHouse(ctx context.Context) (*clickHouse, error) {
	dir := filepath.Join(s.dir, "clickhouse")
	s.addDisk("clickhouse", dir, clickHouseDisk)
	log, err := os.OpenFile(filepath.Join(s.logs, "clickhouse-supervisor.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	server, err := embedded.Start(ctx, embedded.Options{
		Dir: dir, MemoryLimit: 2 << 30, Log: slog.New(slog.NewTextHandler(log, nil)), Progress: s.options.Log,
	})
	if err != nil {
		return nil, err
	}
	proxy, err := newCutter(server.NativeAddr())
	if err != nil {
		return nil, err
	}
	return &clickHouse{server, proxy}, nil
}

func (c *clickHouse) signal(s syscall.Signal) error {
	pid := c.server.Pid()
	if pid == 0 {
		return os.ErrProcessDone
	}
	return syscall.Kill(pid, s)
}

// kill ends the engine at once and returns when another has begun.
func (c *clickHouse) kill() bool {
	before := c.server.Restarts()
	if c.signal(syscall.SIGKILL) != nil {
		return false
	}
	for deadline := time.Now().Add(time.Minute); c.server.Restarts() == before && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

func (c *clickHouse) close() {
	c.proxy.close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = c.server.Stop(ctx)
}

// disk is a small disk that can be filled.
type disk struct {
	name string
	dir  string
}

// addDisk mounts one, or notes that it cannot be had.
func (s *stage) addDisk(name, dir string, size int) {
	if err := mountSmall(dir, size); err != nil {
		s.notCovered = append(s.notCovered, "full disk of "+name+": "+err.Error())
		return
	}
	s.disks = append(s.disks, &disk{name, dir})
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves no room.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for len(block) > 0 {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) free() { os.Remove(d.ballast()) }
