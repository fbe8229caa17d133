package speed

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// TestBeaconsAreAllowed: what the benchmarks send must be what they say it is.
func TestBeaconsAreAllowed(t *testing.T) {
	for _, s := range []shape{{}, {Bytes: 300}, {Bytes: 2000}, {Bytes: 4000}, {Bytes: 8000}, {Events: 50}, {Sites: 20}, {Sites: 1, Bytes: 16000}} {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			rules := policy.Example
			if s.Sites > 0 {
				rules = policyOf(s.Sites)
			}
			file := filepath.Join(t.TempDir(), "policy.yaml")
			if err := os.WriteFile(file, rules, 0o600); err != nil {
				t.Fatal(err)
			}
			o := serverOptions{Policy: file, Secret: strings.Repeat("s", 32), Registry: strings.Repeat("r", 32)}
			c, err := o.unkept()
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = c.Serve(l) }()
			defer func() { _ = c.Shutdown(context.Background()) }()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			b := newBeacon(s, 3)
			b.bytes = []byte(strings.Replace(string(b.bytes), "Accept: */*", "Prefer: return=representation", 1))
			shift := len("Prefer: return=representation") - len("Accept: */*")
			for i := range b.ids {
				b.ids[i] += shift
			}
			if _, err := conn.Write(b.next(time.Now())); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if cookies := answer.Cookies(); len(cookies) > 0 {
				t.Errorf("who agreed before is given %v", cookies)
			}
			whole, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := string(whole)
			if want := max(s.Events, 1); strings.Count(got, `"outcome":"`+schemas.Allowed.String()+`","reason":"granted"`) != want || strings.Contains(got, "stripped") {
				t.Errorf("%s", got)
			}
			body := strings.SplitN(string(b.bytes), "\r\n\r\n", 2)[1]
			want := s.Bytes
			if want == 0 {
				want = usualBytes
			}
			if size := len(body) / max(s.Events, 1); size < want*85/100 || size > want*115/100 {
				t.Errorf("events have %d bytes, want about %d: %s", size, want, body)
			}
		})
	}
}
