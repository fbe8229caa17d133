package embedded

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekisho/stream"
)

func connect(t *testing.T, k *Kafka) *stream.Cluster {
	t.Helper()
	c := stream.DefaultConfig()
	c.Brokers, c.Partitions = []string{k.Address()}, 2
	cluster, err := stream.Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// TestRestartKeepsTopics: what was there is there again at the next start.
func TestRestartKeepsTopics(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	k, err := Start(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, k).EnsureTopics(ctx); err != nil {
		t.Fatal(err)
	}
	k.Close()
	if k, err = Start(dir, 0); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if n, err := connect(t, k).VerifyTopics(ctx); err != nil || n != 2 {
		t.Errorf("after a restart: %d partitions, %v", n, err)
	}
}

// TestTakenPort gives an error that says what to do.
func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	if _, err := Start(t.TempDir(), n); err == nil || !strings.Contains(err.Error(), "--kafka-port") {
		t.Errorf("got %v", err)
	}
}
