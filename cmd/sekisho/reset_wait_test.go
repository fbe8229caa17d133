package main_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
	"sekisho/stream/kafkatest"
)

// Who waits for an erasure goes on waiting while Kafka is restarted. (The command
// ended with an error.)
func TestWaitingOutlivesARestart(t *testing.T) {
	t.Parallel()
	k, err := kafkatest.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	c := stream.DefaultConfig()
	c.Brokers = []string{k.Address()}
	cluster, err := stream.Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	if _, err := cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting := exec.Command(binary(t), "reset", "--kind=visitor_id", "--id=canary", "--wait")
	said := new(output)
	waiting.Stdout, waiting.Stderr = said, said
	waiting.Env = append(environment(), "SEKISHO_KAFKA_BROKERS="+k.Address(), "SEKISHO_KEYS_SECRET="+strings.Repeat("s", 32), "SEKISHO_KEYS_REGISTRY="+strings.Repeat("r", 32))
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- waiting.Wait() }()
	t.Cleanup(func() { _ = waiting.Process.Kill() })
	says := func(what string) {
		t.Helper()
		eventually(t, waitTime, what, func() bool { return len(ended) > 0 || strings.Contains(said.String(), what) })
	}
	says("erased in ClickHouse: pending")
	k.Away()
	says("Kafka does not tell how far it is")
	if err := k.Restart(); err != nil {
		t.Fatal(err)
	}
	done := schemas.Progress{Recipient: policy.Store, From: 0, To: 1, State: schemas.Done, At: time.Now()}
	if _, err := cluster.Append(t.Context(), c.Topics.Progress, 0, []stream.Entry{{Key: done.Key(), Value: done.AppendJSON(nil)}}); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v:\n%s", err, said)
	}
}
