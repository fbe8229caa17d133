package ingest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"sekisho/stream"
)

// dial opens a connection from an address of loopback.
func (r *rig) dial(from string) net.Conn {
	r.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: plenty}
	c := must(d.Dial("tcp", r.address))(r.t)
	r.t.Cleanup(func() { c.Close() })
	return c
}

// ask sends an event over a connection.
func ask(c net.Conn) (*http.Response, error) {
	body := page(yes)
	_ = c.SetDeadline(time.Now().Add(plenty))
	_, _ = fmt.Fprintf(c, "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return http.ReadResponse(bufio.NewReader(c), nil)
}

func wantStatus(t *testing.T, what string, c net.Conn, want int) {
	t.Helper()
	a, err := ask(c)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if a.StatusCode != want {
		t.Errorf("%s: got %s, want %d", what, a.Status, want)
	}
}

// TestOneAddressHoldsAllItCan: others are served, and it is told why it has no
// more. A trusted proxy may have any number.
func TestOneAddressHoldsAllItCan(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) {
		c.Concurrency, c.MaxConnectionsPerAddress = 40, 10
		c.ReadTimeout, c.IdleTimeout = 5*time.Minute, 5*time.Minute
		var proxy Prefix
		if err := proxy.UnmarshalText([]byte("127.0.0.9")); err != nil {
			t.Fatal(err)
		}
		c.TrustedProxies = []Prefix{proxy}
	})
	var first net.Conn
	for i := range 10 + 400 {
		if c := r.dial("127.0.0.2"); i == 0 {
			first = c
		}
	}
	wait(t, "those beyond are refused", func() bool {
		return r.metric("sekisho_connections_of_one_address_refused_total") == "400" && r.metric("sekisho_connections_refused_total") == "400"
	})
	wantStatus(t, "another address", r.dial("127.0.0.3"), 204)
	wantStatus(t, "one that it holds", first, 204)
	for range 20 {
		wantStatus(t, "a trusted proxy", r.dial("127.0.0.9"), 204)
	}
	wait(t, "it is told why", func() bool {
		a, err := ask(r.dial("127.0.0.2"))
		return err == nil && a.StatusCode == 429 && a.Header.Get("Retry-After") != ""
	})
	first.Close()
	wait(t, "its place is free", func() bool {
		a, err := ask(r.dial("127.0.0.2"))
		return err == nil && a.StatusCode == 204
	})
}

// TestCrowdFromManyAddresses: those who send nothing make room for others soon,
// long before their time is over, and meanwhile others are told to come back.
func TestCrowdFromManyAddresses(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) {
		c.Concurrency, c.MaxConnectionsPerAddress = 40, 10
		c.ReadTimeout, c.IdleTimeout = 5*time.Minute, 5*time.Minute
	})
	address := func(i int) string { return fmt.Sprintf("127.0.1.%d", 1+i/10) }
	for i := range 40 + spareConnections {
		c := r.dial(address(i))
		switch i % 4 {
		case 1:
			_, _ = io.WriteString(c, "POST /v1/ev")
		case 2:
			_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n")
		case 3:
			_, _ = io.WriteString(c, "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		}
	}
	begun := time.Now()
	wait(t, "one beyond all bounds is told", func() bool { // unless it is slow to ask
		a, err := ask(r.dial("127.0.0.3"))
		if err == nil && a.StatusCode != 204 && (a.StatusCode != 503 || a.Header.Get("Retry-After") == "") {
			t.Errorf("one beyond all bounds: %v", a)
		}
		return err == nil
	})
	wait(t, "another is served", func() bool {
		a, err := ask(r.dial("127.0.0.3"))
		return err == nil && a.StatusCode == 204
	})
	t.Logf("another is served after %v", time.Since(begun))
	if r.metric("sekisho_connections_ended_total") == "0" {
		t.Error("none is counted as ended")
	}
}
