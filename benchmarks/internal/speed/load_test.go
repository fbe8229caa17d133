package speed

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answering serves connections one request after the other, each as answer does.
func answering(t *testing.T, answer func(net.Conn) error) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					request, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					if _, err := in.Discard(int(request.ContentLength)); err != nil || answer(conn) != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func says(answer string) func(net.Conn) error {
	return func(c net.Conn) error {
		_, err := c.Write([]byte(answer))
		return err
	}
}

// TestEveryRequestThatWasDueCounts: a server that is slower than requests arrive
// makes them wait longer and longer, and none of them may be left out.
func TestEveryRequestThatWasDueCounts(t *testing.T) {
	const rate, during, each = 1000, 300 * time.Millisecond, 4 * time.Millisecond
	ok := says("HTTP/1.1 204 No Content\r\n\r\n")
	l := load{connections: 1, rate: rate, address: answering(t, func(c net.Conn) error {
		time.Sleep(each)
		return ok(c)
	})}
	o, err := l.run(t.Context(), during)
	if err != nil {
		t.Fatal(err)
	}
	if due := rate * during.Seconds(); float64(o.requests) < due*0.75 {
		t.Errorf("%d requests were sent; some %.0f were due", o.requests, due)
	}
	// The last one waits for all that were due before it.
	if most, want := o.latency.Quantile(1), time.Duration(o.requests)*each-during; most < want*9/10 {
		t.Errorf("the last one took %s, of which it waited for %s", most, want)
	}
	if o.refused > 0 || o.seconds < during.Seconds() {
		t.Errorf("%d refused within %v s", o.refused, o.seconds)
	}
}

// TestOneConnectionSaysThatTheServerEnded: hundreds need not.
func TestOneConnectionSaysThatTheServerEnded(t *testing.T) {
	l := load{connections: 20, address: answering(t, func(c net.Conn) error { return c.Close() })}
	if _, err := l.run(t.Context(), time.Second); err == nil || strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("%v", err)
	}
}

// TestInterruptedWhileTheServerHangs: it ends at once.
func TestInterruptedWhileTheServerHangs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{}, 2)
	l := load{connections: 2, address: answering(t, func(net.Conn) error {
		asked <- struct{}{}
		<-t.Context().Done()
		return nil
	})}
	go func() {
		<-asked
		cancel()
	}()
	begun := time.Now()
	if _, err := l.run(ctx, time.Hour); !errors.Is(err, context.Canceled) || time.Since(begun) > answerWithin/2 {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
}

// TestWhatIsNoSuccessIsRefused: only 200 and 204 are.
func TestWhatIsNoSuccessIsRefused(t *testing.T) {
	for answer, refused := range map[string]bool{
		"HTTP/1.1 204 No Content\r\n\r\n":                                   false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":                    false,
		"HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\n\r\nwrong":        true,
		"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n":       true,
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\naway": true,
	} {
		l := load{connections: 2, address: answering(t, says(answer))}
		o, err := l.run(t.Context(), 50*time.Millisecond)
		if err != nil {
			t.Errorf("%q: %v", answer, err)
			continue
		}
		want := uint64(0)
		if refused {
			want = o.requests
		}
		if o.requests < 2 || o.refused != want {
			t.Errorf("%q: of %d requests, %d were refused", answer, o.requests, o.refused)
		}
	}
	for _, answer := range []string{"204\r\n\r\n", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"} {
		if o, err := (&load{connections: 1, address: answering(t, func(c net.Conn) error { _ = says(answer)(c); return c.Close() })}).run(t.Context(), 50*time.Millisecond); err == nil {
			t.Errorf("%q is no error: %+v", answer, o.requests)
		}
	}
}
