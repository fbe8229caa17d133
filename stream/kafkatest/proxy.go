package kafkatest

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Proxy stands between a broker, which advertises the proxy's address as its
// own, and its clients. It can hang, cut connections, and disturb what is
// produced. Safe for concurrent use.
type Proxy struct {
	address string
	broker  atomic.Pointer[string]
	faults  faults
	watch   atomic.Pointer[func(Produced)]
	hanging sync.RWMutex // locked while it hangs

	mu       sync.Mutex
	listener net.Listener // nil while it is closed
	conns    map[net.Conn]struct{}
	serving  sync.WaitGroup
}

// NewProxy listens on a free port of loopback.
func NewProxy() (*Proxy, error) {
	p := &Proxy{conns: map[net.Conn]struct{}{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.address = l.Addr().String()
	p.serve(l)
	return p, nil
}

// Address is where clients find it (host:port), also while it is closed.
func (p *Proxy) Address() string { return p.address }

// SetBroker names the address of the broker.
func (p *Proxy) SetBroker(address string) { p.broker.Store(&address) }

// Open listens again after Close.
func (p *Proxy) Open() error {
	p.mu.Lock()
	open := p.listener != nil
	p.mu.Unlock()
	if open {
		return nil
	}
	l, err := p.listenAgain()
	if err != nil {
		return err
	}
	p.serve(l)
	return nil
}

// listenAgain listens where the proxy did. Somebody's connection may have that port
// for a moment: the system gives out those that are free.
func (p *Proxy) listenAgain() (l net.Listener, err error) {
	for range 600 {
		if l, err = net.Listen("tcp", p.address); !errors.Is(err, syscall.EADDRINUSE) {
			return l, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil, err
}

// Close refuses connections from now on and cuts those there are.
func (p *Proxy) Close() {
	p.mu.Lock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	p.mu.Unlock()
	p.Cut()
	p.serving.Wait()
}

// Cut ends all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// Hang has the proxy pass nothing on until the returned function is called.
func (p *Proxy) Hang() (release func()) {
	p.hanging.Lock()
	return sync.OnceFunc(p.hanging.Unlock)
}

func (p *Proxy) serve(l net.Listener) {
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.connect(client) })
		}
	})
}

func (p *Proxy) connect(client net.Conn) {
	defer client.Close()
	address := p.broker.Load()
	if address == nil || !p.add(client) {
		return
	}
	defer p.remove(client)
	broker, err := net.Dial("tcp", *address)
	if err != nil {
		return
	}
	defer broker.Close()
	c := &conn{proxy: p, produced: map[int32]produceRequest{}}
	var requests sync.WaitGroup
	requests.Go(func() {
		pass(broker, client, &p.hanging, c.request)
		broker.Close()
	})
	pass(client, broker, &p.hanging, c.response)
	client.Close()
	requests.Wait()
}

// add is false when the proxy was closed meanwhile.
func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// pass passes frames on until a connection ends. What edit returns is passed on
// instead of a frame, nothing for nil; io.EOF ends the connection.
func pass(to io.Writer, from io.Reader, hanging *sync.RWMutex, edit func([]byte) ([]byte, error)) {
	for {
		frame, err := readFrame(from)
		if err != nil {
			return
		}
		if frame, err = edit(frame); err != nil {
			return
		}
		hanging.RLock()
		hanging.RUnlock() //nolint:staticcheck // to wait is all that is wanted
		if frame == nil {
			continue
		}
		if err := writeFrame(to, frame); err != nil {
			return
		}
	}
}
