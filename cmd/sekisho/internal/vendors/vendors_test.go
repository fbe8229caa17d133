package vendors

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/local"
)

// TestConfiguration: what is printed is a configuration, and its secrets are
// there. Another start has the same.
func TestConfiguration(t *testing.T) {
	dir, err := local.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	s, err := Start(dir, Ports{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	file := filepath.Join(t.TempDir(), "sekisho.yaml")
	if err := os.WriteFile(file, []byte(s.Configuration()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	if err := config.Load(file, c); err != nil {
		t.Fatal(err)
	}
	if len(c.Forwarders) != 3 || c.Forwarders["google"].GA4.Endpoint != s.Google.URL() || c.Forwarders["meta"].Meta.Endpoint != s.Meta.URL() {
		t.Errorf("got %+v", c.Forwarders)
	}
	secret := c.Forwarders["google"].GA4.Streams["*"].APISecret.Reveal()
	again, err := Start(dir, Ports{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Stop(context.Background())
	text, err := os.ReadFile(again.GoogleSecret)
	if err != nil || len(secret) != 64 || string(text) != secret+"\n" {
		t.Errorf("got %d characters, then %d, %v", len(secret), len(text), err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
