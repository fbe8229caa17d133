package main_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// TestForwarderOtherSecret: a forwarder whose secret is another than that of the resets
// in Kafka does not start; one that was started before there were any sends nothing
// more and tells no recipient of a reset, which would be of a name that nobody knows.
func TestForwarderOtherSecret(t *testing.T) {
	t.Parallel()
	f := newForwarding(t)
	right := f.world.Keys
	for i, v := range f.env {
		if strings.HasPrefix(v, "SEKISHO_KEYS_SECRET=") {
			f.env[i] = "SEKISHO_KEYS_SECRET=" + strings.Repeat("o", 64)
		}
	}
	f.start(t)
	f.produce(t, 1)
	eventually(t, time.Minute, "the event to be sent", func() bool { return seen(f.google) == 1 })
	f.reset(t, right, "visitor-0")
	eventually(t, time.Minute, "the forwarder to say what is wrong", func() bool {
		return strings.Contains(f.out.String(), "keys.secret, or one of keys.previous, is another secret")
	})
	f.produce(t, 1)
	f.kill()
	f.start(t)
	ended := make(chan error, 1)
	go func() { ended <- f.process.Wait() }()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(f.out.String(), "keys.secret, or one of keys.previous, is another secret") {
			t.Errorf("%v: %s", err, f.out.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("the forwarder runs")
	}
	if n := seen(f.google); n != 1 || f.google.Received().Deletions > 0 {
		t.Errorf("%d events were sent", n)
	}
}

// TestReplayOtherSecret: neither does a replay send a third party anything under names
// that could never be forgotten, as from a machine with the configuration of another
// deployment. (It did.)
func TestReplayOtherSecret(t *testing.T) {
	t.Parallel()
	f := newForwarding(t)
	f.produce(t, 3)
	f.reset(t, f.world.Keys, "visitor-0")
	run := func(env ...string) (said string, err error) {
		replay := exec.Command(binary(t), "replay", "--into=recipient:google", "--config", f.file)
		replay.Env = append(f.env, env...)
		out, err := replay.CombinedOutput()
		return string(out), err
	}
	if said, err := run("SEKISHO_KEYS_SECRET=" + strings.Repeat("o", 64)); err == nil || !strings.Contains(said, "keys.secret, or one of keys.previous, is another secret") {
		t.Errorf("it ended with %v: %s", err, said)
	}
	if n := seen(f.google); n != 0 {
		t.Errorf("%d events were sent", n)
	}
	if said, err := run(); err != nil || seen(f.google) != 2 {
		t.Errorf("%d events were sent, want 2: %v: %s", seen(f.google), err, said)
	}
}

// reset puts a reset of a visitor on the resets topic.
func (f *forwarding) reset(t *testing.T, keys *enforcer.Keys, visitor string) {
	t.Helper()
	if _, err := f.resets.Append(t.Context(), []schemas.Reset{{
		Field: schemas.VisitorID, Hash: [16]byte{1}, At: time.Now(), Registry: "r:0", Secret: keys.Name(), Pseudonyms: keys.Pseudonyms(schemas.VisitorID, visitor),
	}}); err != nil {
		t.Fatal(err)
	}
}

// TestForwarderSites: a forwarder says at its start which sites of the policy it has no
// stream for, and which of its own the policy does not have, and runs.
func TestForwarderSites(t *testing.T) {
	t.Parallel()
	f := newForwarding(t)
	text, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	// The example policy gives Google the events of news, shop and travel.
	const stream = `{measurement_id: G-A1, api_secret: "env:GOOGLE_SECRET"}`
	if err := os.WriteFile(f.file, []byte(strings.Replace(string(text), `"*": `+stream, "shop: "+stream+", shoppe: "+stream, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.start(t)
	f.produce(t, 1)
	eventually(t, time.Minute, "the event to be sent", func() bool { return seen(f.google) == 1 && seen(f.meta) == 1 })
	out := f.out.String()
	for _, want := range []string{
		`names a site that the handling policy does not have" recipient=google site=shoppe`,
		`where the events of a site go: they become dead letters" recipient=google site=news`, `recipient=google site=travel`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the log does not say %s:\n%s", want, out)
		}
	}
	if strings.Contains(out, "recipient=google site=shop\n") || strings.Contains(out, "recipient=meta site") {
		t.Errorf("the log:\n%s", out)
	}
}
