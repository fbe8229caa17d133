package forward_test

import (
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
	"sekisho/sinks/standin"
	"sekisho/sinks/webhook"
)

// TestOneDown: while a recipient is down its events wait in Kafka and take no more
// memory however many there are, and others are served; when it is back it has all
// of them, once.
func TestOneDown(t *testing.T) {
	w := newWorld(t)
	var down atomic.Bool
	down.Store(true)
	dead := startReceiver(t, func(w http.ResponseWriter, _ string) bool {
		return !down.Load() || refuse(w, http.StatusServiceUnavailable)
	})
	alive := startReceiver(t, func(http.ResponseWriter, string) bool { return true })
	small := func(c *forward.Config) { c.MaxEvents = 100 }
	// The same recipient at two places stands for two: only the group tells.
	other := func(c *forward.Config) { c.Group += "-other"; c.MaxEvents = 100 }
	f := w.start(t, "partner", kindOf(t, "partner", dead.URL), small)
	g := w.start(t, "partner", kindOf(t, "partner", alive.URL), other)
	const batch, batches = 3000, 10
	var heap []int64
	for i := range batches {
		w.buys(t, batch)
		eventually(t, "the other recipient is served", func() bool { return g.events("sent") == float64(batch*(i+1)) })
		heap = append(heap, heapNow())
	}
	// What is under way differs by some MiB from moment to moment, and events that were kept would take twenty.
	if grown := heap[batches-1] - heap[3]; grown > 10<<20 {
		t.Errorf("the heap grew by %d KiB for %d more events that wait", grown>>10, batch*(batches-4))
	}
	if n := f.events("sent"); n > 0 {
		t.Errorf("%v events were sent to a recipient that is down", n)
	}
	eventually(t, "the lag is told", func() bool { return f.count("sekisho_forward_lag") == batch*batches })
	eventually(t, "the metrics tell that it is down", func() bool {
		return f.count("sekisho_forward_circuit_open") == 1 && f.count("sekisho_forward_oldest_unsent_seconds") > 0
	})
	down.Store(false)
	eventually(t, "all are sent", func() bool { return f.events("sent") == batch*batches })
	if n, again := dead.events(); n != batch*batches || again > 0 {
		t.Errorf("%d events were taken, %d of them again", n, again)
	}
	if f.events("dead") > 0 {
		t.Error("an outage made dead letters")
	}
	eventually(t, "the metrics tell that all is well", func() bool { // what is sent is committed after that
		return f.count("sekisho_forward_circuit_open") == 0 && f.count("sekisho_forward_oldest_unsent_seconds") == 0
	})
}

func heapNow() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestRevoked: when a token is no longer taken, forwarding pauses and tells; a new
// one, put where the old one was, is used without a restart, and nothing is lost.
func TestRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var log strings.Builder
	guarded := &lockedWriter{to: &log}
	var secrets struct {
		Secrets []strict.Secret `yaml:"secrets"`
	}
	const old, renewed = "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk", secret
	now := old
	read := func(string) ([]byte, error) { return []byte(now + "\n"), nil }
	if err := strict.Decode([]byte("secrets: ['file:/run/secret']"), &secrets); err != nil {
		t.Fatal(err)
	}
	if err := strict.Resolve(&secrets, nil, read); err != nil {
		t.Fatal(err)
	}
	v := vendorOf(t, "partner", standin.Options{Listen: "127.0.0.1:0"})
	kind, err := webhook.New(webhook.Config{URL: v.URL(), Secrets: secrets.Secrets, MaxEvents: 10})
	if err != nil {
		t.Fatal(err)
	}
	w.log = guarded.logger()
	w.buys(t, 30)
	f := w.start(t, "partner", kind)
	eventually(t, "it is paused", func() bool { return f.count("sekisho_forward_paused") == 1 })
	if f.Paused() != "unauthorised" || f.events("sent")+f.events("dead") > 0 {
		t.Errorf("paused for %q, %v sent", f.Paused(), f.events("sent"))
	}
	now = renewed
	if changed, err := strict.Refresh(&secrets, nil, read); !changed || err != nil {
		t.Fatal(changed, err)
	}
	f.Reloaded()
	eventually(t, "all are sent", func() bool { return f.events("sent") == 30 && f.count("sekisho_forward_paused") == 0 })
	text := guarded.text()
	if !strings.Contains(text, "paused until an operator acts") {
		t.Errorf("nobody was told: %s", text)
	}
	for _, s := range []string{old, renewed, strings.TrimPrefix(old, "whsec_"), "visitor-", "shop.example.jp"} {
		if strings.Contains(text, s) {
			t.Errorf("the log has %q", s)
		}
	}
	if got := v.Received(); got.Events != 30 || got.Deduplicated > 0 {
		t.Errorf("%d events were taken, %d again", got.Events, got.Deduplicated)
	}
}

// TestNothingSecretIsTold: neither the log nor the metrics have a secret, an
// address with one, or anything of an event, whatever goes wrong.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guarded := &lockedWriter{to: new(strings.Builder)}
	w.log = guarded.logger()
	w.buys(t, 5)
	var forwarders []*forwarder
	for _, fault := range []standin.Kind{standin.Down, standin.Reset, standin.Error, standin.Revoke, standin.Throttle, standin.Delay} {
		for _, v := range vendors(t) {
			v.Misbehave(standin.Fault{Kind: fault, Times: 3, Delay: standin.Duration(time.Minute)})
			forwarders = append(forwarders, w.start(t, v.recipient, v.kind, quick, func(c *forward.Config) { c.Group += string(fault) }))
		}
	}
	for _, f := range forwarders {
		eventually(t, f.recipient+" is settled", func() bool { return f.settledEvents() == 5 })
	}
	stopAll(forwarders)
	var told strings.Builder
	for _, f := range forwarders {
		f.set.WritePrometheus(&told)
	}
	text := told.String() + guarded.text()
	for _, s := range []string{"api-secret", "meta-token", "admin-token", secret, strings.TrimPrefix(secret, "whsec_"), "visitor-", "k1.", "shop.example.jp", "title-", "mp/collect?"} {
		if strings.Contains(text, s) {
			t.Errorf("%q is told", s)
		}
	}
	if !strings.Contains(text, "a request failed") {
		t.Error("nothing is told: the test tests nothing")
	}
}

// TestWrongPlace: a redirect is not followed, and pauses; a private address is not
// connected to unless its name is allowed.
func TestWrongPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buys(t, 3)
	elsewhere := startReceiver(t, func(http.ResponseWriter, string) bool { return true })
	moved := startReceiver(t, func(w http.ResponseWriter, _ string) bool {
		w.Header().Set("Location", elsewhere.URL)
		return refuse(w, http.StatusTemporaryRedirect)
	})
	f := w.start(t, "partner", kindOf(t, "partner", moved.URL))
	eventually(t, "it is paused", func() bool { return f.Paused() == "redirected" })
	g := w.start(t, "partner", kindOf(t, "partner", elsewhere.URL), func(c *forward.Config) { c.Group += "-private"; c.AllowPrivate = []string{"localhost"} })
	eventually(t, "the connection is refused", func() bool {
		return g.count("sekisho_forward_requests_total", `reason="private_address"`) > 0
	})
	if n, _ := elsewhere.events(); n > 0 {
		t.Errorf("%d events went where they should not", n)
	}
}
