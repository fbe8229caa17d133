package embedded

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// unpackLibrary writes the library in an npm tarball, and nothing else of it,
// into the new directory dir, fsynced.
func unpackLibrary(tarball, dir string, out io.Writer) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	bar := newProgress(out, "unpacking ClickHouse", info.Size())
	read := &countingReader{Reader: f}
	stop := bar.follow(read.count.Load)
	err = unpackStream(read, dir)
	stop()
	if err != nil {
		return err
	}
	bar.finish()
	return nil
}

func unpackStream(tarball io.Reader, dir string) error {
	z, err := gzip.NewReader(tarball)
	if err != nil {
		return err
	}
	archive := tar.NewReader(z)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("there is no %s in it", libraryNames()[0])
		}
		if err != nil {
			return err
		}
		inPackage, name := path.Split(h.Name)
		if h.Typeflag == tar.TypeReg && inPackage == "package/" && slices.Contains(libraryNames(), name) {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			if err := writeSynced(filepath.Join(dir, name), archive); err != nil {
				return err
			}
			return syncDir(dir)
		}
	}
}

// countingReader says how far it was read, to any goroutine.
type countingReader struct {
	io.Reader
	count atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.count.Add(int64(n))
	return n, err
}

func writeSynced(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
