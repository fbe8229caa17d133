package role

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/schemas/strict"
	"sekisho/sinks/webhook"
)

// TestMalformedSecretIsRefused: a rotated secret that is none leaves the old one in
// use, and is counted.
func TestMalformedSecretIsRefused(t *testing.T) {
	t.Parallel()
	const good, malformed = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ="
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(good)
	section := new(webhook.Config)
	section.SetDefaults()
	if err := strict.Decode([]byte("url: https://partner.example.com/\nsecrets: [\"file:"+file+"\"]\n"), section); err != nil {
		t.Fatal(err)
	}
	if err := strict.Resolve(section, os.LookupEnv, os.ReadFile); err != nil {
		t.Fatal(err)
	}
	c := &config.Config{Forwarders: map[string]config.Forwarder{"partner": {Webhook: section}}}
	set := metrics.NewSet()
	if _, err := kindOf(c, "partner", set); err != nil {
		t.Fatal(err)
	}
	write(malformed)
	ctx, stop := context.WithCancel(t.Context())
	var log bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		new(Forwarders).watchSecrets(ctx, c, set, slog.New(slog.NewTextHandler(&log, nil)))
	}()
	reloads := func(result string) string {
		var text strings.Builder
		set.WritePrometheus(&text)
		_, rest, _ := strings.Cut(text.String(), `sekisho_secret_reloads_total{result="`+result+`"} `)
		value, _, _ := strings.Cut(rest, "\n")
		return value
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); reloads("refused") != "1" && time.Now().Before(end); {
		<-tick.C
	}
	stop()
	<-done
	if reloads("refused") != "1" || reloads("accepted") != "0" || section.Secrets[0].Reveal() != good {
		t.Errorf("refused %s, accepted %s", reloads("refused"), reloads("accepted"))
	}
	if !strings.Contains(log.String(), "the old one stays in use") || strings.Contains(log.String(), malformed) {
		t.Errorf("the log: %s", log.String())
	}
}
