package speed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load drives a server over connections that stay open.
type load struct {
	address     string
	shape       shape
	connections int
	// rate is how many requests a second arrive on all connections together,
	// whether or not earlier ones have been answered; 0 sends the next request of
	// a connection once the last is answered.
	rate float64
}

// outcome is what came of a load.
type outcome struct {
	requests uint64
	refused  uint64 // answered with something else than success
	bytes    uint64 // of requests
	seconds  float64
	latency  Histogram
}

// run loads the server for a while. An answer that is no success is counted; a
// connection that breaks is an error.
func (l *load) run(ctx context.Context, during time.Duration) (*outcome, error) {
	workers := make([]*connection, l.connections)
	for i := range workers {
		c, err := l.dial(ctx, i)
		if err != nil {
			return nil, err
		}
		defer c.conn.Close()
		workers[i] = c
	}
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() {
		stop.Store(true)
		for _, c := range workers {
			c.conn.Close() // the server may hang
		}
	})()
	begun := time.Now()
	if l.rate == 0 {
		defer time.AfterFunc(during, func() { stop.Store(true) }).Stop()
	}
	var all sync.WaitGroup
	failures := make([]error, len(workers))
	for i, c := range workers {
		all.Go(func() {
			if l.rate > 0 {
				failures[i] = c.open(&stop, begun, during, l.rate/float64(l.connections))
			} else {
				failures[i] = c.closed(&stop)
			}
			if failures[i] != nil {
				stop.Store(true)
			}
		})
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := &outcome{seconds: max(time.Since(begun), during).Seconds()}
	for _, c := range workers {
		o.requests += c.requests
		o.refused += c.refused
		o.bytes += c.requests * uint64(len(c.beacon.bytes))
		o.latency.Merge(&c.latency)
	}
	// When a server ends all connections break; one of them says so.
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return o, nil
}

// connection sends one request after the other.
type connection struct {
	conn     net.Conn
	in       *bufio.Reader
	beacon   *beacon
	random   *rand.Rand
	requests uint64
	refused  uint64
	renewed  time.Time // when the deadline was
	latency  Histogram
}

func (l *load) dial(ctx context.Context, i int) (*connection, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, fmt.Errorf("cannot connect: %w", err)
	}
	return &connection{conn: conn, in: bufio.NewReaderSize(conn, 1024), beacon: newBeacon(l.shape, i), random: rand.New(rand.NewPCG(uint64(i), 5))}, nil
}

// closed sends one request at least: on a busy machine the time may be over before this
// connection has its turn.
func (c *connection) closed(stop *atomic.Bool) error {
	for now := time.Now(); ; {
		if err := c.exchange(now); err != nil {
			return err
		}
		end := time.Now()
		c.latency.Add(end.Sub(now))
		if now = end; stop.Load() {
			return nil
		}
	}
}

// open sends requests at times that do not depend on the answers. A request that
// could not be sent at its time waited, and its latency tells: it counts from
// when it was due. All that were due are sent, also those that wait at the end.
func (c *connection) open(stop *atomic.Bool, begun time.Time, during time.Duration, rate float64) error {
	for due := begun; ; {
		due = due.Add(time.Duration(c.random.ExpFloat64() / rate * float64(time.Second)))
		if due.Sub(begun) > during {
			return nil
		}
		for wait := time.Until(due); wait > 0; wait = time.Until(due) {
			if stop.Load() {
				return nil
			}
			time.Sleep(min(wait, 50*time.Millisecond))
		}
		if stop.Load() {
			return nil
		}
		if err := c.exchange(due); err != nil {
			return err
		}
		c.latency.Add(time.Since(due))
	}
}

// answerWithin is how long an answer may take, at least, before the server is given up.
const answerWithin = time.Minute

func (c *connection) exchange(now time.Time) error {
	if at := time.Now(); at.Sub(c.renewed) > answerWithin/2 { // seldom, as it is a timer
		c.renewed = at
		_ = c.conn.SetDeadline(at.Add(answerWithin * 3 / 2))
	}
	if _, err := c.conn.Write(c.beacon.next(now)); err != nil {
		return fmt.Errorf("cannot send a request: %w", err)
	}
	status, err := readAnswer(c.in)
	if err != nil {
		return fmt.Errorf("cannot read an answer: %w", err)
	}
	c.requests++
	if status != 200 && status != 204 {
		c.refused++
	}
	return nil
}

// readAnswer reads an HTTP/1.1 answer and returns its status.
func readAnswer(in *bufio.Reader) (status int, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch name, value, _ := bytes.Cut(line, []byte(":")); {
		case first && len(line) >= 12:
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, err
			}
		case first:
			return 0, errors.New("it does not begin with a status")
		case len(line) == 0:
			_, err = in.Discard(length)
			return status, err
		case len(name) == len("Content-Length") && bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}
