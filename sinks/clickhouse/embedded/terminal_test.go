package embedded

import (
	"net"
	"testing"
	"time"
)

// Whatever a client does to its connection, the engine goes on.
func TestUnrulyClients(t *testing.T) {
	s := startTest(t, t.TempDir())
	conn := connect(t, s)
	pid := s.Pid()
	reset := func(c net.Conn) {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	dial := func(addr string) net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatalf("the engine is gone: %v", err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
	for range 50 {
		reset(dial(s.NativeAddr()))

		c := dial(s.NativeAddr())
		_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		_, _ = c.Read(make([]byte, 100)) // until it hangs up
		c.Close()

		c = dial(s.HTTPAddr())
		_, _ = c.Write([]byte("POST /?query=SELECT+number+FROM+numbers(100000000) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"))
		if _, err := c.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		reset(c)
	}
	if n := queryCount(t, conn, "SELECT count() FROM numbers(10)"); n != 10 || s.Restarts() != 0 || s.Pid() != pid {
		t.Errorf("got %d rows, %d restarts", n, s.Restarts())
	}
}
