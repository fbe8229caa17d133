package ingest

import (
	"bufio"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/stream"
)

func impatient(_ *Config, k *stream.Config) { k.Timeout = 500 * time.Millisecond }

// TestNothingIsAcknowledgedThatIsNotDurable: while Kafka is away, or hangs, the
// answer is 503, and afterwards all is well again.
func TestNothingIsAcknowledgedThatIsNotDurable(t *testing.T) {
	t.Parallel()
	r := start(t, impatient)
	acknowledged := uint64(0)
	taken := func() bool {
		if r.post(page(yes)).status != 204 {
			return false
		}
		acknowledged++
		return true
	}
	wait(t, "events are taken", taken)
	release := r.hang()
	var answered sync.WaitGroup // all at once: after a while the registry would not be sure of itself
	for what, body := range map[string]string{
		"allowed": page(yes), "anonymised": page(""), "dropped": `{"type":"ad_click","site":"shop","ad_placement":"top"}`,
		"half good": "[" + page(yes) + "," + page(`"title":1`) + "]",
	} {
		answered.Go(func() { r.post(body, represent).want(t, what+" while Kafka hangs", 503, "could not be made durable") })
	}
	answered.Wait()
	r.do("POST", "/v1/reset", `{"visitor_id":"v"}`).want(t, "a reset while Kafka hangs", 503)
	if a := r.post(page(yes), shop); a.status != 503 || len(a.cookies()) != 0 {
		t.Errorf("a visitor while Kafka hangs: %d, %v", a.status, a.cookies())
	}
	r.post(page(`"title":1`)).want(t, "rejected while Kafka hangs", 400, `"path":"title"`)
	r.do("GET", "/healthz", "").want(t, "health", 200)
	release()
	wait(t, "events are taken again", taken)
	// What nobody acknowledged may be in Kafka nevertheless, and is counted there.
	wait(t, "rejections are counted", func() bool { return counted(r.stored().sum)["shop pageview rejected invalid"] >= 1 })
	if n := r.exported()["shop pageview allowed granted"]; n != acknowledged {
		t.Errorf("%d events are said to have been allowed, want %d", n, acknowledged)
	}

	port, _ := strconv.Atoi(strings.Split(r.cluster.Config().Brokers[0], ":")[1])
	r.kafka.Close()
	r.post(page(yes)).want(t, "without Kafka", 503)
	r.startKafka(port)
	wait(t, "events are taken after a restart", taken)
}

// crowded takes nothing.
type crowded struct{ Durable }

func (crowded) Submit([]stream.Message) (*stream.Waiter, error) { return nil, stream.ErrOverloaded }

// TestTheAnswerIsTakenBack where nothing is taken: it gives nobody a cookie and prefers
// nothing.
func TestTheAnswerIsTakenBack(t *testing.T) {
	t.Parallel()
	r := start(t)
	whole := r.collector.events
	r.collector.events = crowded{whole}
	for _, path := range []string{"/v1/events", "/v1/pixel.gif"} {
		method, body := "POST", page(yes)
		if path == "/v1/pixel.gif" {
			method, path, body = "GET", path+"?site=shop&url=https://shop.example.jp/", ""
		}
		a := r.do(method, path, body, shop, represent)
		a.want(t, path, 503, "could not be made durable")
		if len(a.cookies()) > 0 || a.header.Get("Preference-Applied") != "" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: the answer has %v", path, a.header)
		}
	}
	r.collector.events = whole
	if a := r.post(page(yes), shop); a.status != 204 || len(a.cookies()) == 0 {
		t.Errorf("afterwards: %d, %v", a.status, a.cookies())
	}
}

// TestTooMuchIsWaiting for Kafka: further events are told to come back.
func TestTooMuchIsWaiting(t *testing.T) {
	t.Parallel()
	r := start(t, func(_ *Config, k *stream.Config) { k.MaxQueued = 1 << 20 })
	release := r.hang()
	batch := "[" + strings.Repeat(page(yes)+",", 300) + page(yes) + "]"
	var statuses [12]int
	var group sync.WaitGroup
	var refused atomic.Int64
	for i := range statuses {
		group.Go(func() {
			a := r.post(batch)
			if statuses[i] = a.status; a.status == 503 {
				refused.Add(1)
				a.want(t, "too much", 503)
			}
		})
	}
	wait(t, "some are refused", func() bool { return refused.Load() > 0 })
	release()
	group.Wait()
	taken := 0
	for _, status := range statuses {
		switch status {
		case 204:
			taken++
		case 503:
		default:
			t.Errorf("status %d", status)
		}
	}
	if taken == 0 {
		t.Error("none is taken")
	}
	r.accounted(map[string]uint64{"shop pageview allowed granted": uint64(taken) * 301})
}

// TestNotReady: events are not taken before the registry has all resets.
func TestNotReady(t *testing.T) {
	t.Parallel()
	r := start(t)
	var ready atomic.Pointer[error]
	r.collector.ready = func() error {
		if err := ready.Load(); err != nil {
			return *err
		}
		return nil
	}
	var err error = stream.ErrNotCaughtUp
	ready.Store(&err)
	for what, a := range map[string]answer{
		"events": r.post(page(yes)), "pixel": r.do("GET", pixelOfShop, ""), "reset": r.do("POST", "/v1/reset", `{"visitor_id":"v"}`), "readyz": r.do("GET", "/readyz", ""),
	} {
		a.want(t, what, 503, "not caught up")
	}
	r.do("GET", "/healthz", "").want(t, "health", 200)
	ready.Store(nil)
	r.post(page(yes)).want(t, "events", 204)
}

// TestRateLimit: one client address is told to wait, the others are not.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) {
		c.Rate, c.Burst = 1, 3
		var proxy Prefix
		if err := proxy.UnmarshalText([]byte("127.0.0.1")); err != nil {
			t.Fatal(err)
		}
		c.TrustedProxies = []Prefix{proxy}
	})
	hour := int64(time.Hour) // nothing comes back while the test runs
	r.collector.limiter.every, r.collector.limiter.depth = hour, 3*hour
	r.collector.limiter.tellApart(t, "192.0.2.1", "192.0.2.2", "2001:db8::", "2001:db8:0:1::")
	from := func(address string) string { return "X-Forwarded-For: " + address }
	for range 3 {
		r.post(page(""), from("192.0.2.1")).want(t, "within the burst", 204)
	}
	more := r.post(page(""), from("192.0.2.1"), shop)
	more.want(t, "one more", 429, "too many requests")
	if got := more.header.Get("Access-Control-Expose-Headers"); more.header.Get("Retry-After") == "" || got != "Retry-After" {
		t.Errorf("the page may read %q of %v", got, more.header)
	}
	r.do("GET", pixelOfShop, "", from("192.0.2.1")).want(t, "a pixel", 429)
	r.do("POST", "/v1/reset", `{"visitor_id":"v"}`, from("192.0.2.1")).want(t, "a reset", 429)
	r.post(page(""), from("192.0.2.2")).want(t, "another address", 204)
	r.post(page(""), from("6.6.6.6, 192.0.2.1")).want(t, "a made up hop before it", 429)
	r.post(page(""), from("6.6.6.6"), from("192.0.2.1")).want(t, "a made up header before it", 429)
	r.post(page(""), from("192.0.2.1, 127.0.0.1")).want(t, "a trusted hop behind it", 429)
	for range 3 {
		r.post(page(""), from("2001:db8::1")).want(t, "an IPv6 address", 204)
	}
	r.post(page(""), from("2001:db8::2")).want(t, "one of the same network", 429)
	r.post(page(""), from("2001:db8:0:1::1")).want(t, "one of another", 204)
	r.accounted(map[string]uint64{"shop pageview anonymised silent": 8, " unknown rejected rate_limited": 5, " pageview rejected rate_limited": 1})
}

// tellApart gives the addresses a bucket each: one in many thousands shares another's.
func (l *limiter) tellApart(t testing.TB, addresses ...string) {
	t.Helper()
	for buckets := map[*atomic.Int64]bool{}; len(buckets) < len(addresses); {
		l.seed = maphash.MakeSeed()
		clear(buckets)
		for _, a := range addresses {
			buckets[l.bucket(address(t, a))] = true
		}
	}
}

func address(t testing.TB, text string) netip.Addr {
	t.Helper()
	return must(netip.ParseAddr(text))(t)
}

// TestLimiter lets through what it should over time.
func TestLimiter(t *testing.T) {
	t.Parallel()
	l := newLimiter(10, 5)
	now := time.Now()
	taken := func(n int, after time.Duration) (ok int) {
		now = now.Add(after)
		for range n {
			if _, allowed := l.allow(address(t, "192.0.2.1"), now); allowed {
				ok++
			}
		}
		return ok
	}
	for i, c := range []struct {
		after time.Duration
		want  int
	}{{0, 5}, {0, 0}, {100 * time.Millisecond, 1}, {time.Second, 5}, {time.Hour, 5}, {-time.Hour, 0}} {
		if got := taken(20, c.after); got != c.want {
			t.Errorf("step %d: %d are let through, want %d", i, got, c.want)
		}
	}
	if wait, ok := newLimiter(0, 0).allow(address(t, "192.0.2.1"), now); !ok || wait != 0 {
		t.Error("rate 0 limits")
	}
}

// TestEveryEventIsAccountedFor under load, by many clients, of all kinds.
func TestEveryEventIsAccountedFor(t *testing.T) {
	t.Parallel()
	r := start(t)
	kinds := []struct {
		event string
		as    string
	}{
		{page(yes), "shop pageview allowed granted"},
		{page(""), "shop pageview anonymised silent"},
		{page(no), "shop pageview anonymised refused"},
		{`{"type":"ad_click","site":"shop","ad_placement":"top"}`, "shop ad_click dropped silent"},
		{page(`"title":1`), "shop pageview rejected invalid"},
		{`{"type":"pageview","site":"none","url":"https://a.example/"}`, " pageview rejected unknown_site"},
	}
	want := map[string]uint64{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for client := range 6 {
		group.Go(func() {
			for i := range 15 {
				var events []string
				for n := range 1 + (client+i)%9 {
					events = append(events, kinds[(client+i*n)%len(kinds)].event)
				}
				a := r.post("["+strings.Join(events, ",")+"]", represent)
				if a.status != 200 && a.status != 400 {
					t.Errorf("status %d", a.status)
				}
				mu.Lock()
				for n := range events {
					want[kinds[(client+i*n)%len(kinds)].as]++
				}
				mu.Unlock()
				if i%5 == 0 {
					r.post("{").want(t, "no JSON", 400)
					mu.Lock()
					want[" unknown rejected unreadable"]++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	r.accounted(want)
	// By recipient too, metrics and Kafka agree.
	sum := r.stored().sum
	exported := r.metricsText()
	byRecipient := map[string]uint64{}
	for d, n := range sum {
		if d.Recipient != "" {
			byRecipient[fmt.Sprintf("sekisho_recipient_events_total{recipient=%q,site=%q,type=%q,outcome=%q,reason=%q} ", d.Recipient, d.Site, d.Type, d.Outcome, d.Reason)] += n
		}
	}
	if len(byRecipient) == 0 {
		t.Error("no recipient is in the account")
	}
	for line, n := range byRecipient {
		if !strings.Contains(exported, line+strconv.FormatUint(n, 10)+"\n") {
			t.Errorf("the metrics have not %s%d", line, n)
		}
	}
	stored := map[schemas.Outcome]uint64{}
	for _, m := range r.stored().events {
		stored[record(t, m).Outcome]++
	}
	if stored[schemas.Allowed] != want[kinds[0].as] || stored[schemas.Anonymised] != want[kinds[1].as]+want[kinds[2].as] {
		t.Errorf("stored are %v, want %v", stored, want)
	}
}

// TestShutdownUnderLoad loses nothing that was acknowledged, answers what it no
// longer takes with 503, and ends in time though connections are kept.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) { c.ReadTimeout, c.IdleTimeout = 5*time.Minute, 5*time.Minute })
	for i := range 20 { // idle, some never used
		c := must(net.Dial("tcp", r.address))(t)
		defer c.Close()
		if i%2 == 0 {
			continue
		}
		_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
	}
	var acknowledged, refused atomic.Int64
	var stop atomic.Bool
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for !stop.Load() {
				a, err := r.try("POST", "/v1/events", page(yes))
				switch {
				case err != nil:
					if stop.Load() || r.collector.draining.Load() {
						return // the connection is closed, or no longer taken
					}
					t.Error(err)
				case a.status == 204:
					acknowledged.Add(1)
				case a.status == 503 && a.header.Get("Retry-After") != "":
					refused.Add(1)
				default:
					t.Errorf("status %d: %s", a.status, a.body)
				}
			}
		})
	}
	wait(t, "there is load", func() bool { return acknowledged.Load() > 100 })
	ctx, cancel := context.WithTimeout(t.Context(), plenty)
	defer cancel()
	started := time.Now()
	if err := r.collector.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	took := time.Since(started)
	r.producer.Close()
	stop.Store(true)
	group.Wait()
	if err := <-r.served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	t.Logf("%d acknowledged, %d refused, ended after %v", acknowledged.Load(), refused.Load(), took)
	if stored := len(r.stored().events); int64(stored) < acknowledged.Load() {
		t.Errorf("%d events are stored of %d acknowledged", stored, acknowledged.Load())
	}
	if _, err := r.try("GET", "/healthz", ""); err == nil {
		t.Error("it is still served")
	}
}

// TestShutdownEndsWithItsDeadline though a request is under way, and is safe
// twice.
func TestShutdownEndsWithItsDeadline(t *testing.T) {
	t.Parallel()
	r := start(t)
	release := r.hang()
	done := make(chan int)
	go func() { done <- r.post(page(yes)).status }()
	wait(t, "a request waits", func() bool { return r.producer.Queued() > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := r.collector.Shutdown(ctx); err == nil {
		t.Error("the request was not waited for")
	}
	if r.producer.Queued() == 0 {
		t.Error("the request was waited for")
	}
	release()
	if status := <-done; status != 204 {
		t.Errorf("the request was answered %d", status)
	}
	if err := r.collector.Shutdown(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}
