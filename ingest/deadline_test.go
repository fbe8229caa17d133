package ingest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"sekisho/stream"
)

// TestDeadlinesArePutOff: a connection is kept for as long as requests come, and
// idle for as long as the configuration says, whatever deadlines it had before; and
// not when it stops in a request after that.
func TestDeadlinesArePutOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) { c.ReadTimeout, c.IdleTimeout = time.Second, 5*time.Minute })
	c := must(net.Dial("tcp", r.address))(t)
	defer c.Close()
	in := bufio.NewReader(c)
	for _, pause := range []time.Duration{0, 400, 400, 400, 2200, 0, 1200, 100} {
		time.Sleep(pause * time.Millisecond)
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("after a pause of %d ms: %v, %v", pause, answer, err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHo")
	_ = c.SetReadDeadline(time.Now().Add(plenty))
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Errorf("a connection that stops in a request is kept: %v", err)
	}
}

// TestWriteDeadlineIsPutOff: what is written in part when the timer of an earlier
// deadline runs out is written to its end, and not beyond the deadline that holds.
func TestWriteDeadlineIsPutOff(t *testing.T) {
	t.Parallel()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer l.Close()
	client := must(net.Dial("tcp", l.Addr().String()))(t)
	defer client.Close()
	c := &connection{Conn: must(l.Accept())(t)}
	defer c.Conn.Close()
	_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
	const size = 32 << 20 // more than the system takes
	read := make(chan int64)
	go func() {
		time.Sleep(500 * time.Millisecond)
		n, _ := io.CopyN(io.Discard, client, size)
		read <- n
	}()
	if n, err := c.Write(make([]byte, size)); n != size || err != nil {
		t.Errorf("%d bytes were written: %v", n, err)
	}
	if n := <-read; n != size {
		t.Errorf("%d bytes were read", n)
	}
	_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := c.Write(make([]byte, size)); n == size || err == nil {
		t.Errorf("%d bytes were written beyond the deadline: %v", n, err)
	}
}
