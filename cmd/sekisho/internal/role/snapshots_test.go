package role

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/schemas"
	"sekisho/stream"
	"sekisho/stream/embedded"
)

// keeper is a process's registry with its snapshots.
type keeper struct {
	resets *enforcer.Resets
	follow *stream.Resets
	log    *output
	set    *metrics.Set
	read   atomic.Int64 // resets that came from the topic
	stop   func()
}

type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func kafkaCluster(t *testing.T, topics string) *stream.Cluster {
	t.Helper()
	broker, err := embedded.Start(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
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
	return cluster
}

// keep runs a registry over a directory until it is caught up.
func keep(t *testing.T, cluster *stream.Cluster, dir, secret string) *keeper {
	t.Helper()
	hasher, err := registry.NewHasher([]byte(strings.Repeat(secret, registry.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{resets: enforcer.NewResets(hasher), log: new(output), set: metrics.NewSet()}
	log := slog.New(slog.NewTextHandler(k.log, nil))
	k.follow = stream.NewResets(cluster, func(r *schemas.Reset) { k.read.Add(1); k.resets.Put(r) }, log)
	s := newSnapshots(dir, "collector", k.resets.KeyID(), k.resets.Sets(), k.follow, k.set, log)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.run(ctx) }()
	k.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(k.stop)
	for deadline := time.Now().Add(time.Minute); k.follow.Ready() != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is not ready: %v\n%s", k.follow.Ready(), k.log)
		}
	}
	return k
}

func (k *keeper) metric(t *testing.T, result string) string {
	t.Helper()
	var text bytes.Buffer
	k.set.WritePrometheus(&text)
	_, rest, _ := strings.Cut(text.String(), fmt.Sprintf("sekisho_registry_snapshots_total{role=\"collector\",result=%q} ", result))
	n, _, _ := strings.Cut(rest, "\n")
	return n
}

// TestSnapshots: a process begins with what it knew when it stopped, reads only
// what is newer, and never trusts a snapshot that is not whole or not of this
// topic and key.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	cluster := kafkaCluster(t, "")
	dir := filepath.Join(t.TempDir(), "registry")
	first := keep(t, cluster, dir, "r")
	reset := func(n byte, recipient string) schemas.Reset {
		return schemas.Reset{Field: schemas.VisitorID, Hash: [16]byte{n, 15: n}, At: time.Now(), Pseudonyms: []string{"k1.0"}, Recipient: recipient}
	}
	put := func(resets ...schemas.Reset) {
		t.Helper()
		if _, err := first.follow.Append(t.Context(), resets); err != nil {
			t.Fatal(err)
		}
	}
	put(reset(1, ""), reset(2, ""), reset(3, "google"))
	if err := first.follow.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.stop()
	put(reset(4, ""))

	check := func(what, dir, secret string, read int, aside string) *keeper {
		t.Helper()
		k := keep(t, cluster, dir, secret)
		if int(k.read.Load()) != read || k.resets.Set().Len() != 3 || k.resets.OptOuts().Len() != 1 || k.metric(t, "set_aside") != aside {
			t.Errorf("%s: it read %d resets, knows %d and %d opt-outs, set %s snapshots aside; want %d, 3, 1, %s\n%s",
				what, k.read.Load(), k.resets.Set().Len(), k.resets.OptOuts().Len(), k.metric(t, "set_aside"), read, aside, k.log)
		}
		if !k.resets.Set().Contains(registry.HashFrom([16]byte{1, 15: 1})) || !k.resets.Set().Contains(registry.HashFrom([16]byte{4, 15: 4})) {
			t.Errorf("%s: a reset is missing", what)
		}
		k.stop()
		return k
	}
	saved := func() string {
		t.Helper()
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		return to
	}
	damage := func(dir, name string, do func([]byte) []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, do(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check("no directory", "", "r", 4, "0")
	check("an empty directory", t.TempDir(), "r", 4, "0")
	for _, name := range []string{"collector.resets.snapshot", "collector.optouts.snapshot"} {
		bad := saved()
		damage(bad, name, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		k := check("a damaged "+name, bad, "r", 4, "1")
		if _, err := os.Stat(filepath.Join(bad, name+".unusable")); err != nil || !strings.Contains(k.log.String(), "cannot be used") {
			t.Errorf("the damaged %s is not set aside and reported: %v\n%s", name, err, k.log)
		}
		check("after the damaged "+name, bad, "r", 0, "0")
		bad = saved()
		damage(bad, name, func(b []byte) []byte { return b[:len(b)-1] })
		check("a truncated "+name, bad, "r", 4, "1")
		bad = saved()
		if err := os.Remove(filepath.Join(bad, name)); err != nil {
			t.Fatal(err)
		}
		check("no "+name, bad, "r", 4, "0")
	}
	check("of another key", saved(), "x", 4, "1")
	bad := saved()
	if err := os.WriteFile(filepath.Join(bad, "collector.resets.snapshot.new"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("a write that was cut off", bad, "r", 1, "0")
	check("a good one", dir, "r", 1, "0")
	k := check("nothing newer", dir, "r", 0, "0")
	if k.metric(t, "written") != "0" {
		t.Error("a snapshot was written though nothing came")
	}

	// Another Kafka with the same topic: nothing of the snapshot holds.
	other := kafkaCluster(t, "")
	foreign := keep(t, other, saved(), "r")
	if foreign.resets.Set().Len() != 0 || foreign.metric(t, "set_aside") != "2" {
		t.Errorf("it knows %d resets of another Kafka\n%s", foreign.resets.Set().Len(), foreign.log)
	}
}
