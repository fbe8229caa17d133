package spool

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func openDir(t testing.TB, dir string, limit int64) *Spool {
	t.Helper()
	c := DefaultConfig()
	c.Dir = dir
	d, err := openDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openFS(d, limit, min(max(limit/64, 64<<10), 16<<20), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// takeAll takes all records of a lane out.
func takeAll(t testing.TB, s *Spool, lane int) (all [][]byte) {
	t.Helper()
	for {
		records, err := s.Next(lane, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return all
		}
		for _, r := range records {
			all = append(all, bytes.Clone(r.Payload))
		}
		s.Done(lane, records)
	}
}

// TestDirectory: the files are for the owner alone, nothing is left of what is
// done, and one process at a time has the directory.
func TestDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "spool")
	c := Config{Dir: dir, MaxBytes: 16 << 20}
	s, err := Open(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d has it", os.Getpid())) {
		t.Errorf("a second process: %v", err)
	}
	for i := range 10 {
		if err := s.Append(i%2, []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v, %v", info.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(0, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if s, err = Open(c, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if st := s.Stats(); st.Records != 10 || time.Since(st.Oldest) > time.Minute || len(s.Lanes()) != 2 || s.Pending(0) != 5 {
		t.Errorf("after a restart: %+v", st)
	}
	for lane := range 2 {
		if got := fmt.Sprintf("%s", takeAll(t, s, lane)); got != map[int]string{0: "[0 2 4 6 8]", 1: "[1 3 5 7 9]"}[lane] {
			t.Errorf("lane %d: %s", lane, got)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if entries, _ = os.ReadDir(dir); len(entries) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("left are %v", entries)
		}
	}
	if st := s.Stats(); st.Records != 0 || st.Bytes != 0 || !st.Oldest.IsZero() {
		t.Errorf("all is done: %+v", st)
	}
}

// TestLimit: a full spool refuses, on disk it has no more than its limit, and
// it takes records again when some are done.
func TestLimit(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	dir := t.TempDir()
	s := openDir(t, dir, limit)
	defer s.Close()
	record := bytes.Repeat([]byte("x"), 10<<10)
	taken := 0
	for ; ; taken++ {
		err := s.Append(0, record)
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if taken < 95 || !s.Full() || !s.Stats().Refusing {
		t.Errorf("%d records of 10 KiB are taken; %+v", taken, s.Stats())
	}
	var onDisk int64
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, _ := e.Info()
		onDisk += info.Size()
	}
	if onDisk > limit {
		t.Errorf("%d bytes are on disk", onDisk)
	}
	for range 7 { // a segment's worth
		records, err := s.Next(0, 1)
		if err != nil || len(records) != 1 {
			t.Fatal(len(records), err)
		}
		s.Done(0, records)
	}
	if err := s.Append(0, record); err != nil || s.Full() || s.Stats().Refusing {
		t.Errorf("there is room again: %v, %+v", err, s.Stats())
	}
	if err := s.Append(0, make([]byte, MaxRecord+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a record too large: %v", err)
	}
}

// TestSmallestRecordsBoundTheIndex: the limit counts them by what they take in
// memory.
func TestSmallestRecordsBoundTheIndex(t *testing.T) {
	t.Parallel()
	s := openDir(t, t.TempDir(), 1<<20)
	defer s.Close()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for s.Append(0, nil) == nil {
			}
		})
	}
	group.Wait()
	if st := s.Stats(); st.Records > 1<<20/leastCost {
		t.Errorf("%d records", st.Records)
	}
}

// TestNewDirectoriesAreSynced: a power loss takes what is in a directory with any
// of the names that lead to it.
func TestNewDirectoriesAreSynced(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	check := func(path string, want ...string) {
		t.Helper()
		var synced []string
		err := makeDirectory(filepath.Join(root, path), func(name string) error {
			synced = append(synced, strings.TrimPrefix(name, root))
			return syncDirectory(name)
		})
		if err != nil || !slices.Equal(synced, want) {
			t.Errorf("%s: %q is synced, want %q; %v", path, synced, want, err)
		}
	}
	check("a/b/c", "/a/b", "/a", "")
	check("a/b/c", "/a/b")
	check("a/b/d/e", "/a/b/d", "/a/b")
	check("f", "")
}

// TestFullDisk on a real file system that is full: a tmpfs where one can be
// mounted, else a limit on the size of files.
func TestFullDisk(t *testing.T) {
	dir, room := smallDisk(t)
	s := openDir(t, filepath.Join(dir, "spool"), 1<<30)
	defer func() { s.Close() }()
	record := bytes.Repeat([]byte("x"), 50<<10)
	var want []string
	add := func() error {
		name := fmt.Sprintf("%d ", len(want))
		err := s.Append(0, append([]byte(name), record...))
		if err == nil {
			want = append(want, name)
		}
		return err
	}
	var err error
	for len(want) < 1000 && err == nil {
		err = add()
	}
	if err == nil || len(want) == 0 {
		t.Fatalf("%d records: %v", len(want), err)
	}
	t.Logf("after %d records: %v", len(want), err)
	if err := add(); err == nil {
		t.Error("the disk is full and one more is taken")
	}
	room() // back by itself
	if err := add(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openDir(t, filepath.Join(dir, "spool"), 1<<30)
	if st := s.Stats(); st.Damaged+st.Unfinished > 0 {
		t.Errorf("%+v", st)
	}
	got := takeAll(t, s, 0)
	if len(got) != len(want) {
		t.Fatalf("%d records came out, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.HasPrefix(got[i], []byte(want[i])) {
			t.Fatalf("record %d is %.5s", i, got[i])
		}
	}
}

// smallDisk returns a directory with room for little, and what makes room.
func smallDisk(t *testing.T) (dir string, room func()) {
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err == nil {
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 300<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Log("a tmpfs is mounted")
		return dir, func() { os.Remove(ballast) }
	}
	// The limit is the process's, so no other test may write at the same time.
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	limit := was
	limit.Cur = 700 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Log("no tmpfs can be mounted; the size of files is limited")
	back := sync.OnceFunc(func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was) })
	t.Cleanup(back)
	return dir, back
}

// TestIdleCostsNothing: what is asked for every batch while nothing is spooled.
func TestIdleCostsNothing(t *testing.T) {
	s := openDir(t, t.TempDir(), 1<<20)
	defer s.Close()
	if n := testing.AllocsPerRun(100, func() { _ = s.Pending(3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNoGoroutineIsLeft after Close.
func TestNoGoroutineIsLeft(t *testing.T) {
	s := openDir(t, t.TempDir(), 1<<20)
	s.Close()
	buffer := make([]byte, 1<<20)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) { // it may be about to end
		all := string(buffer[:runtime.Stack(buffer, true)])
		if !strings.Contains(all, "(*Spool).work(") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(all)
		}
	}
}

// BenchmarkAppend: batches that are appended at the same time share a sync.
func BenchmarkAppend(b *testing.B) {
	record := make([]byte, 16<<10)
	rand.NewChaCha8([32]byte{}).Read(record)
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("%d at once", writers), func(b *testing.B) {
			d, err := openDirectory(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			counted := &countedFS{directory: d}
			s, err := openFS(counted, 1<<40, 16<<20, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.SetBytes(int64(len(record)))
			b.ReportAllocs()
			var group sync.WaitGroup
			work := make(chan struct{})
			for lane := range writers {
				group.Go(func() {
					for range work {
						if err := s.Append(lane, record); err != nil {
							b.Error(err)
						}
						if records, err := s.Next(lane, 1<<20); err == nil && len(records) >= 8 {
							s.Done(lane, records)
						}
					}
				})
			}
			b.ResetTimer()
			for range b.N {
				work <- struct{}{}
			}
			close(work)
			group.Wait()
			b.ReportMetric(float64(counted.syncs)/float64(b.N), "syncs/op")
		})
	}
}

type countedFS struct {
	directory
	syncs int
}

func (c *countedFS) Create(name string) (File, error) {
	f, err := c.directory.Create(name)
	return &countedFile{f, c}, err
}

type countedFile struct {
	File
	fs *countedFS
}

func (f *countedFile) Sync() error {
	f.fs.syncs++
	return f.File.Sync()
}

// TestRefusingEnds: a spool that refused says that it takes records again as soon
// as it would, without anybody having to try.
func TestRefusingEnds(t *testing.T) {
	t.Parallel()
	full := func(t *testing.T, s *Spool) {
		t.Helper()
		for s.Append(0, make([]byte, 10<<10)) == nil {
		}
		if !s.Stats().Refusing {
			t.Error("it does not say that it refuses")
		}
	}
	ends := func(t *testing.T, s *Spool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); s.Stats().Refusing; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("it refuses still: %+v", s.Stats())
			}
		}
	}
	t.Run("drained", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := openDir(t, dir, 1<<20)
		defer s.Close()
		full(t, s)
		time.Sleep(probePause + probePause/2)
		if !s.Stats().Refusing {
			t.Error("it is full, and does not refuse")
		}
		for {
			records, err := s.Next(0, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(records) == 0 {
				break
			}
			s.Done(0, records)
		}
		ends(t, s)
	})
	t.Run("disk", func(t *testing.T) {
		t.Parallel()
		d := newDisk()
		s := openDisk(t, d)
		defer s.Close()
		var tried atomic.Int32
		d.mu.Lock()
		d.fail = func(_ int, what string) error {
			if what == "write" {
				tried.Add(1)
				return syscall.ENOSPC
			}
			return nil
		}
		d.mu.Unlock()
		full(t, s)
		for first := tried.Load(); tried.Load() == first; time.Sleep(10 * time.Millisecond) {
		}
		if !s.Stats().Refusing {
			t.Error("the disk is full, and it does not refuse")
		}
		d.mu.Lock()
		d.fail = nil
		d.mu.Unlock()
		ends(t, s)
		names, err := d.Names()
		if slices.Contains(names, probeName) || err != nil {
			t.Errorf("the probe is left: %v, %v", names, err)
		}
	})
}
