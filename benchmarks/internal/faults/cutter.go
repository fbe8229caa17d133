package faults

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// cutter stands between the sinks and ClickHouse, and can cut connections, at
// once or when the next answer comes, so that it is lost.
type cutter struct {
	listener net.Listener
	to       string
	lose     atomic.Int64 // answers still to be lost

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func newCutter(to string) (*cutter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cutter{listener: l, to: to, conns: map[net.Conn]struct{}{}}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	return c, nil
}

// Address is where it listens (host:port).
func (c *cutter) Address() string { return c.listener.Addr().String() }

// cut ends all connections.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		conn.Close()
	}
}

// loseAnswers has the next answers be lost, and their connections.
func (c *cutter) loseAnswers(n int) { c.lose.Store(int64(n)) }

func (c *cutter) mend() { c.lose.Store(0) }

func (c *cutter) close() { c.listener.Close(); c.cut() }

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer server.Close()
	c.mu.Lock()
	c.conns[client] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.conns, client)
	}()
	go func() {
		_, _ = io.Copy(server, client)
		server.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if n > 0 && c.lose.Load() > 0 && c.lose.Add(-1) >= 0 {
			return
		}
		if n > 0 {
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
