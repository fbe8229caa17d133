package role

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/enforcer"
	"sekisho/ingest"
	"sekisho/schemas/policy"
	"sekisho/schemas/strict"
)

// TestExplainPage: the page answers who has the token, and leaves no trace of
// what it was asked.
func TestExplainPage(t *testing.T) {
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	x := ingest.NewExplainer(ingest.DefaultConfig(), enforcer.New(enforcer.Compile(p), nil, nil))
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	set := metrics.NewSet()
	admin, err := StartAdmin(config.Admin{Listen: "127.0.0.1:0", Token: strict.NewSecret("open sesame")}, set,
		func() error { return nil }, log, Page{"POST /explain", explainHandler(x)})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, token, accept, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+admin.Address()+"/explain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept", accept)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	const question = `{"event":{"type":"pageview","site":"shop","url":"https://shop.example.jp/","visitor_id":"canary"},"headers":{"Cookie":"sekisho_consent=1.2026-10-01.analytics"},"place":"JP"}`
	if status, _ := ask("POST", "wrong", "", question); status != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", status)
	}
	if status, _ := ask("GET", "open sesame", "", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", status)
	}
	status, text := ask("POST", "open sesame", "", question)
	var got enforcer.Explanation
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != http.StatusOK || got.Reason.String() != "granted" || got.Signals[0].From != "cookie sekisho_consent" {
		t.Errorf("%d: %v in %s", status, err, text)
	}
	if status, text := ask("POST", "open sesame", "text/plain", question); status != http.StatusOK || !strings.HasPrefix(text, "pageview of shop") {
		t.Errorf("as text: %d: %s", status, text)
	}
	for _, body := range []string{"", "canary", `{"headers":{}}`, `{"event":{},"canary":1}`, question + question, `{"event":"canary"}`, `{"event":[]}`} {
		if status, text := ask("POST", "open sesame", "", body); status != http.StatusBadRequest || strings.Contains(text, "canary") {
			t.Errorf("%q: %d: %s", body, status, text)
		}
	}
	if err := admin.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if logged.Len() > 0 {
		t.Errorf("logged: %s", &logged)
	}
}
