package ingest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/stream"
)

// TestHostileBodies: each gets a clear 4xx, is counted, and leaves nothing.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	r := start(t)
	const canary = "CANARY-payload"
	want := map[string]uint64{}
	check := func(what, body string, status int, as string, part string, headers ...string) {
		t.Helper()
		a := r.post(body, headers...)
		a.want(t, what, status, part)
		if strings.Contains(a.body, canary) {
			t.Errorf("%s: the payload is in the answer: %s", what, a.body)
		}
		want[as]++
	}
	const unreadable, invalid, tooLarge = " unknown rejected unreadable", "shop pageview rejected invalid", " unknown rejected too_large"
	title := func(text string) string { return page(`"title":` + text) }

	whole := title(`"` + canary + `"`)
	for _, cut := range []int{1, 10, len(whole) - 1} {
		check("truncated JSON", whole[:cut], 400, unreadable, "not JSON")
	}
	check("text", canary, 400, unreadable, "not JSON")
	check("something after the event", whole+canary, 400, unreadable, "not JSON")
	check("100 levels", title(strings.Repeat("[", 100)+`"`+canary+`"`+strings.Repeat("]", 100)), 400, unreadable, "nested too deeply")
	check("a million levels", strings.Repeat("[", 1<<20), 400, unreadable, "nested too deeply")
	check("10 MiB", title(`"`+canary+strings.Repeat("x", 10<<20)+`"`), 413, tooLarge, "too large")
	check("one byte too many", strings.Repeat(" ", 1<<20)+"1", 413, tooLarge, "too large")
	check("a long title", title(`"`+canary+strings.Repeat("x", 512)+`"`), 400, invalid, `"path":"title","problem":"must be at most 512 bytes"`)
	check("a raw NUL", title("\""+canary+"\x00\""), 400, unreadable, "not JSON")
	check("an escaped NUL", title(`"`+canary+`\u0000"`), 400, invalid, "without control characters")
	check("NULs", strings.Repeat("\x00", 1000), 400, unreadable, "not JSON")
	check("invalid UTF-8", title("\""+canary+"\xff\xfe\""), 400, unreadable, "not UTF-8")
	check("overlong UTF-8", title("\""+canary+"\xc0\xaf\""), 400, unreadable, "not UTF-8")
	check("UTF-16", "\xff\xfe{\x00}\x00", 400, unreadable, "not UTF-8")
	check("a number for a text", title("1"), 400, invalid, `"path":"title","problem":"must be a string"`)
	check("an object for a text", title(`{"a":"`+canary+`"}`), 400, invalid, `"path":"title"`)
	check("null for a text", title("null"), 400, invalid, `"path":"title"`)
	check("a text for a number", page(`"screen_width":"`+canary+`"`), 400, invalid, `"path":"screen_width","problem":"must be a number"`)
	check("infinity", page(`"screen_width":1e999`), 400, invalid, `"path":"screen_width"`)
	check("a negative number", page(`"screen_width":-1`), 400, invalid, `"path":"screen_width"`)
	check("a field twice", page(`"title":"a","title":"`+canary+`"`), 400, invalid, "appears twice")
	check("a key that is no name", page(`"`+canary+` <script>":1`), 400, invalid, `"path":"?"`)
	check("a property that is no name", page(`"properties":{"`+canary+` ":1}`), 400, invalid, `"path":"properties.?"`)
	check("too many events", "["+strings.Repeat("0,", 1000)+"0]", 400, unreadable, "more than 1000")
	check("too many values", "["+strings.Repeat("0,", 1<<18)+"0]", 400, unreadable, "too many values")
	for what, time := range map[string]string{
		"year 0": "0000-01-01T00:00:00Z", "1970": "1970-01-01T00:00:00Z", "year 9999": "9999-12-31T23:59:59Z",
		"the day after tomorrow": time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339),
		"two months ago":         time.Now().Add(-60 * 24 * time.Hour).UTC().Format(time.RFC3339),
		"no zone":                "2026-11-02T09:00:00", "a leap second": "2016-12-31T23:59:60Z", "hour 24": "2026-11-02T24:00:00Z",
		"a zone of a year": "2026-11-02T09:00:00+99:99", "a word": canary, "a Unix time": "1700000000",
	} {
		check("time: "+what, page(`"time":"`+time+`"`), 400, invalid, `"path":"time"`)
	}
	check("a number for a time", page(`"time":1700000000`), 400, invalid, `"path":"time"`)
	check("an id of the future", page(`"id":"ffffffff-ffff-7fff-bfff-ffffffffffff"`), 400, invalid, `"path":"time"`)
	check("an id of the past", page(`"id":"00000000-0000-7000-8000-000000000000"`), 400, invalid, `"path":"time"`)
	check("an id without a time", page(`"id":"9d4b2f0a-6a9e-4d3c-8d1e-2f1c3b4a5d6e"`), 400, invalid, `"path":"time"`)
	check("an id that is none", page(`"id":"`+canary+`"`), 400, invalid, `"path":"id"`)
	check("a script for an address", page(`"referrer":"javascript:alert('`+canary+`')"`), 400, invalid, `"path":"referrer"`)
	r.accounted(want)
	r.nowhere(canary)
}

// TestCompressionBombs are stopped at the limit, whatever they claim.
func TestCompressionBombs(t *testing.T) {
	r := start(t)
	bomb := page(`"title":"` + strings.Repeat("x", 48<<20) + `"`)
	for _, coding := range []string{"gzip", "br", "zstd"} {
		body := compressed(t, coding, bomb)
		if len(body) > 1<<20 {
			t.Fatalf("%s: the bomb is large itself", coding)
		}
		before := allocated()
		r.post(body, "Content-Encoding: "+coding).want(t, coding, 413, "too large after decompression")
		took := allocated() - before
		t.Logf("%s: a bomb of %d bytes had %d MiB allocated", coding, len(body), took>>20)
		if took > 32<<20 {
			t.Errorf("%s: too much", coding)
		}
		exact := page(`"title":""`)
		exact = strings.Repeat(" ", 4<<20-len(exact)) + exact
		r.post(compressed(t, coding, exact), "Content-Encoding: "+coding).want(t, coding+" of just the limit", 204)
		r.post(compressed(t, coding, exact+" "), "Content-Encoding: "+coding).want(t, coding+" of one byte more", 413)
	}
	// A frame that claims a window of 128 MiB (RFC 8878, section 3.1.1.1.2).
	claim := "\x28\xb5\x2f\xfd\x00\x88" + "\x01\x00\x00"
	r.post(claim, "Content-Encoding: zstd").want(t, "a huge window", 413)
	// One that claims to hold 2^60 bytes, in a single segment.
	size := binary.LittleEndian.AppendUint64([]byte("\x28\xb5\x2f\xfd\xe0"), 1<<60)
	r.post(string(size)+"\x01\x00\x00", "Content-Encoding: zstd").want(t, "a huge size", 413)
	r.post(compressed(t, "gzip", compressed(t, "gzip", page(""))), "Content-Encoding: gzip").want(t, "twice", 400)
	// Empty blocks without end.
	r.post("\x28\xb5\x2f\xfd\x00\x48"+strings.Repeat("\x00\x00\x00", 300<<10), "Content-Encoding: zstd").want(t, "nothing but empty blocks", 400)
	r.post(strings.Repeat(compressed(t, "gzip", ""), 30<<10), "Content-Encoding: gzip").want(t, "nothing but empty members", 400)
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestDecodersAreBounded: many compressed bodies at once take turns.
func TestDecodersAreBounded(t *testing.T) {
	t.Parallel()
	d := newDecoders()
	if cap(d) > 8 {
		t.Errorf("%d decoders", cap(d))
	}
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			text := strings.Repeat(strconv.Itoa(i), 1000)
			for c, name := range map[coding]string{gzipped: "gzip", brotlied: "br", zstandard: "zstd"} {
				if i%7 == 0 { // what is damaged leaves nothing behind in a decoder
					if _, err := d.decode(c, []byte(compressed(t, name, text)[:10]), nil, 1<<20); err == nil {
						t.Errorf("%s: a damaged body is taken", name)
					}
				}
				out, err := d.decode(c, []byte(compressed(t, name, text)), nil, 1<<20)
				if err != nil || string(out) != text {
					t.Errorf("%s: %d bytes, %v", name, len(out), err)
				}
			}
		})
	}
	group.Wait()
}

// quick has the collector wait for clients as long as it takes them to begin, and
// not much longer.
func quick(c *Config, _ *stream.Config) {
	c.ReadTimeout, c.IdleTimeout = 2*time.Second, 3*time.Second
}

// TestSlowClients are cut off, wherever they stop.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	request := "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n"
	chunked := "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	var all sync.WaitGroup
	defer all.Wait()
	check := func(what, sent, want string) {
		t.Helper()
		c := r.dial("127.0.0.1")
		_, _ = io.WriteString(c, sent)
		_ = c.SetReadDeadline(time.Now().Add(plenty))
		all.Go(func() {
			text, err := io.ReadAll(c)
			if err != nil || !strings.HasPrefix(string(text), want) {
				t.Errorf("%s: got %q, %v, want %q", what, text, err, want)
			}
		})
	}
	check("before anything", "", "")
	check("in the first line", "POST /v1/ev", "HTTP/1.1 408")
	check("in the header", request[:60], "HTTP/1.1 408")
	check("before the body", request, "HTTP/1.1 408")
	check("at the body's beginning", request+"{", "HTTP/1.1 408")
	check("far in the body", request+strings.Repeat(" ", 15000), "HTTP/1.1 408")
	check("before a chunk", chunked, "HTTP/1.1 408")
	check("in a chunk", chunked+"ffff\r\n{", "HTTP/1.1 408")
	check("after an answer", "GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n", "HTTP/1.1 200")

	// A byte now and then does not help.
	c := must(net.Dial("tcp", r.address))(t)
	defer c.Close()
	_, _ = io.WriteString(c, request)
	closed := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, c); close(closed) }()
	for deadline := time.Now().Add(plenty); ; time.Sleep(50 * time.Millisecond) {
		select {
		case <-closed:
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("a client that drips is kept")
		}
		_, _ = io.WriteString(c, " ")
	}
}

// TestDeclaredLengthCostsNothing: connections that declare large bodies and send
// none take little memory.
func TestDeclaredLengthCostsNothing(t *testing.T) {
	r := start(t, func(c *Config, _ *stream.Config) { c.ReadTimeout = 5 * time.Minute })
	request := "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat(" ", 9000)
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // empties the pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	const connections = 300
	before := heap()
	for range connections {
		c := must(net.Dial("tcp", r.address))(t)
		defer c.Close()
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "all have sent what they send", func() bool {
		return must(strconv.Atoi(r.metric("sekisho_buffered_bytes")))(t) >= connections*firstBuffer
	})
	each := (heap() - before) / connections
	t.Logf("a connection takes %d KiB", each>>10)
	if each > 100<<10 {
		t.Errorf("a connection that sent 9000 bytes takes %d KiB", each>>10)
	}
}

// TestMemoryOfBodiesIsBounded: what is over max_buffered is told to come back,
// and can.
func TestMemoryOfBodiesIsBounded(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) {
		c.MaxBuffered, c.MaxDecoded = 4<<20, 2<<20
		c.ReadTimeout = 5 * time.Minute
	})
	head := "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n"
	var open []net.Conn
	used := func() int64 { return must(strconv.ParseInt(r.metric("sekisho_buffered_bytes"), 10, 64))(t) }
	for i := range int64(2) { // each takes its body's buffer, and the one before it
		c := must(net.Dial("tcp", r.address))(t)
		defer c.Close()
		open = append(open, c)
		if _, err := io.WriteString(c, head+strings.Repeat(" ", 1<<20-100)); err != nil {
			t.Fatal(err)
		}
		wait(t, "the memory is taken", func() bool { return used() >= (i+1)*3<<19 })
	}
	r.post(strings.Repeat(" ", 900<<10)+page("")).want(t, "one more large body", 503)
	if used() > 4<<20 {
		t.Errorf("%d bytes are taken", used())
	}
	for _, c := range open {
		c.Close()
	}
	wait(t, "the memory is given back", func() bool { return used() == 0 })
	r.post(strings.Repeat(" ", 900<<10)+page("")).want(t, "a large body", 204)
	wait(t, "that of a served request too", func() bool { return used() == 0 })
}

// TestBadHTTP is answered or cut off, and never served.
func TestBadHTTP(t *testing.T) {
	t.Parallel()
	r := start(t)
	body := page(`"title":"CANARY-http"`)
	head := func(lines ...string) string {
		return "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	length := "Content-Length: " + strconv.Itoa(len(body))
	check := func(what, request string, want ...string) {
		t.Helper()
		got := r.raw(request)
		for _, w := range want {
			if strings.HasPrefix(got, w) {
				return
			}
		}
		t.Errorf("%s: got %.200q, want %q", what, got, want)
	}
	check("garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03CANARY-http\r\n\r\n", "HTTP/1.1 400")
	check("no version", "GET /CANARY-http\r\n\r\n", "HTTP/1.1 400")
	check("a space in the target", "GET /CANARY http HTTP/1.1\r\nHost: c\r\n\r\n", "HTTP/1.1 400", "HTTP/1.1 404")
	check("no colon", head("CANARY-http", length)+body, "HTTP/1.1 400")
	check("a space before the colon", head(length, "Transfer-Encoding : chunked")+body, "HTTP/1.1 400")
	check("two lengths", head("Content-Length: 1", length)+body, "HTTP/1.1 400")
	check("a length that is none", head("Content-Length: +5")+body, "HTTP/1.1 400")
	check("a negative length", head("Content-Length: -5")+body, "HTTP/1.1 400")
	check("length and chunks", head(length, "Transfer-Encoding: chunked")+"0\r\n\r\n"+body, "HTTP/1.1 400")
	check("unknown transfer coding", head("Transfer-Encoding: CANARY-http")+body, "HTTP/1.1 400", "HTTP/1.1 501")
	check("a chunk size that is none", head("Transfer-Encoding: chunked")+"zz\r\n"+body, "HTTP/1.1 400")
	check("a chunk of 2^63", head("Transfer-Encoding: chunked")+"8000000000000000\r\n"+body, "HTTP/1.1 400")
	check("chunks above the limit", head("Transfer-Encoding: chunked")+"200000\r\n"+strings.Repeat(" ", 2<<20)+"\r\n0\r\n\r\n", "HTTP/1.1 413")
	check("a header too large", head("X-Large: "+strings.Repeat("CANARY-http", 2000), length)+body, "HTTP/1.1 431")
	check("headers too many", head(strings.Repeat("X-Many: CANARY-http\r\n", 2000)+length)+body, "HTTP/1.1 431")
	check("a cookie too large", head("Cookie: sekisho_id="+strings.Repeat("x", 20000), length)+body, "HTTP/1.1 431")
	check("a target too large", "GET /v1/pixel.gif?site="+strings.Repeat("CANARY-http", 2000)+" HTTP/1.1\r\nHost: c\r\n\r\n", "HTTP/1.1 431")
	check("a body cut off", head("Content-Length: 5000")+body, "HTTP/1.1 400")
	check("a long body cut off", head("Content-Length: 50000")+strings.Repeat(body, 200), "HTTP/1.1 400")
	check("a bare line feed", strings.ReplaceAll(head(length), "\r\n", "\n")+body, "HTTP/1.1 204", "HTTP/1.1 400")

	for _, version := range []string{"HTTP/9.9", "HTTP/2.0", "HTTP/1.2", "HTTP/0.9"} {
		check(version, strings.Replace(head(length), "HTTP/1.1", version, 1)+body, "HTTP/1.1 505")
	}
	check("HTTP/1.0", strings.Replace(head(length), "HTTP/1.1", "HTTP/1.0", 1)+body, "HTTP/1.1 204", "HTTP/1.0 204")
	check("a folded header", head("X-Long: a\r\n CANARY-http", length)+body, "HTTP/1.1 400")
	check("a folded header by a tab", head(length, "X-Long: a\r\n\tContent-Length: 1")+body, "HTTP/1.1 400")
	check("a folded header, after a bare line feed", head(length, "X-Long: a\n Transfer-Encoding: chunked")+body, "HTTP/1.1 400")

	// What a request hides behind its body is not another one.
	hidden := "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: c\r\n\r\n"
	if got := r.raw(head("Transfer-Encoding: chunked", "Content-Length: 4") + hidden); strings.Count(got, "HTTP/1.1") > 1 {
		t.Errorf("a request was smuggled: %q", got)
	}
	r.nowhere("CANARY-http")
	if n, _ := strconv.Atoi(r.metric("sekisho_malformed_requests_total")); n < 10 {
		t.Errorf("%d malformed requests are counted", n)
	}
}

// TestPipelining: requests sent at once are answered in their order, also when
// some are refused before their body is read.
func TestPipelining(t *testing.T) {
	t.Parallel()
	r := start(t)
	body := page("")
	request := func(path, kind, body string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: c\r\nContent-Type: " + kind + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	}
	smuggled := "GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n"
	all := request("/v1/events", "application/json", body) +
		request("/v1/events", "text/html", smuggled) +
		request("/v1/nothing", "application/json", smuggled+smuggled) +
		request("/v1/events", "text/plain", "{") +
		"GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n" +
		request("/v1/events", "application/json", strings.Repeat(" ", 100_000)+body)
	reader := bufio.NewReader(strings.NewReader(r.raw(all)))
	for i, want := range []int{204, 415, 404, 400, 200, 204} {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		if response.StatusCode != want {
			t.Errorf("answer %d is %d, want %d", i, response.StatusCode, want)
		}
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("there is an answer to something smuggled: %q", rest)
	}
}

// TestExpectContinue is answered before the body is sent.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	r := start(t)
	c := must(net.Dial("tcp", r.address))(t)
	defer c.Close()
	body := page("")
	fmt.Fprintf(c, "POST /v1/events HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	reader := bufio.NewReader(c)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := reader.ReadString('\n'); err != nil || line != want {
			t.Fatalf("got %q, %v", line, err)
		}
	}
	_, _ = io.WriteString(c, body)
	if line, err := reader.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 204") {
		t.Errorf("got %q, %v", line, err)
	}
}

// TestExpectTooMuch: a client that asks whether it may send a body that is too
// large is told not to, and that is accounted for.
func TestExpectTooMuch(t *testing.T) {
	t.Parallel()
	r := start(t)
	ask := func(path, more string) {
		t.Helper()
		c := must(net.Dial("tcp", r.address))(t)
		defer c.Close()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n%s\r\n", path, more)
		answer, err := io.ReadAll(c) // until it is closed
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 4") || strings.Count(string(answer), "HTTP/1.1") != 1 {
			t.Errorf("%s: got %.100q, %v", path, answer, err)
		}
	}
	ask("/v1/events", "Content-Length: 100000000\r\n")
	ask("/v1/reset", "Content-Length: 100000000\r\n")
	ask("/v1/events", "X-Long: a\r\n b\r\nContent-Length: 10\r\n")
	r.accounted(map[string]uint64{" unknown rejected too_large": 1})
}

// TestTooManyConnections are told to come back, and health is still answered.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) { c.Concurrency = 10 })
	release := r.hang() // those that are served are not ended to make room
	var answered sync.WaitGroup
	defer answered.Wait()
	defer release()
	for range 10 {
		c := r.dial("127.0.0.1")
		answered.Go(func() {
			if a, err := ask(c); err != nil || a.StatusCode != 204 {
				t.Errorf("one of those is answered %v, %v", a, err)
			}
		})
	}
	wait(t, "they are served", func() bool { return r.metric("sekisho_requests_total") == "10" })
	a := r.post(page(""))
	a.want(t, "one more", 503, "too many connections")
	if !a.closes {
		t.Error("the connection is kept")
	}
	r.do("GET", "/healthz", "").want(t, "health", 200)
}

// TestPanicEndsOneRequest and leaves nothing taken.
func TestPanicEndsOneRequest(t *testing.T) {
	t.Parallel()
	r := start(t)
	var broken atomic.Bool
	broken.Store(true)
	whole := r.collector.events
	r.collector.events = switching{whole, &broken}
	a := r.post(page(yes), shop)
	a.want(t, "a panic", 500, "internal error")
	if len(a.cookies()) > 0 {
		t.Error("a cookie is set")
	}
	broken.Store(false)
	r.post(page(yes)).want(t, "the next request", 204)
	if r.metric("sekisho_panics_total") != "1" || r.metric("sekisho_buffered_bytes") != "0" {
		t.Errorf("panics %s, buffered %s", r.metric("sekisho_panics_total"), r.metric("sekisho_buffered_bytes"))
	}
	if log := r.log.String(); !strings.Contains(log, "process") {
		t.Errorf("the log does not say where:\n%s", log)
	}
	r.do("POST", "/v1/reset", `{"visitor_id":"v"}`).want(t, "a reset, which waits for all turns", 202)
	r.nowhere("CANARY-panic")
}

type switching struct {
	Durable
	broken *atomic.Bool
}

func (s switching) Submit(messages []stream.Message) (*stream.Waiter, error) {
	if s.broken.Load() {
		panic("CANARY-panic")
	}
	return s.Durable.Submit(messages)
}
