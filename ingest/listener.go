package ingest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// listener keeps the connections within their bounds: of one client address
// (IPv6: network) at most perAddress, unless it is a trusted proxy's, and at
// most limit of all together. Those beyond are told when to come back.
type listener struct {
	net.Listener
	trusted    func(netip.Addr) bool
	counters   *counters
	perAddress int // 0 is no bound
	crowded    int // from so many on those that keep others waiting have to go
	limit      int
	goodbyes   chan struct{} // one for each that is being refused

	mu    sync.Mutex // taken once when a connection begins and once when it ends
	open  map[*connection]struct{}
	of    map[netip.Addr]int
	swept time.Time
}

// patience is how long a connection may be without a whole request once there
// are too many: those who were told to come back then find room.
const patience = retryAfter * time.Second

// maxGoodbyes is how many refused connections are open until their clients have
// read why; goodbye is for how long. Beyond these they are closed at once.
const (
	maxGoodbyes = 64
	goodbye     = time.Second
)

func (c *Collector) listen(l net.Listener) *listener {
	return &listener{
		Listener: l, trusted: c.trusted, counters: c.counters, perAddress: c.config.MaxConnectionsPerAddress,
		crowded: c.config.Concurrency, limit: c.config.Concurrency + spareConnections,
		goodbyes: make(chan struct{}, maxGoodbyes),
		open:     make(map[*connection]struct{}), of: make(map[netip.Addr]int),
	}
}

// Accept returns the next connection that is within the bounds.
func (l *listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := addressOf(accepted.RemoteAddr())
		c := &connection{Conn: accepted, listener: l, peer: peer, client: l.counted(peer)}
		err = l.add(c, time.Now())
		if err == nil {
			return c, nil
		}
		if errors.Is(err, errOfAddress) {
			l.counters.refusedOfAddress.Inc()
			l.refuse(accepted, tooManyOfAddress)
		} else {
			l.refuse(accepted, tooManyConnections)
		}
	}
}

// addressOf is the zero address where there is none, as of a pipe.
func addressOf(peer net.Addr) netip.Addr {
	if tcp, ok := peer.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// counted is what a connection from the address counts for, or the zero address
// when it may have any number.
func (l *listener) counted(from netip.Addr) netip.Addr {
	if !from.IsValid() || l.perAddress == 0 || l.trusted(from) {
		return netip.Addr{}
	}
	return networkOf(from)
}

// add takes a connection, or says which bound it is beyond.
func (l *listener) add(c *connection, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.client.IsValid() && l.of[c.client] >= l.perAddress {
		return errOfAddress
	}
	if len(l.open) >= l.crowded && now.Sub(l.swept) >= patience/2 {
		l.swept = now
		l.sweep(now.Add(-patience).UnixNano())
	}
	if len(l.open) >= l.limit {
		return errConnections
	}
	c.waiting.Store(now.UnixNano())
	l.open[c] = struct{}{}
	if c.client.IsValid() {
		l.of[c.client]++
	}
	return nil
}

// sweep ends the connections that have waited since before a time, in
// nanoseconds: what they wait for comes too late.
func (l *listener) sweep(before int64) {
	for c := range l.open {
		if since := c.waiting.Load(); since != 0 && since < before {
			_ = c.SetReadDeadline(time.Unix(1, 0))
			l.counters.ended.Inc()
		}
	}
}

func (l *listener) remove(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c]; !ok {
		return
	}
	delete(l.open, c)
	if !c.client.IsValid() {
		return
	}
	if l.of[c.client]--; l.of[c.client] == 0 {
		delete(l.of, c.client)
	}
}

// What connections beyond the bounds are answered.
var (
	tooManyConnections = refusal(fasthttp.StatusServiceUnavailable, errConnections)
	tooManyOfAddress   = refusal(fasthttp.StatusTooManyRequests, errOfAddress)
)

func refusal(status int, problem error) []byte {
	body := fmt.Sprintf("{\"error\":%q}\n", problem)
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nRetry-After: %d\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", status, fasthttp.StatusMessage(status), retryAfter, len(body), body)
}

// refuse answers and closes a connection. It does not block: the answer fits
// the buffer of a new connection.
func (l *listener) refuse(c net.Conn, answer []byte) {
	l.counters.refused.Inc()
	_ = c.SetDeadline(time.Now().Add(goodbye))
	_, _ = c.Write(answer)
	select {
	case l.goodbyes <- struct{}{}:
	default:
		_ = c.Close()
		return
	}
	// Closed with a request unread, many clients would not see the answer.
	go func() {
		defer func() { <-l.goodbyes }()
		defer c.Close()
		if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			_, _ = io.CopyN(io.Discard, c, lingering)
		}
	}()
}

// connection is one that is served.
type connection struct {
	net.Conn
	listener *listener
	peer     netip.Addr // at its other end
	client   netip.Addr // for which it counts; zero when it counts for none
	// waiting is since when, in Unix nanoseconds, a whole request has been the
	// client's to send; 0 while one is served.
	waiting atomic.Int64

	reading, writing deadline
}

// Close may be called more than once.
func (c *connection) Close() error {
	c.listener.remove(c)
	return c.Conn.Close()
}

// begun notes that a request's header has come: the client has its body to send,
// or now waits itself.
func begun(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*connection); ok && ctx.Request.BodyStream() != nil {
		c.waiting.Store(ctx.Time().UnixNano())
	} else if ok {
		c.waiting.Store(0)
	}
}

// whole notes that the request has come whole.
func whole(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*connection); ok {
		c.waiting.Store(0)
	}
}

// ended notes that the next request is the client's to send.
func ended(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*connection); ok {
		c.waiting.Store(time.Now().UnixNano())
	}
}
