package ingest

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// deadline keeps the timer of a connection's deadline from being set for each
// request, three times: one that is put off needs no timer until the earlier one has
// run out.
type deadline struct {
	// What holds, and what the connection was told, in Unix nanoseconds; 0 for none.
	due, told atomic.Int64
}

// put makes a deadline hold; tell tells the connection.
func (d *deadline) put(t time.Time, tell func(time.Time) error) error {
	due := int64(0)
	if !t.IsZero() {
		due = t.UnixNano()
	}
	d.due.Store(due)
	if told := d.told.Load(); told == due || told != 0 && (due == 0 || told <= due) {
		return nil
	}
	d.told.Store(due)
	return tell(t)
}

// early reports whether the connection gave up before its time, and has it go on.
func (d *deadline) early(err error, tell func(time.Time) error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	due := d.due.Load()
	t := time.Time{}
	if due != 0 {
		if t = time.Unix(0, due); !time.Now().Before(t) {
			return false
		}
	}
	d.told.Store(due)
	return tell(t) == nil
}

// Read reads until the deadline for reading.
func (c *connection) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if n > 0 || err == nil || !c.reading.early(err, c.Conn.SetReadDeadline) {
			return n, err
		}
	}
}

// Write writes until the deadline for writing.
func (c *connection) Write(b []byte) (written int, err error) {
	for {
		n, err := c.Conn.Write(b[written:])
		written += n
		if err == nil || !c.writing.early(err, c.Conn.SetWriteDeadline) {
			return written, err
		}
	}
}

// SetReadDeadline may be called while another goroutine reads.
func (c *connection) SetReadDeadline(t time.Time) error {
	return c.reading.put(t, c.Conn.SetReadDeadline)
}

// SetWriteDeadline may be called while another goroutine writes.
func (c *connection) SetWriteDeadline(t time.Time) error {
	return c.writing.put(t, c.Conn.SetWriteDeadline)
}

// SetDeadline sets both.
func (c *connection) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

var _ net.Conn = (*connection)(nil)
