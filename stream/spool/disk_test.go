package spool

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// disk is a file system in memory that knows what has been synced. A crash
// leaves that and any part of the rest.
type disk struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	pending []nameChange // since the last sync of the directory
	locked  bool

	ops int
	// fail decides about each operation by its number; nil lets all succeed.
	fail func(op int, what string) error
}

// inode is a file.
type inode struct {
	data     []byte
	synced   []byte
	modified time.Time
}

// nameChange is an operation on names that is not durable yet.
type nameChange struct {
	name string // made, or renamed from, or removed
	to   string // renamed to
	node *inode // made
}

var errCrashed = errors.New("the machine has crashed")

func newDisk() *disk { return &disk{names: map[string]*inode{}, durable: map[string]*inode{}} }

// op begins an operation. The lock is held.
func (d *disk) op(what string) error {
	d.ops++
	if d.fail != nil {
		return d.fail(d.ops, what)
	}
	return nil
}

func (d *disk) Names() (names []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("names"); err != nil {
		return nil, err
	}
	for name := range d.names {
		names = append(names, name)
	}
	return names, nil
}

func (d *disk) Create(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("create"); err != nil {
		return nil, err
	}
	if d.names[name] != nil {
		return nil, fs.ErrExist
	}
	node := &inode{modified: time.Now()}
	d.names[name] = node
	d.pending = append(d.pending, nameChange{name: name, node: node})
	return &diskFile{d, node}, nil
}

func (d *disk) Open(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("open"); err != nil {
		return nil, err
	}
	node := d.names[name]
	if node == nil {
		return nil, fs.ErrNotExist
	}
	return &diskFile{d, node}, nil
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("rename"); err != nil {
		return err
	}
	node := d.names[from]
	if node == nil {
		return fs.ErrNotExist
	}
	delete(d.names, from)
	d.names[to] = node
	d.pending = append(d.pending, nameChange{name: from, to: to})
	return nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("remove"); err != nil {
		return err
	}
	if d.names[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.names, name)
	d.pending = append(d.pending, nameChange{name: name})
	return nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("sync directory"); err != nil {
		return err
	}
	d.durable, d.pending = map[string]*inode{}, nil
	for name, node := range d.names {
		d.durable[name] = node
	}
	return nil
}

func (d *disk) Lock() (io.Closer, error) {
	if d.locked {
		return nil, errors.New("locked")
	}
	d.locked = true
	return closer(func() error { d.locked = false; return nil }), nil
}

type closer func() error

func (c closer) Close() error { return c() }

type diskFile struct {
	disk *disk
	node *inode
}

func (f *diskFile) ReadAt(p []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op("read"); err != nil {
		return 0, err
	}
	if at >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write may write a part before it fails.
func (f *diskFile) Write(p []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op("write"); err != nil {
		if !errors.Is(err, errCrashed) {
			f.node.data = append(slices.Clip(f.node.data), p[:len(p)/2]...)
		}
		return len(p) / 2, err
	}
	f.node.data = append(slices.Clip(f.node.data), p...)
	return len(p), nil
}

func (f *diskFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op("truncate"); err != nil {
		return err
	}
	f.node.data = slices.Clip(f.node.data[:size])
	return nil
}

func (f *diskFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op("sync file"); err != nil {
		return err
	}
	f.node.synced = slices.Clone(f.node.data)
	return nil
}

func (f *diskFile) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.node.data)), f.disk.op("size")
}

func (f *diskFile) Modified() (time.Time, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.node.modified, nil
}

func (f *diskFile) Close() error { return nil }

// afterCrash returns a disk as it may be found after a crash: what was synced,
// and any part of what was not. With holes, blocks that were written later may
// be there though earlier ones are not.
func (d *disk) afterCrash(r *rand.Rand, holes bool) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := map[string]*inode{}
	for name, node := range d.durable {
		names[name] = node
	}
	keep := r.IntN(3) // none, all, or some
	for _, c := range d.pending {
		if keep == 0 || keep == 2 && r.IntN(2) == 0 {
			continue
		}
		switch {
		case c.node != nil:
			names[c.name] = c.node
		case c.to != "":
			if node := names[c.name]; node != nil {
				delete(names, c.name)
				names[c.to] = node
			}
		default:
			delete(names, c.name)
		}
	}
	after := newDisk()
	for name, node := range names {
		content := node.afterCrash(r, holes)
		found := &inode{data: content, synced: slices.Clone(content), modified: time.Now()}
		after.names[name], after.durable[name] = found, found
	}
	return after
}

func (n *inode) afterCrash(r *rand.Rand, holes bool) []byte {
	if len(n.data) <= len(n.synced) { // the file was cut, or is as it was synced
		if r.IntN(2) == 0 {
			return slices.Clone(n.data)
		}
		return slices.Clone(n.synced)
	}
	added := slices.Clone(n.data[len(n.synced):])
	switch r.IntN(5) {
	case 0:
		added = nil
	case 1: // all
	case 2, 3:
		added = added[:r.IntN(len(added)+1)]
	case 4: // the size is there and not all of the content
		clear(added[r.IntN(len(added)):])
	}
	if holes {
		const block = 16
		for at := 0; at < len(added); at += block {
			if r.IntN(2) == 0 {
				clear(added[at:min(at+block, len(added))])
			}
		}
	}
	return append(slices.Clone(n.synced[:min(len(n.synced), len(n.data))]), added...)
}
