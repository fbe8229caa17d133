package demosite

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

const collector = "http://localhost:1"

// start serves the site for a test and returns its address as browsers have it.
func start(t *testing.T) string {
	t.Helper()
	s, err := Start("127.0.0.1:0", collector, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	_, port, _ := strings.Cut(s.Address(), ":")
	return "http://localhost:" + port
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, address string) (*http.Response, string) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestPages(t *testing.T) {
	site := start(t)
	check := func(path string, status int, says ...string) {
		t.Helper()
		answer, body := get(t, site+path)
		if answer.StatusCode != status {
			t.Errorf("%s: got %s, want %d", path, answer.Status, status)
		}
		for _, text := range says {
			if !strings.Contains(body, text) {
				t.Errorf("%s does not say %q", path, text)
			}
		}
	}
	check("/", 200, "Suzuka Kabusecha", "¥2,400", "¥980")
	check("/product/arai-gyokuro", 200, `id="ad"`, `data-placement="product"`, `href="/checkout?item=arai-gyokuro"`)
	check("/product/coffee", 404, "No such page")
	check("/checkout?item=arai-gyokuro", 200, `data-value="2400"`, `data-currency="JPY"`)
	check("/checkout?item=%3Cscript%3E", 200, "Hakone Sencha")
	check("/thanks?order=EX-0A1B2C3D", 200, "EX-0A1B2C3D")
	check("/privacy", 200, `id="analytics"`, `id="advertising"`, `id="social"`, `id="forget"`, "tools.google.com")
	check("/advertiser", 200, "Example Ironworks")
	check("/elsewhere", 404, "No such page")
	check("/static/shop.css", 200, "--paper")
	if _, body := get(t, site+"/thanks?order=%3Cb%3E"); strings.Contains(body, "<b>\"") || strings.Contains(body, "%3Cb") || strings.Contains(body, `id="number"`) {
		t.Error("/thanks repeats what is no order number")
	}
}

// TestEveryPageKeepsTheRules looks at what all pages have in common.
func TestEveryPageKeepsTheRules(t *testing.T) {
	site := start(t)
	inline := regexp.MustCompile(`(?i)\son[a-z]+=|\sstyle=|<style|<script>|<script [^>]*>[^<]|javascript:|<form`)
	address := regexp.MustCompile(`(?:src|href)="(https?://[^"]*)"`)
	for _, path := range []string{"/", "/product/hakone-sencha?q=1", "/checkout", "/thanks", "/privacy", "/advertiser", "/missing"} {
		answer, body := get(t, site+path)
		policy := answer.Header.Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'none'", "script-src 'self' " + collector, "connect-src " + collector, "frame-ancestors 'none'"} {
			if !strings.Contains(policy, rule) {
				t.Errorf("%s: the policy %q has no %q", path, policy, rule)
			}
		}
		if found := inline.FindString(body); found != "" {
			t.Errorf("%s has %q inline", path, found)
		}
		if len(answer.Cookies()) > 0 {
			t.Errorf("%s sets a cookie", path)
		}
		bare, _, _ := strings.Cut(path, "?")
		pixel := `<noscript><img class="pixel" src="` + collector + `/v1/pixel.gif?site=shop&amp;url=` + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(site+bare) + `"`
		if !strings.Contains(body, pixel) {
			t.Errorf("%s has no pixel %s", path, pixel)
		}
		for _, match := range address.FindAllStringSubmatch(body, -1) {
			optOut := strings.Contains(match[1], "gaoptout") || strings.Contains(match[1], "facebook.com/settings")
			if !strings.HasPrefix(match[1], collector+"/") && !optOut {
				t.Errorf("%s refers to %s", path, match[1])
			}
		}
	}
}

// TestNoLinkIsDead follows every link of the site from its first page.
func TestNoLinkIsDead(t *testing.T) {
	site := start(t)
	link := regexp.MustCompile(`(?:src|href)="(/[^"#]*)`)
	seen := map[string]bool{"/": true}
	for next := []string{"/"}; len(next) > 0; next = next[1:] {
		answer, body := get(t, site+next[0])
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", next[0], answer.Status)
		}
		for _, match := range link.FindAllStringSubmatch(body, -1) {
			if !seen[match[1]] {
				seen[match[1]] = true
				next = append(next, match[1])
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d links were found", len(seen))
	}
}

func TestLoopbackAddressIsSentToLocalhost(t *testing.T) {
	site := start(t)
	answer, _ := get(t, strings.Replace(site, "localhost", "127.0.0.1", 1)+"/product/hakone-sencha?q=1")
	if got, want := answer.Header.Get("Location"), site+"/product/hakone-sencha?q=1"; answer.StatusCode != http.StatusFound || got != want {
		t.Errorf("got %s to %q, want a redirect to %q", answer.Status, got, want)
	}
}

func TestStart(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	check := func(listen, collector, says string) {
		t.Helper()
		s, err := Start(listen, collector, log)
		if err == nil {
			stop(t, s)
			t.Errorf("Start(%q, %q) succeeded", listen, collector)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("Start(%q, %q): got %q, want %q", listen, collector, err, says)
		}
	}
	check("127.0.0.1:0", "", "must be given as http://host:port")
	check("127.0.0.1:0", "localhost:8601", "must be given as http://host:port")
	check("127.0.0.1:0", "http://localhost:8601/", "must be given as http://host:port")
	check("127.0.0.1:0", "http://localhost:8601; script-src *", "must be given as http://host:port")
	check("127.0.0.1:0", "ftp://localhost", "must be given as http://host:port")

	s, err := Start("127.0.0.1:0", collector, log)
	if err != nil {
		t.Fatal(err)
	}
	check(s.Address(), collector, "--demo-port")
	stop(t, s)
	stop(t, s)
}
