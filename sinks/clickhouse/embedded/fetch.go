package embedded

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// fetchLibrary returns the path of a pinned library in cacheDir, fetching it
// first if it is not there. Safe in any number of processes at once (one
// fetches, the others wait for it) and after a kill at any moment: the library
// appears under its name whole, checked and fsynced.
func fetchLibrary(ctx context.Context, cacheDir string, pkg npmPackage, out io.Writer) (string, error) {
	dir := filepath.Join(cacheDir, "chdb-"+pkg.version+"-"+pkg.platform)
	if path, ok := findLibrary(dir); ok {
		return path, nil
	}
	if err := os.MkdirAll(cacheDir, 0o700); err != nil {
		return "", err
	}
	lock, err := lockFile(ctx, dir+".lock", false)
	if held := new(heldError); errors.As(err, &held) {
		fmt.Fprintln(out, "waiting for another process that is fetching ClickHouse")
		lock, err = lockFile(ctx, dir+".lock", true)
	}
	if err != nil {
		return "", fmt.Errorf("cannot lock cache directory %q: %w", cacheDir, err)
	}
	defer lock.Close()
	if path, ok := findLibrary(dir); ok {
		return path, nil
	}

	// Whatever is left under these names is of a process that was killed.
	work := dir + ".partial"
	if err := errors.Join(os.RemoveAll(work), os.RemoveAll(dir), os.Mkdir(work, 0o700)); err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	tarball, err := npmPack(ctx, work, pkg, lock, out)
	if err != nil {
		return "", err
	}
	if err := checkIntegrity(tarball, pkg.integrity); err != nil {
		return "", fmt.Errorf("npm package %s@%s refused: %w", pkg.name, pkg.version, err)
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := unpackLibrary(tarball, unpacked, out); err != nil {
		return "", fmt.Errorf("cannot unpack npm package %s@%s: %w", pkg.name, pkg.version, err)
	}
	if err := os.Rename(unpacked, dir); err != nil {
		return "", err
	}
	if err := syncDir(cacheDir); err != nil {
		return "", err
	}
	path, _ := findLibrary(dir)
	return path, nil
}

// findLibrary looks for the library under either of the names it goes by.
func findLibrary(dir string) (string, bool) {
	for _, name := range libraryNames() {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, true
		}
	}
	return "", false
}

func libraryNames() []string { return []string{"libchdb.so", "libchdb.dylib"} }

// npmPack downloads the package's tarball into dir. npm prints no progress when
// it is not on a terminal, so it gets a cache of its own, whose growth is shown.
// It also gets the lock, lest it work on in a directory that the next process,
// after a kill of this one, takes for its own.
func npmPack(ctx context.Context, dir string, pkg npmPackage, lock *os.File, out io.Writer) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", err
	}
	cache := filepath.Join(dir, "npm-cache")
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, npm, "pack", "--ignore-scripts",
		"--cache="+cache, "--pack-destination="+dir, pkg.name+"@"+pkg.version)
	cmd.Dir = dir
	cmd.Stderr = &stderr
	cmd.ExtraFiles = []*os.File{lock}
	cmd.WaitDelay = time.Second

	bar := newProgress(out, "fetching ClickHouse "+pkg.version, pkg.size)
	stop := bar.follow(func() int64 { return treeSize(cache) })
	err = cmd.Run()
	stop()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("npm pack failed: %w: %s", err, npmReason(stderr.String()))
	}
	bar.finish()
	tarballs, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(tarballs) != 1 {
		return "", fmt.Errorf("npm pack left %d tarballs, want 1", len(tarballs))
	}
	return tarballs[0], nil
}

// npmReason picks the first lines that npm marks as its error.
func npmReason(stderr string) string {
	var reasons []string
	for line := range strings.Lines(stderr) {
		reason, ok := strings.CutPrefix(strings.TrimSpace(line), "npm error ")
		if ok && len(reasons) < 2 {
			reasons = append(reasons, reason)
		}
	}
	if len(reasons) == 0 {
		return "npm gave no reason"
	}
	return strings.Join(reasons, "; ")
}

// checkIntegrity compares a file's SHA-512 with the pinned one.
func checkIntegrity(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("integrity is %s, pinned is %s", got, want)
	}
	return nil
}

// treeSize is how many bytes the files under dir hold, as far as can be seen
// while another process writes them.
func treeSize(dir string) int64 {
	var total int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}
