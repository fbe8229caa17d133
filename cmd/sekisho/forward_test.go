package main_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/forward/forwardtest"
	"sekisho/sinks/standin"
	"sekisho/stream"
	"sekisho/stream/embedded"
)

// forwarding is a Kafka with events for Google and Meta, their stand-ins, and
// `sekisho forward` in a process of its own.
type forwarding struct {
	google, meta *standin.Server
	out          *output // of the last start
	events       int     // produced

	world    *forwardtest.World
	producer *stream.Producer
	resets   *stream.Resets
	file     string
	env      []string
	process  *exec.Cmd
}

func newForwarding(t *testing.T) *forwarding {
	t.Helper()
	secret := strings.Repeat("s", 64)
	f := &forwarding{world: forwardtest.Example(t)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	f.world.Keys, err = enforcer.NewKeys("k1", []byte(secret))
	must(err)
	broker, err := embedded.Start(t.TempDir(), 0)
	must(err)
	t.Cleanup(broker.Close)
	f.google, err = standin.StartGoogle(standin.Options{Listen: "127.0.0.1:0"}, standin.Google{Secrets: map[string]string{"G-A1": "s1"}})
	must(err)
	t.Cleanup(func() { _ = f.google.Stop(t.Context()) })
	f.meta, err = standin.StartMeta(standin.Options{Listen: "127.0.0.1:0"}, standin.Meta{Pixel: "1", Token: "s2"})
	must(err)
	t.Cleanup(func() { _ = f.meta.Stop(t.Context()) })

	f.env = append(environment(),
		"SEKISHO_POLICY="+write(t, "policy.yaml", string(policy.Example)), "SEKISHO_KAFKA_BROKERS="+broker.Address(),
		"SEKISHO_KEYS_SECRET="+secret, "SEKISHO_ADMIN_LISTEN=127.0.0.1:0", "GOOGLE_SECRET=s1", "META_TOKEN=s2",
	)
	f.file = write(t, "sekisho.yaml", fmt.Sprintf(`forwarders:
  google:
    ga4: {endpoint: %s, streams: {"*": {measurement_id: G-A1, api_secret: "env:GOOGLE_SECRET"}}}
    delivery: {allow_private: [127.0.0.1], max_wait: 20ms}
  meta:
    meta: {endpoint: %s, pixels: {"*": {id: "1", token: "env:META_TOKEN"}}}
    delivery: {allow_private: [127.0.0.1], max_wait: 20ms}
`, f.google.URL(), f.meta.URL()))

	c := stream.DefaultConfig()
	c.Brokers, c.Partitions = []string{broker.Address()}, 2
	cluster, err := stream.Connect(c)
	must(err)
	t.Cleanup(cluster.Close)
	_, err = cluster.EnsureTopics(t.Context())
	must(err)
	f.producer = stream.NewProducer(cluster, c.Partitions, stream.ProducerOptions{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(f.producer.Close)
	f.resets = stream.NewResets(cluster, func(*schemas.Reset) {}, slog.New(slog.DiscardHandler))
	t.Cleanup(f.kill)
	return f
}

// start starts `sekisho forward`.
func (f *forwarding) start(t *testing.T) {
	t.Helper()
	f.out = &output{}
	f.process = exec.Command(binary(t), "forward", "google", "meta", "--config", f.file)
	f.process.Env, f.process.Stdout, f.process.Stderr = f.env, io.Discard, f.out
	if err := f.process.Start(); err != nil {
		t.Fatal(err)
	}
}

func (f *forwarding) kill() {
	if f.process != nil {
		_ = f.process.Process.Kill()
		_ = f.process.Wait()
	}
}

// produce puts orders of new visitors on the events topic.
func (f *forwarding) produce(t *testing.T, n int) {
	t.Helper()
	var messages []stream.Message
	for range n {
		record := f.world.Record(t, fmt.Sprintf(`{"id":%q,"type":"conversion","site":"shop","name":"order","value":9.5,"currency":"JPY",`+
			`"visitor_id":"visitor-%d","consent":{"analytics":true,"advertising":true}}`, uuid.Must(uuid.NewV7()), f.events))
		messages = append(messages, stream.Message{Key: fmt.Appendf(nil, "visitor-%d", f.events), Value: record, Time: time.Now()})
		f.events++
	}
	if err := f.producer.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// seen is how many different events the stand-in has.
func seen(s *standin.Server) int { return s.Received().Identifiers["event_id"] }

// resident is the memory that the process has from the machine, in bytes.
func (f *forwarding) resident(t *testing.T) int {
	t.Helper()
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(f.process.Process.Pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	kb, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// metrics returns what the process that was started last tells of itself.
func (f *forwarding) metrics(t *testing.T) string {
	t.Helper()
	var admin string
	eventually(t, startTime, "the forwarder to run", func() bool {
		for line := range strings.Lines(f.out.String()) {
			if strings.Contains(line, " runs\"") {
				admin = word(line, "admin=")
			}
		}
		return admin != ""
	})
	return fetch(t, "http://"+admin+"/metrics")
}

// maybeTwice is how many events to Google the process says may have been sent
// twice.
func (f *forwarding) maybeTwice(t *testing.T) (n uint64) {
	t.Helper()
	return f.metric(t, `sekisho_forward_maybe_twice_events_total{recipient="google"}`)
}

// metric is what the process tells, 0 while it tells nothing.
func (f *forwarding) metric(t *testing.T, name string) (n uint64) {
	t.Helper()
	for line := range strings.Lines(f.metrics(t)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}

// TestForwarderKilled: sekisho forward is killed again and again while events
// come in. Each recipient has every event in the end. Meta has each once; of
// Google, which knows no event again, the doubles are those that were sent and
// not yet committed when it was killed, and are counted.
func TestForwarderKilled(t *testing.T) {
	t.Parallel()
	const events, kills = 3000, 2
	f := newForwarding(t)
	// Slow, so that requests are under way whenever it is killed.
	f.google.Misbehave(standin.Fault{Kind: standin.Delay, Delay: standin.Duration(10 * time.Millisecond)})
	f.meta.Misbehave(standin.Fault{Kind: standin.Delay, Delay: standin.Duration(100 * time.Millisecond)})
	f.start(t)
	counted := uint64(0)
	for kill := range kills {
		f.produce(t, events/(kills+1))
		before := seen(f.google)
		eventually(t, 2*time.Minute, "events at Google", func() bool { return seen(f.google) > before+events/20 })
		counted += f.maybeTwice(t)
		f.kill()
		t.Logf("killed %d times; Google has %d events, Meta %d", kill+1, seen(f.google), seen(f.meta))
		f.start(t)
	}
	f.produce(t, events-f.events)
	eventually(t, 3*time.Minute, "every event at Google and Meta", func() bool { return seen(f.google) == events && seen(f.meta) == events })

	g, m := f.google.Received(), f.meta.Received()
	counted += f.maybeTwice(t)
	t.Logf("Google counted %d twice, of %d of which it may be; Meta recognised %d", g.Doubled, counted, m.Deduplicated)
	if m.Events != events || m.Doubled > 0 {
		t.Errorf("Meta has %d events, %d doubled", m.Events, m.Doubled)
	}
	// What is under way is a run of at most 2,000 of each of the two partitions.
	if g.Events != events+g.Doubled || g.Doubled > kills*2*2000 || g.Doubled > counted {
		t.Errorf("Google has %d events, %d doubled, of %d of which it may be", g.Events, g.Doubled, counted)
	}
	if g.Violations+m.Violations > 0 {
		t.Errorf("rules were broken: %+v, %+v", g.Listed, m.Listed)
	}
	if t.Failed() {
		t.Log(f.out.String())
	}
}

// TestRecipientDown: while Google is down Meta has every event, and the forwarder
// does not grow however many wait; when Google is there again it has them all,
// each once. SEKISHO_TEST_DOWN=1h keeps it down for an hour instead of seconds
// (with -timeout 2h).
func TestRecipientDown(t *testing.T) {
	t.Parallel()
	down := 5 * time.Second
	if text := os.Getenv("SEKISHO_TEST_DOWN"); text != "" {
		var err error
		if down, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	f := newForwarding(t)
	f.google.Misbehave(standin.Fault{Kind: standin.Down})
	f.start(t)
	arrived := func() {
		t.Helper()
		eventually(t, 2*time.Minute, "every event at Meta", func() bool { return seen(f.meta) == f.events })
	}
	for range 10 { // so that every buffer has been full
		f.produce(t, 500)
		arrived()
	}
	before := f.resident(t)
	for end := time.Now().Add(down); time.Now().Before(end); {
		if f.events < 100_000 {
			f.produce(t, 500)
		} else { // the stand-ins tell 200,000 events apart
			f.produce(t, 10)
			time.Sleep(time.Second)
		}
		arrived()
	}
	after := f.resident(t)
	eventually(t, time.Minute, "the lag to be told", func() bool { return f.metric(t, `sekisho_forward_lag{recipient="google"}`) >= uint64(f.events) })
	t.Logf("Google was down for %v; %d events waited for it; lag %d; resident %d MB, then %d MB",
		down, f.events, f.metric(t, `sekisho_forward_lag{recipient="google"}`), before>>20, after>>20)
	if grown := after - before; grown > 64<<20 {
		t.Errorf("the forwarder grew by %d MB", grown>>20)
	}
	if n := seen(f.google); n != 0 {
		t.Errorf("Google has %d events while it is down", n)
	}
	f.google.Misbehave()
	back := time.Now()
	eventually(t, 10*time.Minute, "every event at Google", func() bool { return seen(f.google) == f.events })
	t.Logf("Google had all of them %v after it was back", time.Since(back).Round(time.Second))
	if r := f.google.Received(); r.Doubled > 0 || r.Violations > 0 {
		t.Errorf("%d doubled; rules broken: %+v", r.Doubled, r.Listed)
	}
}
