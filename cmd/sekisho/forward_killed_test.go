package main_test

import (
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/enforcer"
	"sekisho/schemas/policy"
	"sekisho/sinks/forward/forwardtest"
	"sekisho/sinks/standin"
	"sekisho/stream"
	"sekisho/stream/embedded"
)

// TestForwarderKilled: sekisho forward is killed again and again while events
// come in. Each recipient has every event in the end. Meta has each once; of
// Google, which knows no event again, the doubles are those that were sent and
// not yet committed when it was killed.
func TestForwarderKilled(t *testing.T) {
	const events, kills = 3000, 2
	secret := strings.Repeat("s", 64)
	w := forwardtest.Example(t)
	var err error
	if w.Keys, err = enforcer.NewKeys("k1", []byte(secret)); err != nil {
		t.Fatal(err)
	}
	broker, err := embedded.Start(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	google, err := standin.StartGoogle(standin.Options{Listen: "127.0.0.1:0"}, standin.Google{Secrets: map[string]string{"G-A1": "s1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { google.Stop(t.Context()) })
	meta, err := standin.StartMeta(standin.Options{Listen: "127.0.0.1:0"}, standin.Meta{Pixel: "1", Token: "s2"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { meta.Stop(t.Context()) })
	// Slow, so that requests are under way whenever it is killed.
	google.Misbehave(standin.Fault{Kind: standin.Delay, Delay: standin.Duration(10 * time.Millisecond)})
	meta.Misbehave(standin.Fault{Kind: standin.Delay, Delay: standin.Duration(100 * time.Millisecond)})

	env := append(environment(),
		"SEKISHO_POLICY="+write(t, "policy.yaml", string(policy.Example)), "SEKISHO_KAFKA_BROKERS="+broker.Address(),
		"SEKISHO_KEYS_SECRET="+secret, "SEKISHO_ADMIN_LISTEN=127.0.0.1:0", "GOOGLE_SECRET=s1", "META_TOKEN=s2",
	)
	file := write(t, "sekisho.yaml", fmt.Sprintf(`forwarders:
  google:
    ga4: {endpoint: %s, streams: {"*": {measurement_id: G-A1, api_secret: "env:GOOGLE_SECRET"}}}
    delivery: {allow_private: [127.0.0.1], max_wait: 20ms}
  meta:
    meta: {endpoint: %s, pixels: {"*": {id: "1", token: "env:META_TOKEN"}}}
    delivery: {allow_private: [127.0.0.1], max_wait: 20ms}
`, google.URL(), meta.URL()))

	c := stream.DefaultConfig()
	c.Brokers, c.Partitions = []string{broker.Address()}, 2
	cluster, err := stream.Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	if _, err := cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	producer := stream.NewProducer(cluster, c.Partitions, stream.ProducerOptions{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(producer.Close)
	produced := 0
	produce := func(n int) {
		t.Helper()
		var messages []stream.Message
		for range n {
			record := w.Record(t, fmt.Sprintf(`{"id":%q,"type":"conversion","site":"shop","name":"order","value":9.5,"currency":"JPY",`+
				`"visitor_id":"visitor-%d","consent":{"analytics":true,"advertising":true}}`, uuid.Must(uuid.NewV7()), produced))
			messages = append(messages, stream.Message{Key: fmt.Appendf(nil, "visitor-%d", produced), Value: record, Time: time.Now()})
			produced++
		}
		if err := producer.Write(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
	}

	var out output
	start := func() *exec.Cmd {
		t.Helper()
		cmd := exec.Command(binary(t), "forward", "google", "meta", "--config", file)
		cmd.Env, cmd.Stdout, cmd.Stderr = env, io.Discard, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	seen := func(s *standin.Server) int { return s.Received().Identifiers["event_id"] }
	process := start()
	t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	for kill := range kills {
		produce(events / (kills + 1))
		before := seen(google)
		eventually(t, 2*time.Minute, "events at Google", func() bool { return seen(google) > before+events/20 })
		_ = process.Process.Kill()
		_ = process.Wait()
		t.Logf("killed %d times; Google has %d events, Meta %d", kill+1, seen(google), seen(meta))
		process = start()
	}
	produce(events - produced)
	eventually(t, 3*time.Minute, "every event at Google and Meta", func() bool { return seen(google) == events && seen(meta) == events })

	g, m := google.Received(), meta.Received()
	t.Logf("Google counted %d twice, Meta recognised %d", g.Doubled, m.Deduplicated)
	if m.Events != events || m.Doubled > 0 {
		t.Errorf("Meta has %d events, %d doubled", m.Events, m.Doubled)
	}
	if g.Events != events+g.Doubled || g.Doubled > kills*4000 {
		t.Errorf("Google has %d events, %d doubled", g.Events, g.Doubled)
	}
	if g.Violations+m.Violations > 0 {
		t.Errorf("rules were broken: %+v, %+v", g.Listed, m.Listed)
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
