package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeNpm puts a program named npm alone on PATH. It counts its calls in a file
// and delivers the tarball, or says why not.
func fakeNpm(t *testing.T, tarball []byte, reason string) (calls func() int) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"$@\" >> " + dir + "/calls\n" +
		"for a in \"$@\"; do case $a in --pack-destination=*) to=${a#*=};; esac; done\n"
	if reason != "" {
		script += "echo 'npm warn something else' >&2; echo 'npm error " + reason + "' >&2; exit 1\n"
	} else {
		script += "/bin/cp " + dir + "/tarball \"$to/package.tgz\"\n"
	}
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "tarball"), tarball, 0o600),
		os.WriteFile(filepath.Join(dir, "npm"), []byte(script), 0o700)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	return func() int {
		b, _ := os.ReadFile(filepath.Join(dir, "calls"))
		return bytes.Count(b, []byte("\n"))
	}
}

func tarballOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range files {
		content := "content of " + name
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packageOf(tarball []byte) npmPackage {
	sum := sha512.Sum512(tarball)
	return npmPackage{
		name: "@chdb/lib-test", version: "1.2.3", platform: "test",
		integrity: "sha512-" + base64.StdEncoding.EncodeToString(sum[:]),
		size:      int64(len(tarball)),
	}
}

func TestFetchOnceForAll(t *testing.T) {
	tarball := tarballOf(t, "package/index.js", "package/libchdb.so", "package/other.node")
	calls := fakeNpm(t, tarball, "")
	cache := filepath.Join(t.TempDir(), "cache")
	left := filepath.Join(cache, "chdb-1.2.3-test.partial", "npm-cache")
	if err := os.MkdirAll(left, 0o700); err != nil { // of a process that was killed
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			var out bytes.Buffer
			path, err := fetchLibrary(t.Context(), cache, packageOf(tarball), &out)
			if err != nil {
				t.Error(err)
				return
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != "content of package/libchdb.so" {
				t.Errorf("library holds %q, %v", b, err)
			}
		})
	}
	all.Wait()
	if n := calls(); n != 1 {
		t.Errorf("npm was called %d times, want once", n)
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "chdb-1.2.3-test chdb-1.2.3-test.lock"; got != want {
		t.Errorf("cache holds %s, want %s", got, want)
	}
	if files, _ := os.ReadDir(filepath.Join(cache, "chdb-1.2.3-test")); len(files) != 1 {
		t.Errorf("%d files were unpacked, want the library alone", len(files))
	}
}

func TestFetchRefuses(t *testing.T) {
	good := tarballOf(t, "package/libchdb.so")
	check := func(delivered []byte, pinned npmPackage, want string) {
		t.Helper()
		fakeNpm(t, delivered, "")
		cache := t.TempDir()
		_, err := fetchLibrary(t.Context(), cache, pinned, new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("fetch: %v, want %q", err, want)
		}
		if left, _ := filepath.Glob(filepath.Join(cache, "*", "*")); len(left) > 0 {
			t.Errorf("left in the cache: %q", left)
		}
	}
	check(append(bytes.Clone(good), 0), packageOf(good), "@chdb/lib-test@1.2.3 refused: integrity is sha512-")
	check(nil, packageOf(good), "refused: integrity is")
	check([]byte("no tarball"), packageOf([]byte("no tarball")), "cannot unpack")
	check(good[:len(good)/2], packageOf(good[:len(good)/2]), "cannot unpack")
	for _, files := range [][]string{{"package/index.js"}, {"libchdb.so"}, {"package/../../libchdb.so"}, {"package/deep/libchdb.so"}} {
		tarball := tarballOf(t, files...)
		check(tarball, packageOf(tarball), "no libchdb.so in it")
	}
}

func TestNoEngineNamesTheWaysOut(t *testing.T) {
	check := func(prepare func(), want ...string) {
		t.Helper()
		prepare()
		_, err := Start(t.Context(), Options{Dir: t.TempDir(), CacheDir: t.TempDir(), Progress: new(bytes.Buffer)})
		if err == nil {
			t.Fatal("it started")
		}
		want = append(want, "install npm", "embedded.clickhouse.library", "embedded.clickhouse.binary", "clickhouse.addresses")
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error is %q, want %q in it", err, w)
			}
		}
	}
	check(func() { t.Setenv("PATH", t.TempDir()) }, `"npm": executable file not found`)
	check(func() { fakeNpm(t, nil, "network request failed") }, "npm pack failed", "network request failed")
	check(func() { fakeNpm(t, tarballOf(t, "package/libchdb.so"), "") }, "integrity")
}

func TestFetchStopsWithItsContext(t *testing.T) {
	cache := t.TempDir()
	pkg := packageOf(nil)
	lock, err := lockFile(t.Context(), filepath.Join(cache, "chdb-1.2.3-test.lock"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := fetchLibrary(ctx, cache, pkg, new(bytes.Buffer)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("fetch: %v, want that the deadline passed", err)
	}
}

func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "fetching it", 200_000_000)
	p.show(50_000_000)
	p.show(300_000_000)
	p.finish()
	want := "fetching it (200 MB): started\nfetching it (200 MB): 25%\nfetching it (200 MB): 100%\nfetching it (200 MB): done\n"
	if out.String() != want {
		t.Errorf("progress is %q, want %q", out.String(), want)
	}
}
