package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestForwarderTakesNewSecret: a forwarder whose token was revoked pauses, says so
// in its metrics, and goes on when the token's file has another one, without a
// restart and without a loss; another recipient is served meanwhile.
func TestForwarderTakesNewSecret(t *testing.T) {
	t.Parallel()
	f := newForwarding(t)
	token := filepath.Join(t.TempDir(), "meta-token")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(token, []byte("revoked-token-7\n"), 0o600))
	text, err := os.ReadFile(f.file)
	must(err)
	must(os.WriteFile(f.file, []byte(strings.Replace(string(text), "env:META_TOKEN", "file:"+token, 1)), 0o600))
	f.start(t)
	f.produce(t, 200)
	paused := func() string {
		for line := range strings.Lines(f.metrics(t)) {
			if rest, ok := strings.CutPrefix(line, `sekisho_forward_paused{recipient="meta"} `); ok {
				return strings.TrimSpace(rest)
			}
		}
		return ""
	}
	eventually(t, time.Minute, "forwarding to Meta to pause", func() bool { return paused() == "1" })
	eventually(t, time.Minute, "every event at Google", func() bool { return seen(f.google) == 200 })
	if n := seen(f.meta); n > 0 {
		t.Errorf("Meta has %d events", n)
	}
	must(os.WriteFile(token+".new", []byte("s2\n"), 0o600))
	must(os.Rename(token+".new", token))
	eventually(t, time.Minute, "every event at Meta", func() bool { return seen(f.meta) == 200 && paused() == "0" })
	if m := f.meta.Received(); m.Events != 200 || m.Deduplicated > 0 {
		t.Errorf("Meta has %d events, %d of them again", m.Events, m.Deduplicated)
	}
	if out := f.out.String(); strings.Contains(out, "revoked-token-7") || !strings.Contains(out, "paused until an operator acts") || !strings.Contains(out, "have changed and are in use") {
		t.Errorf("the log:\n%s", out)
	}
}
