package ingest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sekisho/stream"
)

// TestThousandsOfIdleConnections take little memory, others are served all the
// same, and when their time is over they are closed.
func TestThousandsOfIdleConnections(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	// Each takes a file here and one in the collector.
	connections := min(3000, int(files.Cur)/2-200)
	r := start(t, func(c *Config, _ *stream.Config) { c.ReadTimeout, c.IdleTimeout = 5*time.Minute, 5*time.Minute })
	used := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := used()
	all := make([]net.Conn, connections)
	for i := range all {
		c := must(net.Dial("tcp", r.address))(t)
		defer c.Close()
		all[i] = c
		switch i % 3 {
		case 0: // never used
		case 1:
			_, _ = io.WriteString(c, "POST /v1/ev")
		case 2:
			_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n")
			if _, err := http.ReadResponse(bufio.NewReaderSize(c, 512), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	wait(t, "all are connected", func() bool { return r.metric("sekisho_connections") == strconv.Itoa(connections) })
	each := (used() - before) / int64(connections)
	t.Logf("each of %d connections takes %d KiB", connections, each>>10)
	if each > 50<<10 {
		t.Error("that is more than the configuration says")
	}
	for range 20 {
		r.post(page(yes)).want(t, "an event among them", 204)
	}
	r.accounted(map[string]uint64{"shop pageview allowed granted": 20})
	for _, c := range all {
		c.Close()
	}
	wait(t, "their memory is given back", func() bool { return r.metric("sekisho_connections") == "0" || r.metric("sekisho_connections") == "1" })
}

// TestConnectionsBeyondAllBounds are closed and counted, and do not keep those
// there are from being served.
func TestConnectionsBeyondAllBounds(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) { c.Concurrency = 1 })
	release := r.hang() // one that waits is ended to make room, and one that is served is not
	served := r.dial("127.0.0.1")
	var answered sync.WaitGroup
	defer answered.Wait()
	defer release()
	answered.Go(func() {
		if a, err := ask(served); err != nil || a.StatusCode != 204 {
			t.Errorf("one that is served is answered %v, %v", a, err)
		}
	})
	wait(t, "one is served", func() bool { return r.producer.Queued() > 0 })
	refused := func() int { return must(strconv.Atoi(r.metric("sekisho_connections_refused_total")))(t) }
	wait(t, "some are refused", func() bool {
		for range 50 {
			r.dial("127.0.0.1")
		}
		return refused() >= 20
	})
}

// TestSlowCrowd: many that send slowly do not keep others from being served, and
// are counted when they are cut off.
func TestSlowCrowd(t *testing.T) {
	t.Parallel()
	r := start(t, quick, func(c *Config, _ *stream.Config) { c.IdleTimeout = 5 * time.Minute }) // of those served meanwhile
	head := "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
	const crowd = 200
	closed := make(chan struct{}, crowd)
	for i := range crowd {
		c := must(net.Dial("tcp", r.address))(t)
		defer c.Close()
		_, _ = io.WriteString(c, head[:20+i%(len(head)-20)])
		go func() { _, _ = io.Copy(io.Discard, c); closed <- struct{}{} }()
	}
	for range 10 {
		r.post(page(yes)).want(t, "an event among them", 204)
	}
	for range crowd {
		select {
		case <-closed:
		case <-time.After(plenty):
			t.Fatal("some are kept")
		}
	}
	wait(t, "they are counted", func() bool {
		malformed := must(strconv.Atoi(r.metric("sekisho_malformed_requests_total")))(t)
		return malformed >= crowd*9/10 // the others had sent their whole header
	})
	r.post(page(yes)).want(t, "afterwards", 204)
}

// TestSmuggling: whatever a request says of its length, what follows its body is
// not taken for another one by the collector and for a body by a proxy, or the
// other way round: such requests are refused, and their connection is closed.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	r := start(t)
	const hidden = "GET /healthz HTTP/1.1\r\nHost: c\r\nX-CANARY-smuggled: 1\r\n\r\n"
	ask := func(headers, body string) string {
		return r.raw("POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body + hidden)
	}
	check := func(what, headers, body string) {
		t.Helper()
		got := ask(headers, body)
		if strings.Contains(got, "HTTP/1.1 200") {
			t.Errorf("%s: the hidden request is answered:\n%s", what, got)
		}
	}
	const chunks = "0\r\n\r\n"
	length := func(n int) string { return "Content-Length: " + strconv.Itoa(n) + "\r\n" }
	if got := ask(length(0), ""); !strings.Contains(got, "HTTP/1.1 200") {
		t.Fatalf("what is another request is not answered: %s", got)
	}
	check("length, then chunked", length(len(chunks)+len(hidden))+"Transfer-Encoding: chunked\r\n", chunks)
	check("chunked, then length", "Transfer-Encoding: chunked\r\n"+length(len(chunks)+len(hidden)), chunks)
	check("two different lengths", length(0)+length(len(hidden)), "")
	check("lengths in a list", "Content-Length: 0, "+strconv.Itoa(len(hidden))+"\r\n", "")
	check("a length in hexadecimal", "Content-Length: 0x0\r\n", "")
	check("a length with a sign", "Content-Length: +0\r\n", "")
	check("a length with a space in it", "Content-Length: 0 0\r\n", "")
	check("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunks)
	check("chunked and not last", "Transfer-Encoding: chunked, identity\r\n", chunks)
	check("nearly chunked", "Transfer-Encoding: xchunked\r\n"+length(0), "")
	check("a space before the colon", "Transfer-Encoding : chunked\r\n"+length(0), "")
	check("a tab in the name", "Transfer-Encoding\t: chunked\r\n"+length(0), "")
	check("a folded line", "Transfer-Encoding:\r\n chunked\r\n"+length(0), "")
	check("a vertical tab", "Transfer-Encoding: \vchunked\r\n"+length(0), "")
	check("a NUL in a header", "X-Any: a\x00b\r\n"+length(0), "")
	check("a bare carriage return", "X-Any: a\rTransfer-Encoding: chunked\r\n"+length(0), "")
	check("a chunk size with a sign", "Transfer-Encoding: chunked\r\n", "+0\r\n\r\n")
	check("a chunk size with 0x", "Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n")
	check("a chunk without its end", "Transfer-Encoding: chunked\r\n", "1\r\nA"+chunks)
	check("a chunk longer than it says", "Transfer-Encoding: chunked\r\n", "1\r\nAA\r\n"+chunks)
	r.nowhere("CANARY-smuggled")
}
