//go:build browser

package main_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sekisho/cmd/sekisho/internal/demosite"
)

// weather is what happens to the events on their way to the collector.
type weather int

const (
	fair weather = iota
	busy         // the collector answers 503
	lost         // the collector has them, the answer is lost
	slow         // they wait until the weather changes
)

// gate stands between a demo site's pages and the collector, makes the weather,
// and keeps what the browser sent.
type gate struct {
	collector http.Handler

	mu      sync.Mutex
	weather weather
	changed chan struct{} // closed at the next change
	passed  []request
}

// request is one with events, as the browser sent it.
type request struct {
	Body, Cookie string
	Weather      weather
}

// newGate starts a gate before u's collector and a demo site behind which it
// stands, and returns it with the site's address.
func newGate(t *testing.T, u *running) (*gate, string) {
	t.Helper()
	collector, err := url.Parse(u.Collector)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{collector: httputil.NewSingleHostReverseProxy(collector), changed: make(chan struct{})}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	t.Cleanup(func() { g.turn(fair) }) // lets go of what waits
	site, err := demosite.Start("127.0.0.1:0", byName(server.URL), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		_ = site.Stop(ctx)
	})
	return g, byName("http://" + site.Address())
}

func byName(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }

// turn changes the weather.
func (g *gate) turn(w weather) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.weather = w
	close(g.changed)
	g.changed = make(chan struct{})
}

// requests returns what came so far.
func (g *gate) requests() []request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]request(nil), g.passed...)
}

// attempts returns how many requests had the text in them in such weather.
func (g *gate) attempts(w weather, text string) (n int) {
	for _, r := range g.requests() {
		if r.Weather == w && strings.Contains(r.Body, text) {
			n++
		}
	}
	return n
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/events" || r.Method != http.MethodPost {
		g.collector.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.mu.Lock()
	now, changed := g.weather, g.changed
	g.passed = append(g.passed, request{Body: string(body), Cookie: r.Header.Get("Cookie"), Weather: now})
	g.mu.Unlock()
	switch now {
	case busy:
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.WriteHeader(http.StatusServiceUnavailable)
	case lost:
		g.collector.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case slow:
		<-changed
		// The page may be gone by now; its request is not.
		g.collector.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())))
	default:
		g.collector.ServeHTTP(w, r)
	}
}
