package standin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// now is the stand-ins' clock.
var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func options() Options {
	return Options{Listen: "127.0.0.1:0", Now: func() time.Time { return now }}
}

func stopped(t testing.TB, s *Server, err error) *Server {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// send posts a body, and returns status and body of the answer; status 0 is a
// connection that was cut.
func send(t testing.TB, url, body string, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// rulesOf lists the rules that were broken since it was last asked.
func rulesOf(s *Server) string {
	var rules []string
	for _, v := range s.Received().Listed {
		rules = append(rules, v.Rule)
	}
	s.Forget()
	return strings.Join(rules, " ")
}

func TestScript(t *testing.T) {
	s := startMeta(t)
	url := s.URL() + "/v21.0/1234/events?access_token=token"
	body := `{"data":[` + metaEvent + `]}`
	check := func(fault Fault, status int, contains string, kept uint64) {
		t.Helper()
		s.Forget()
		fault.Times = 1
		s.Misbehave(fault)
		got, text := send(t, url, body)
		if got != status || !strings.Contains(text, contains) {
			t.Errorf("%s: got %d %s", fault.Kind, got, text)
		}
		if n := s.Received().Events; n != kept {
			t.Errorf("%s: kept %d events, want %d", fault.Kind, n, kept)
		}
		s.Forget()
		if got, text := send(t, url, body); got != 200 {
			t.Errorf("after %s: got %d %s", fault.Kind, got, text)
		}
	}
	check(Fault{Kind: Throttle, RetryAfter: Duration(3 * time.Second)}, 429, "", 0)
	check(Fault{Kind: Limit}, 400, `"code":4`, 0)
	check(Fault{Kind: Error}, 500, `"code":2`, 0)
	check(Fault{Kind: Error, Status: 503}, 503, "", 0)
	check(Fault{Kind: Half}, 200, `"events_received":0`, 0)
	check(Fault{Kind: Reset}, 0, "", 1)
	check(Fault{Kind: Down}, 0, "", 0)
	check(Fault{Kind: Revoke}, 400, `"code":190`, 0)
	check(Fault{Kind: Delay, Delay: Duration(time.Millisecond)}, 200, `"events_received":1`, 1)
}

// A fault holds for its number of requests, then comes the next.
func TestScriptInOrder(t *testing.T) {
	s := startMeta(t)
	url := s.URL() + "/v21.0/1234/events?access_token=token"
	request, err := http.NewRequest(http.MethodPut, s.URL()+"/script", strings.NewReader(
		`[{"kind":"throttle","times":2,"retry_after":"90s"},{"kind":"error","times":1,"status":502},{"kind":"down"}]`))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusNoContent {
		t.Fatal(response, err)
	}
	response.Body.Close()
	for i, want := range []int{429, 429, 502, 0, 0, 0} {
		if got, _ := send(t, url, `{"data":[`+metaEvent+`]}`); got != want {
			t.Errorf("request %d: got %d, want %d", i, got, want)
		}
	}
	s.Misbehave()
	if got, text := send(t, url, `{"data":[`+metaEvent+`]}`); got != 200 {
		t.Errorf("got %d %s", got, text)
	}
	r := s.Received()
	if r.Events != 1 || r.Requests != 7 || r.Cut != 3 || r.Refused[Throttle] != 2 || r.Refused[Down] != 3 {
		t.Errorf("got %+v", r)
	}
}

func TestBadScript(t *testing.T) {
	s := startMeta(t)
	for _, script := range []string{`{}`, `[{"kind":"sulk"}]`, `[{"kind":"down","times":-1}]`, `[{"kind":"error","status":200}]`, `[{"kind":"delay","delay":3}]`, `[{"what":1}]`} {
		request, err := http.NewRequest(http.MethodPut, s.URL()+"/script", strings.NewReader(script))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d", script, response.StatusCode)
		}
	}
}

// Stopping does not wait for those who are delayed.
func TestStopWhileDelayed(t *testing.T) {
	s, err := StartMeta(options(), Meta{Pixel: "1234", Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	s.Misbehave(Fault{Kind: Delay, Delay: Duration(time.Hour)})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		http.Post(s.URL()+"/v21.0/1234/events", "", strings.NewReader("{}"))
	}()
	for s.script.waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// Over TLS a connection is reset as well.
func TestTLS(t *testing.T) {
	example := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(example.Close)
	o := options()
	o.TLS = &tls.Config{Certificates: example.TLS.Certificates}
	s, err := StartMeta(o, Meta{Pixel: "1234", Token: "token"})
	stopped(t, s, err)
	post := func() (int, error) {
		r, err := example.Client().Post(s.URL()+"/v21.0/1234/events?access_token=token", "application/json", strings.NewReader(`{"data":[`+metaEvent+`]}`))
		if err != nil {
			return 0, err
		}
		r.Body.Close()
		return r.StatusCode, nil
	}
	s.Misbehave(Fault{Kind: Reset, Times: 1})
	if _, err := post(); err == nil {
		t.Error("an answer came")
	}
	if status, err := post(); status != 200 || s.Received().Deduplicated != 1 {
		t.Errorf("got %d, %v, received %+v", status, err, s.Received())
	}
}

// What is remembered is bounded, and secrets are not.
func TestRecord(t *testing.T) {
	var heard atomic.Int64
	o := options()
	o.Keep = 3
	o.OnRequest = func(r Request) {
		if strings.Contains(r.Query.Encode(), "token") && !strings.Contains(r.Query.Encode(), "access_token=%E2%80%A6") {
			t.Errorf("the secret is in %v", r.Query)
		}
		heard.Add(1)
	}
	s, err := StartMeta(o, Meta{Pixel: "1234", Token: "hidden"})
	stopped(t, s, err)
	for i := range 10 {
		send(t, s.URL()+"/v21.0/1234/events?access_token=hidden", `{"data":[`+strings.Replace(metaEvent, "E1", strconv.Itoa(i), 1)+`]}`)
	}
	send(t, s.URL()+"/v21.0/1234/events", `{"access_token": "hidden","data":[`+strings.Replace(metaEvent, "E1", "9", 1)+`]}`)
	response, err := http.Get(s.URL() + "/received")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	var r Received
	if err = errors.Join(err, json.Unmarshal(text, &r)); err != nil {
		t.Fatal(err)
	}
	if r.Events != 10 || len(r.Last) != 3 || r.Identifiers["event_id"] != 10 || r.Deduplicated != 1 || heard.Load() != 11 {
		t.Errorf("got %s, heard %d", text, heard.Load())
	}
	if bytes.Contains(text, []byte("hidden")) {
		t.Error("the token is remembered")
	}
	page, err := http.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(page.Body)
	page.Body.Close()
	if err != nil || !bytes.Contains(html, []byte("Stand-in of meta")) {
		t.Errorf("got %s, %v", html, err)
	}
}

// waiting returns how many requests are being delayed.
func (s *script) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.delays
}
